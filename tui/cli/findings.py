"""The findings of `doctor`: facts in words, each with a mark. No I/O in here."""

from __future__ import annotations

import errno
import os
import shlex
import stat
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from backend.capabilities import Capabilities
from backend.libvirt.connection.binding import Binding
from backend.observing.checkup import Checkup
from backend.records import process
from backend.records.host import GROUP, Claim
from backend.records.record import JobRecord, RecordState
from backend.running.place import Place
from backend.running.scope import LogoutCheck
from backend.text import clean
from tui.cli import silence
from tui.cli.hints import command_line
from tui.words import units

ELSEWHERE = "set XDG_STATE_HOME to a folder of your own"
_START = "systemctl enable --now virt-jobs-witness"
_RESTART = "systemctl restart virt-jobs-witness"


class Mark(StrEnum):
    OK = "ok"
    NOTE = "note"
    """Worth knowing, but not a problem."""
    ATTENTION = "attention"


@dataclass(frozen=True, slots=True)
class Finding:
    subject: str
    mark: Mark
    text: str
    todo: str = ""
    """What to do about it."""
    uri: str | None = None
    """The hypervisor concerned."""


@dataclass(frozen=True, slots=True)
class StateFacts:
    """What is known of the state folder."""

    folder: str
    exists: bool = False
    own: bool = False
    """Whether it is this user's."""
    mode: int = 0
    """Its permissions."""
    error: str = ""
    """Why nothing can be written there, or it cannot be created; the system's words."""

    @property
    def full(self) -> bool:
        return self.error in (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT))


@dataclass(frozen=True, slots=True)
class WitnessFacts:
    """What is known of the witness of this host."""

    user: str
    """Who asks."""
    installed: bool = False
    """Whether systemd has a unit of it."""
    hidden: bool = False
    """Whether this user may not look into its folder."""
    claim: Claim | None = None
    """What the latest witness says of itself."""
    jobs: int = 0
    """How many are remembered."""
    for_group: bool = True
    """Whether the group may read it."""
    error: str = ""
    """Why the history cannot be used."""


def of_binding(binding: Binding | str, how_to_get: str) -> Finding:
    """`binding` is a text if there is none: the reason."""
    if isinstance(binding, str):
        return Finding("libvirt binding", Mark.ATTENTION, f"not usable ({clean(binding)})", how_to_get)
    text = f"{binding.version or 'version unknown'}, client library {binding.library}"
    return Finding("libvirt binding", Mark.OK, text)


def of_libvirt_conf(path: str, aliases: Mapping[str, str], default: str | None, ours: Mapping[str, str]) -> Finding:
    """`ours` are the aliases of the config, which take precedence."""
    parts = [f"aliases {', '.join(map(clean, aliases))}"] if aliases else []
    parts += [f"uri_default {clean(default)}"] if default else []
    if hidden := [name for name, uri in aliases.items() if ours.get(name, uri) != uri]:
        parts.append(f"overridden by the config: {', '.join(map(clean, hidden))}")
    return Finding("libvirt.conf", Mark.OK, f"{clean(path)}: {'; '.join(parts) or 'no aliases or default URI'}")


def of_state(state: StateFacts) -> Finding:
    """Whether the records of dumps can be kept: a dump is not started without."""
    folder = clean(state.folder)
    if state.exists and not state.own:
        owner = shlex.join(["chown", "-R", process.user().partition("@")[0], state.folder])
        text = f"{folder} belongs to another user: no dump can be started"
        return Finding("state folder", Mark.ATTENTION, text, f"as root: {owner}")
    if state.error:
        cannot = "cannot be written to" if state.exists else "cannot be created"
        text = f"{folder} {cannot} ({state.error}): no dump can be started"
        todo = "make room there" if state.full else ELSEWHERE
        return Finding("state folder", Mark.ATTENTION, text, todo)
    if not state.exists:
        return Finding("state folder", Mark.OK, f"{folder} (will be created on first use)")
    rights = stat.S_IMODE(state.mode)
    if rights & 0o077:
        todo = shlex.join(["chmod", "700", state.folder])
        text = f"{folder} is accessible to other users ({rights:03o})"
        return Finding("state folder", Mark.ATTENTION, text, todo)
    return Finding("state folder", Mark.OK, f"{folder}, private to this user")


