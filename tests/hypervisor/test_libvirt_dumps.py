"""Dumps that libvirt makes by itself: who began them, and how they end, for whoever waits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.base import Backend
from backend.dump_request import AutomaticDump, DumpCause
from backend.files.target import DumpTarget
from backend.libvirt.backend import LibvirtBackend
from backend.model import DomainKey, DomainState, JobOperation
from backend.outcome import Evidence, Verdict
from backend.records.history import History
from tests.contract.steps import PATIENCE, attach, eventually, job_seen
from tests.hypervisor.daemon import Machines, PrivateDaemon, unique, virsh_dump
from tests.hypervisor.disk import small_disk
from tests.hypervisor.helper import Held
from tests.hypervisor.troubled import panicking, watched
from tests.unit.session.observer import Observer, session
from tui.session.rows import Row
from tui.session.session import Session

pytestmark = pytest.mark.hypervisor

GUESTS = {
    "coredump-destroy": (lambda name: panicking(name, "coredump-destroy"), DumpCause.PANIC),
    "coredump-restart": (lambda name: panicking(name, "coredump-restart"), DumpCause.PANIC),
    "watchdog": (lambda name: watched(name, "dump"), DumpCause.WATCHDOG),
}


class Elsewhere(LibvirtBackend):
    """As from another host: files of dumps cannot be seen."""

    async def dump_target(self, domain: DomainKey) -> DumpTarget | None:
        return None

    async def last_dump_target(self, domain: DomainKey) -> DumpTarget | None:
        return None


@pytest.fixture
def folder(daemon: PrivateDaemon) -> Path:
    """Where this daemon's libvirt puts the dumps that it makes by itself."""
    return daemon.folder / "config/libvirt/qemu/dump"


@pytest.fixture
def guests(daemon: PrivateDaemon) -> Iterator[Machines]:
    with Machines(daemon.uri) as machines:
        yield machines


@pytest.mark.parametrize("readonly", [False, True])
@pytest.mark.parametrize("kind", GUESTS)
async def test_what_follows_a_dump_by_libvirt_is_no_failure_of_it(
    daemon: PrivateDaemon, guests: Machines, folder: Path, kind: str, readonly: bool
) -> None:
    xml, cause = GUESTS[kind]
    domain = guests.create(xml(unique("vm")))
    async with LibvirtBackend(daemon.uri, readonly) as backend:
        with Held(folder) as held:
            guests.handle(domain).resume()
            await asyncio.to_thread(held.until_stopped)
            waiting = await attach(backend, domain)
            dump = await backend.automatic_dump(domain)
            assert dump is not None
            assert (dump.cause, Path(dump.path or "").parent) == (cause, folder)
            await asyncio.to_thread(held.release)
            outcome = await asyncio.wait_for(waiting, PATIENCE)
        assert (outcome.verdict, outcome.evidence) == (Verdict.COMPLETED, Evidence.FILE), outcome
        assert (outcome.path, outcome.left_paused) == (dump.path, False)
        assert outcome.requester == f"libvirt ({cause})"


@pytest.mark.parametrize("readonly", [False, True])
@pytest.mark.parametrize("kind", GUESTS)
async def test_without_its_file_a_dump_by_libvirt_is_never_said_to_have_failed(
    daemon: PrivateDaemon, guests: Machines, folder: Path, kind: str, readonly: bool
) -> None:
    xml, cause = GUESTS[kind]
    domain = guests.create(xml(unique("vm")))
    async with Elsewhere(daemon.uri, readonly) as backend:
        with Held(folder) as held:
            guests.handle(domain).resume()
            await asyncio.to_thread(held.until_stopped)
            waiting = await attach(backend, domain, holds_file=False)
            # A watchdog is reported before the dump begins: anybody may have begun it.
            certain = AutomaticDump(cause) if cause is DumpCause.PANIC else None
            assert await backend.automatic_dump(domain) == certain
            await asyncio.to_thread(held.release)
            outcome = await asyncio.wait_for(waiting, PATIENCE)
    assert outcome.verdict in (Verdict.COMPLETED, Verdict.UNPROVEN), outcome
    assert outcome.requester == (certain.requester if certain else "")


