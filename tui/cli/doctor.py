"""Checks the installation, the config and the hypervisors, and says what to do about problems."""

from __future__ import annotations

import asyncio
import os
import platform
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path

from backend.errors import BackendError
from backend.libvirt.connection import binding, conf
from backend.log import backend_error
from backend.observing.checkup import Checkup, check
from backend.records import process
from backend.running import scope
from backend.running.place import DEADLINE, Place, look_at
from backend.text import clean
from backend.threads import in_thread
from backend.uri import libvirt_installed
from tui.cli import findings
from tui.cli.findings import Finding, Mark, WitnessFacts
from tui.cli.layout import terminal_width, wrapped
from tui.cli.output import print_json
from tui.cli.storage import stored
from tui.cli.target import Target
from tui.config import dump_path
from tui.config.toml_source import ConfigError
from tui.config.values import Config
from tui.dumping import choice as dump_choice

UNIT = "virt-jobs-witness.service"
"""The name of the unit of the witness."""
_UNIT_FOLDERS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)
_WIDE = 60
"""Columns of a terminal that has room for a column of text."""
_NARROW_INDENT = 4
_SYSTEMD_DEADLINE = 3.0
"""Seconds that systemd has to answer."""


def report(target: Target, as_json: bool) -> bool:
    """Print one finding per line; return whether nothing needs attention."""
    checked = asyncio.run(_examine(target))
    if as_json:
        for finding in checked:
            print_json(asdict(finding))
    else:
        print("\n".join([*_lines(checked, terminal_width()), "", findings.summary(checked)]))
    return all(finding.mark is not Mark.ATTENTION for finding in checked)


def _lines(checked: list[Finding], width: int | None) -> Iterator[str]:
    """A line for each finding; on a terminal, which is so wide, as many as it takes, and one for what to do."""
    uri: str | None = None
    for finding in checked:
        if finding.uri != uri:
            uri = finding.uri
            yield f"\n{clean(uri or '')}"
        start = f" {finding.mark:<9}   {finding.subject:<15}   "
        if width is None:
            yield f"{start}{finding.text}" + (f"; {finding.todo}" if finding.todo else "")
            continue
        indent = len(start) if width >= _WIDE else _NARROW_INDENT
        yield from wrapped(start + finding.text, width, indent)
        if finding.todo:
            # Not broken, so that a command in it can be copied.
            yield f"{' ' * indent}{finding.todo}"


async def _examine(target: Target) -> list[Finding]:
    checked = list(_installed())
    try:
        config, uris, needed = target.config, *_hypervisors(target)
    except ConfigError as error:
        # Every command stops there, so nothing else matters until it is fixed.
        return [
            *checked,
            Finding("config", Mark.ATTENTION, clean(error.message), "fix it; no hypervisor was contacted"),
        ]
    checked.extend(_configured(config))
    checked.extend(await in_thread(lambda: list(stored()), "state"))
    checked.append(findings.of_witness(await in_thread(_witness, "witness"), version("virt-jobs")))
    checked.append(await _logout())
    checkups = await asyncio.gather(*(_checked(target, uri) for uri in uris))
    needed = needed or all(checkup.capabilities is None for checkup in checkups)
    for checkup in checkups:
        checked.extend(findings.of_host(checkup, needed))
        if checkup.capabilities is not None:
            checked.append(await _place(checkup, checkup.capabilities.local, config))
    return checked


def _installed() -> Iterator[Finding]:
    versions = f"{version('virt-jobs')}, Python {platform.python_version()}, textual {version('textual')}"
    yield Finding("virt-jobs", Mark.OK, versions)
    try:
        yield findings.of_binding(binding.installed(), "")
    except ImportError as error:
        yield findings.of_binding(str(error), binding.how_to_get())


def _configured(config: Config) -> Iterator[Finding]:
    path = config.source.path
    yield Finding("config", Mark.OK, clean(str(path)) if config.source.text else f"none at {clean(str(path))}")
    client = conf.load()
    ours = {alias: connection.uri for alias, connection in config.connections.items()}
    yield findings.of_libvirt_conf(conf.path(), client.aliases, client.default, ours)


def _witness() -> WitnessFacts:
    """The witness of this host. Nothing is created."""
    from backend.records import host
    from backend.records.history import HostHistory

    facts = WitnessFacts(process.user(), any(Path(folder, UNIT).exists() for folder in _UNIT_FOLDERS))
    try:
        claim = host.read_claim()
        if claim is None and not host.host_folder().exists():
            return facts
        for_group = host.readable_by_group(host.host_folder())
        return replace(facts, claim=claim, for_group=for_group, jobs=HostHistory().count())
    except PermissionError:
        return replace(facts, hidden=True)
    except (OSError, BackendError) as error:
        return replace(facts, error=str(error))


async def _logout() -> Finding:
    asking = in_thread(scope.check_logout, "systemd")
    await asyncio.wait({asking}, timeout=_SYSTEMD_DEADLINE)
    if not asking.done():
        return Finding("logout", Mark.ATTENTION, "systemd does not answer", "see: systemctl status")
    return findings.of_logout(asking.result())


def _hypervisors(target: Target) -> tuple[tuple[str, ...], bool]:
    """The URIs to check, and whether every one of them has to answer; otherwise one is enough."""
    if target.chosen or not libvirt_installed():
        return target.chosen, True
    return ("qemu:///system",) if os.geteuid() == 0 else ("qemu:///system", "qemu:///session"), False


async def _checked(target: Target, uri: str) -> Checkup:
    try:
        return await check(target.silent_backend(uri))
    except Exception as error:
        return Checkup(uri, target.readonly, backend_error(error))


async def _place(checkup: Checkup, local: bool, config: Config) -> Finding:
    looking = in_thread(partial(_look, checkup.uri, local, config), "file system")
    await asyncio.wait({looking}, timeout=DEADLINE)
    if not looking.done():
        return Finding("dumps go to", Mark.ATTENTION, "the file system does not answer", "see: mount", checkup.uri)
    try:
        path, place, writable = looking.result()
    except (BackendError, OSError) as error:
        return Finding("dumps go to", Mark.ATTENTION, clean(str(error)), "", checkup.uri)
    return findings.of_place(checkup, path, place, writable)


def _look(uri: str, local: bool, config: Config) -> tuple[str, Place | None, bool | None]:
    """The path for a dump of a domain named DOMAIN, its place if visible, and whether this user may write there, if it
    is this user's rights that count."""
    folder = dump_choice.suggested_folder(uri, local)
    path = dump_path.filled(config.dump.path, folder, "DOMAIN", config.dump.format, time.time())
    own = uri.startswith("sim:") or uri.partition("?")[0].endswith("/session")
    writable = os.access(os.path.dirname(path), os.W_OK) if own and local else None
    return path, look_at(path) if local else None, writable