def of_journal(total: int, pending: Sequence[JobRecord]) -> Iterator[Finding]:
    """`total`: all records; `pending`: those without a result."""
    stale = [record for record in pending if process.current_state(record) is RecordState.LOST]
    running = len(pending) - len(stale)
    text = f"{_count(total, 'dump')} on record" + (f", {running} of them running" if running else "")
    yield Finding("journal", Mark.OK, text)
    if stale:
        last = stale[0]
        text = f"{_count(len(stale), 'record')} without a result, because its runner died; last: {last.domain}"
        todo = command_line([last.uri], "wait", last.domain, options=["--last"])
        yield Finding("stale records", Mark.NOTE, text, f"to see what is known: {todo}")


def of_witness(witness: WitnessFacts, own_version: str) -> Finding:
    """The witness of this host, which may be none."""
    if witness.hidden:
        # Whether it runs, nobody but root and the group can tell.
        todo = f"to read it, as root, then log in again: {shlex.join(['usermod', '-aG', GROUP, witness.user])}"
        return Finding("witness", Mark.NOTE, f"its history is for root and group {GROUP} only", todo)
    if witness.error:
        return Finding("witness", Mark.ATTENTION, clean(witness.error))
    claim, total = witness.claim, f"remembers {_count(witness.jobs, 'job')}"
    if claim is not None and claim.running:
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(claim.since))
        parts = [f"running since {since}, version {clean(claim.version)}", total]
        if not witness.for_group:
            parts.append(f"only root can read it, since there is no group {GROUP}")
        todo = "" if claim.version == own_version else f"restart it for version {own_version}: {_RESTART}"
        return Finding("witness", Mark.NOTE if todo else Mark.OK, "; ".join(parts), todo)
    if witness.installed:
        return Finding("witness", Mark.ATTENTION, f"installed, but not running; {total}", _START)
    if claim is not None:
        return Finding("witness", Mark.NOTE, f"not running; {total}", "to start it, as root: virt-jobs witness")
    text = "none on this host: how a job ended is lost if nobody watched it"
    return Finding("witness", Mark.NOTE, text, "to keep it, as root: virt-jobs witness")


def of_logout(check: LogoutCheck) -> Finding:
    """Whether the result of a dump that is started here survives a logout."""
    login = check.login
    if not login.booted:
        return Finding("logout", Mark.OK, "systemd is not running here, so logging out ends no dump")
    linger = shlex.join(["loginctl", "enable-linger", login.user])
    if login.uid and login.in_user_manager and not login.lingering:
        text = "ends the dumps that are started here, and their results are lost: the user manager ends with it"
        return Finding("logout", Mark.ATTENTION, text, linger)
    if login.objection is not None:
        reason, todo = "no lingering", linger
    elif check.error is not None:
        reason, todo = f"systemd makes no scope for them: {clean(check.error)}", "see: systemctl status dbus"
    else:
        return Finding("logout", Mark.OK, "ends no dump: each gets a systemd scope of its own")
    if check.kills:
        text = f"ends your dumps, and their results are lost (logind: KillUserProcesses; {reason})"
        return Finding("logout", Mark.ATTENTION, text, todo)
    if check.kills is None:
        return Finding("logout", Mark.NOTE, f"may end your dumps: logind does not say; {reason}", todo)
    text = f"ends no dump (logind leaves them alone), but the end of a service that starts one does: {reason}"
    return Finding("logout", Mark.NOTE, text, todo)


def of_host(checkup: Checkup, needed: bool) -> Iterator[Finding]:
    """Everything about a hypervisor but its dump folder. `needed`: it has to answer, unlike one of several defaults."""
    if checkup.error is not None:
        what, _, todo = clean(checkup.error.message).rpartition("; ")
        yield Finding(
            "connection",
            Mark.ATTENTION if needed or checkup.capabilities is not None else Mark.NOTE,
            what or todo,
            todo if what else "",
            checkup.uri,
        )
    if checkup.capabilities is None:
        return
    if checkup.error is None:
        running = sum(domain.active for domain in checkup.domains)
        text = f"{checkup.capabilities.hypervisor}; {_count(len(checkup.domains), 'domain')}, {running} running"
        yield Finding(
            "connection", Mark.OK, f"{text}; answered in {max(1, round(checkup.seconds * 1000))} ms", "", checkup.uri
        )
    queried = checkup.capabilities.local and not checkup.readonly
    yield _able("formats", checkup.capabilities.formats, checkup.uri, "" if queried else "if its QEMU has them")
    flags = {label: reason for flag, reason in checkup.capabilities.flags.items() for label in flag.labels}
    yield _able("flags", flags, checkup.uri)
    yield from _rights(checkup, checkup.capabilities)
    for silent in checkup.silent:
        what = f"{silent.domain.name} ({silent.reason}); {silence.last_known(silent)}"
        yield Finding("not answering", Mark.ATTENTION, what, "see to its QEMU and its storage", checkup.uri)
    for domain in checkup.left_paused:
        todo = command_line([checkup.uri], "resume", domain.name)
        what = f"{domain.name}, by a {domain.paused_by} that is no longer running"
        yield Finding("left paused", Mark.ATTENTION, what, todo, checkup.uri)