async def dumped_by_libvirt(daemon: PrivateDaemon, domain: DomainKey, backend: Backend) -> AutomaticDump | None:
    """What is taken for a dump of libvirt's while somebody dumps the domain."""
    folder = daemon.folder / unique("dumps")
    folder.mkdir()
    folder.chmod(0o777)
    with Held(folder / "mine") as held:
        dump = virsh_dump(daemon.uri, domain, folder / "mine", "--memory-only")
        await asyncio.to_thread(held.until_stopped)
        await job_seen(backend, domain)
        found = await backend.automatic_dump(domain)
        await asyncio.to_thread(held.release)
        assert await asyncio.to_thread(dump.wait) == 0
    return found


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_a_dump_by_libvirt_into_a_full_disk_has_failed(
    daemon: PrivateDaemon, guests: Machines, folder: Path, elsewhere: bool
) -> None:
    domain = guests.create(panicking(unique("vm"), "coredump-destroy"))
    async with LibvirtBackend(daemon.uri) as backend, Elsewhere(daemon.uri) as other:
        with small_disk(folder, 8), Held(folder) as held:
            guests.handle(domain).resume()
            await asyncio.to_thread(held.until_stopped)
            waiting = await attach(backend, domain)
            await asyncio.to_thread(held.release)
            outcome = await asyncio.wait_for(waiting, PATIENCE)
        assert outcome.verdict is Verdict.FAILED, outcome
        found = await backend.find(domain.uuid)
        assert (found.state, found.reason, found.faulty) == (DomainState.CRASHED, "panicked", True)
        # What somebody makes of it then is no dump of libvirt's, although libvirt was to dump this guest.
        assert await dumped_by_libvirt(daemon, domain, other if elsewhere else backend) is None


@pytest.mark.parametrize("elsewhere", [False, True])
@pytest.mark.parametrize("kind", ["panicked", "watchdog"])
async def test_a_dump_that_somebody_makes_of_such_a_guest_is_not_libvirts(
    daemon: PrivateDaemon, guests: Machines, kind: str, elsewhere: bool
) -> None:
    name = unique("vm")
    domain = guests.create(panicking(name, "preserve") if kind == "panicked" else watched(name, "pause"))
    async with (Elsewhere if elsewhere else LibvirtBackend)(daemon.uri) as backend:
        guests.handle(domain).resume()

        async def stands_still() -> bool:
            return (await backend.find(domain.uuid)).may_be_dumped_by_hypervisor

        await eventually(stands_still)
        assert await dumped_by_libvirt(daemon, domain, backend) is None


def row_of(running: Session, domain: DomainKey) -> Row:
    return next(row for row in running.rows.values() if row.domain.key.uuid == domain.uuid)


@pytest.mark.parametrize("kind", GUESTS)
async def test_the_console_picks_up_a_dump_by_libvirt_from_its_start(
    daemon: PrivateDaemon, guests: Machines, folder: Path, kind: str
) -> None:
    xml, cause = GUESTS[kind]
    domain = guests.create(xml(unique("vm")))
    async with session(daemon.uri) as (running, observer):
        with Held(folder) as held:
            guests.handle(domain).resume()
            await asyncio.to_thread(held.until_stopped)
            await observer.until(lambda: row_of(running, domain).automatic_dump is not None)
            row = row_of(running, domain)
            assert (row.operation, row.automatic_dump.cause) == (JobOperation.DUMP, cause)  # type: ignore[union-attr]
            path = row.automatic_dump.path  # type: ignore[union-attr]
            assert path and Path(path).parent == folder
            started = f"dump started by libvirt ({cause}) → {path}"
            await observer.until(lambda: (domain.name, started) in observer.entries)
            await asyncio.to_thread(held.release)
            await observer.until(lambda: bool(observer.outcomes))
        await told(observer, domain, path)
    [entry] = History().jobs()
    assert (entry.verdict, entry.requester) == (Verdict.COMPLETED, f"libvirt ({cause})"), entry


async def told(observer: Observer, domain: DomainKey, path: str) -> None:
    """How it ended is in the activity."""
    [outcome] = observer.outcomes
    assert (outcome.domain, outcome.verdict, outcome.path) == (domain, Verdict.COMPLETED, path), outcome
