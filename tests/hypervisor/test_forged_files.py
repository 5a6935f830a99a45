"""Processes that pretend to write a dump: any user can start them, and they prove nothing."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from backend.files.target import DumpTarget
from backend.libvirt.backend import LibvirtBackend
from backend.libvirt.host.emulators import running_domains
from backend.libvirt.host.iohelper import dump_target
from backend.model import DomainKey
from backend.observing.wait import wait
from backend.outcome import Verdict
from tests.contract.steps import PATIENCE
from tests.eventually import eventually
from tests.hypervisor.daemon import NOBODY, SYSTEM, Machines, PrivateDaemon, unique, virsh_dump
from tests.hypervisor.disk import small_disk
from tests.hypervisor.forgery import HELPERS, SOMEBODY, arguments_of_qemu, forged
from tests.hypervisor.helper import Held

pytestmark = pytest.mark.hypervisor


def target_of(domain: DomainKey, daemon_owner: int) -> DumpTarget:
    """The file of its dump, as soon as QEMU has been given its end of the helper's pipe."""
    targets: list[DumpTarget] = []

    def seen() -> bool:
        targets.extend(filter(None, [dump_target(domain.uuid, daemon_owner)]))
        return bool(targets)

    eventually(seen)
    return targets[0]


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that every user can write to."""
    with tempfile.TemporaryDirectory(prefix="vj-files-") as name:
        folder = Path(name)
        folder.chmod(0o777)
        yield folder


@pytest.mark.parametrize("program", HELPERS.values(), ids=HELPERS)
def test_processes_of_any_user_are_no_dump(machines: Machines, folder: Path, program: str) -> None:
    domain = machines.start(unique("forged"), paused=True)
    with forged(domain.uuid, folder / "forged", program):
        assert dump_target(domain.uuid, 0) is None


@pytest.mark.parametrize("program", HELPERS.values(), ids=HELPERS)
def test_processes_beside_a_real_dump_do_not_replace_it(machines: Machines, folder: Path, program: str) -> None:
    domain = machines.start(unique("forged"), 64, paused=True)
    with forged(domain.uuid, folder / "forged", program), Held(folder / "real") as held:
        dump = virsh_dump(SYSTEM, domain, folder / "real", "--memory-only")
        held.until_stopped()
        target = target_of(domain, 0)
        held.release()
        assert dump.wait(PATIENCE) == 0
    assert target.path == str(folder / "real")


@pytest.mark.parametrize("program", HELPERS.values(), ids=HELPERS)
def test_a_session_daemons_own_user_cannot_do_without_the_daemon(
    daemon: PrivateDaemon, folder: Path, program: str
) -> None:
    with Machines(daemon.uri) as machines:
        domain = machines.start("forged", paused=True)
        for user in (NOBODY, SOMEBODY):
            with forged(domain.uuid, folder / f"forged-{user}", program, user):
                assert dump_target(domain.uuid, NOBODY) is None


def test_the_file_of_a_session_daemons_dump_is_found(daemon: PrivateDaemon, folder: Path) -> None:
    with Machines(daemon.uri) as machines, Held(folder / "real") as held:
        domain = machines.start("found", paused=True)
        dump = virsh_dump(daemon.uri, domain, folder / "real", "--memory-only")
        held.until_stopped()
        assert target_of(domain, NOBODY).path == str(folder / "real")
        strangers = dump_target(domain.uuid, SOMEBODY), dump_target(domain.uuid, 0)
        held.release()
        assert dump.wait(PATIENCE) == 0
    assert strangers == (None, None)


@contextmanager
def forged_domain(domain: DomainKey, user: int) -> Iterator[None]:
    """A process of a user whose arguments are those of a domain's QEMU."""
    process = subprocess.Popen(
        ["/usr/bin/qemu-system-x86_64", "-c", "import sys; sys.stdin.read()", *arguments_of_qemu(domain)],
        executable="/usr/bin/python3",
        stdin=subprocess.PIPE,
        user=user,
        group=user,
        extra_groups=[],
    )
    try:
        yield
    finally:
        process.kill()
        process.communicate()


def test_a_process_of_any_user_is_no_domain_of_the_system_daemon(machines: Machines) -> None:
    real = machines.start(unique("real"), paused=True)
    shadow = DomainKey(real.uuid, 999, "shadow")
    invented = DomainKey(str(uuid4()), 998, "invented")
    with forged_domain(shadow, SOMEBODY), forged_domain(invented, SOMEBODY):
        domains = running_domains(0)
    assert real in domains
    assert not {shadow, invented}.intersection(domains)


def test_every_user_sees_the_domains_of_the_system_daemon(machines: Machines) -> None:
    real = machines.start(unique("real"), paused=True)
    # In a child that gives up root, as everything that it needs has been imported.
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setresgid(SOMEBODY, SOMEBODY, SOMEBODY)
        os.setresuid(SOMEBODY, SOMEBODY, SOMEBODY)
        os._exit(0 if real in running_domains(0) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_process_of_another_user_is_no_domain_of_a_session_daemon(daemon: PrivateDaemon) -> None:
    with Machines(daemon.uri) as machines:
        real = machines.start(unique("real"), paused=True)
        shadow = DomainKey(real.uuid, 999, "shadow")
        with forged_domain(shadow, SOMEBODY):
            domains = running_domains(NOBODY)
            strangers = running_domains(SOMEBODY), running_domains(0)
    assert real in domains
    assert shadow not in domains
    assert all(real not in keys for keys in strangers)


@pytest.mark.parametrize("program", HELPERS.values(), ids=HELPERS)
@pytest.mark.parametrize("readonly", [False, True], ids=["read-write", "read-only"])
@pytest.mark.parametrize("options", [["--memory-only"], []], ids=["elf", "raw"])
async def test_a_dump_that_failed_is_not_completed_by_a_forged_file(
    machines: Machines, folder: Path, options: list[str], readonly: bool, program: str
) -> None:
    domain = machines.start(unique("forged"), 64, filled=True)
    with small_disk(folder / "small", 8) as small, forged(domain.uuid, folder / "forged", program):
        with Held(small / "dump") as held:
            dump = virsh_dump(SYSTEM, domain, small / "dump", *options)
            await asyncio.to_thread(held.until_stopped)
            outcome = await _outcome(domain, readonly, held)
        assert await asyncio.to_thread(dump.wait, PATIENCE) != 0
    assert outcome in (Verdict.FAILED, Verdict.UNPROVEN)


async def _outcome(domain: DomainKey, readonly: bool, held: Held) -> Verdict:
    attached = asyncio.Event()
    async with LibvirtBackend(SYSTEM, readonly) as backend:
        waiting = asyncio.create_task(wait(backend, domain, on_progress=lambda _: attached.set()))
        await asyncio.wait_for(attached.wait(), PATIENCE)
        await asyncio.to_thread(held.release)
        return (await asyncio.wait_for(waiting, PATIENCE)).verdict