def _able(subject: str, reasons: Mapping[str, str | None], uri: str, proviso: str = "") -> Finding:
    """The available actions, and the unavailable ones with the reasons."""
    able = [name for name, reason in reasons.items() if reason is None]
    unable: dict[str, list[str]] = defaultdict(list)
    for name, reason in reasons.items():
        if reason is not None:
            unable[reason].append(name)
    parts = [", ".join(able), proviso, *(f"not {', '.join(names)}: {reason}" for reason, names in unable.items())]
    return Finding(subject, Mark.OK if able else Mark.ATTENTION, "; ".join(filter(None, parts)), "", uri)


def _rights(checkup: Checkup, able: Capabilities) -> Iterator[Finding]:
    reasons = {"dump": able.dump, "abort": able.abort, "resume": able.resume, "share results": able.shared_records}
    denied = {reason for reason in reasons.values() if reason}
    text = "list and watch" if checkup.error is None else "connect"
    may = [name for name, reason in reasons.items() if reason is None]
    if may:
        text += f", {', '.join(may)}; fine-grained daemon ACLs only show up when an action is attempted"
    for reason in sorted(denied):
        text += f"; not {', '.join(name for name, why in reasons.items() if why == reason)}: {reason}"
    yield Finding("may", Mark.NOTE if denied else Mark.OK, text, "", checkup.uri)
    if able.dump_events is None:
        yield Finding("events", Mark.OK, "QEMU's reports of finished dumps are received", "", checkup.uri)
    else:
        yield Finding(
            "events",
            Mark.NOTE,
            f"QEMU's reports of finished dumps are not received: {able.dump_events}",
            "",
            checkup.uri,
        )


def of_place(checkup: Checkup, path: str, place: Place | None, writable: bool | None) -> Finding:
    """Where the next dump would go. `place` is None if the file system did not answer or is on another host."""
    where = clean(path)
    weight = max((domain.memory for domain in checkup.domains if domain.active), default=0)
    if place is None:
        return Finding("dumps go to", Mark.NOTE, f"{where}; free space unknown (remote host)", "", checkup.uri)
    if place.folder is False:
        todo = f"create it, or set path in [dump] of the config: {shlex.join(['mkdir', '-p', os.path.dirname(path)])}"
        return Finding("dumps go to", Mark.ATTENTION, f"{where}, which does not exist", todo, checkup.uri)
    if place.hidden:
        # Where this user's own daemon writes, it sees no more than this user.
        if writable is None:
            return Finding("dumps go to", Mark.NOTE, f"{where}; {place.caveat}", "", checkup.uri)
        return Finding("dumps go to", Mark.ATTENTION, f"{where}; {place.hidden}", "", checkup.uri)
    if writable is False:
        todo = "set path in [dump] of the config"
        return Finding(
            "dumps go to", Mark.ATTENTION, f"{where}, which is not writable for this user", todo, checkup.uri
        )
    if place.free is None:
        return Finding(
            "dumps go to", Mark.NOTE, f"{where}; free space unknown (not visible to this user)", "", checkup.uri
        )
    space = f"{where}; {units.size(place.free)} free"
    if place.free < weight:
        text = f"{space}, less than the {units.size(weight)} of the largest running domain"
        return Finding(
            "dumps go to", Mark.ATTENTION, text, "free some space, or set path in [dump] of the config", checkup.uri
        )
    return Finding("dumps go to", Mark.OK, space, "", checkup.uri)


def summary(findings: Sequence[Finding]) -> str:
    """How many of them need attention, in a line."""
    problems, notes = (sum(it.mark is mark for it in findings) for mark in (Mark.ATTENTION, Mark.NOTE))
    if not problems:
        return f"no problems, {_count(notes, 'note')}"
    return f"{_count(problems, 'problem')}, {_count(notes, 'note')}: see the lines marked {Mark.ATTENTION}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
