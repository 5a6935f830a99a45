"""Files of dumps that are held from the moment at which their helper is started: no dump is too short."""

from __future__ import annotations

import asyncio
import os
import tempfile
import threading
from collections.abc import Awaitable, Iterator
from pathlib import Path

import pytest

from backend.events import ConnectionEvent, JobBegan
from backend.files.inspect import inspect_target
from backend.libvirt.backend import LibvirtBackend
from backend.libvirt.host import iohelper
from backend.libvirt.host.children import Children
from backend.libvirt.host.dump_watch import RECENT, DumpWatch
from backend.observing.memory import Memory
from backend.observing.witness import watch_and_witness
from backend.records.history import History
from tests.contract.steps import PATIENCE
from tests.contract.steps import eventually as in_the_end
from tests.eventually import eventually
from tests.hypervisor.daemon import SYSTEM, Machines, PrivateDaemon, unique, virsh_dump
from tests.hypervisor.disk import small_disk
from tests.hypervisor.forgery import HELPERS, forged
from tests.hypervisor.helper import Held
from tests.hypervisor.proxy import Proxy

pytestmark = pytest.mark.hypervisor


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that every user can write to."""
    with tempfile.TemporaryDirectory(prefix="vj-files-") as name:
        folder = Path(name)
        folder.chmod(0o777)
        yield folder


def is_told() -> bool:
    """Whether this process listens to the kernel's events."""
    return any(thread.name == "children" for thread in threading.enumerate())


async def test_children_of_the_followed_processes_are_told_and_no_others() -> None:
    born: list[int] = []
    leave = Children.follow({os.getpid()}, born.append)
    try:
        child = await asyncio.create_subprocess_exec("sh", "-c", "sleep 0; exit")  # The shell has a child of its own.
        await child.wait()
        await asyncio.to_thread(eventually, lambda: child.pid in born)
    finally:
        leave()
    assert born == [child.pid]


@pytest.mark.parametrize("paused", [False, True], ids=["running", "paused"])
# The kdump of a guest that has done nothing yet would fit into the pipe: nothing would hold it.
@pytest.mark.parametrize("options", [["--memory-only"], []], ids=["elf", "raw"])
async def test_the_file_of_a_dump_is_held_from_its_begin_beside_forged_ones(
    machines: Machines, folder: Path, options: list[str], paused: bool
) -> None:
    # QEMU is held up by what does not fit into the pipe.
    domain = machines.start(unique("short"), 64, paused=paused, filled=True)
    await asyncio.to_thread(eventually, lambda: not is_told())  # The test before has left.
    async with LibvirtBackend(SYSTEM) as backend, backend.events() as events:
        await asyncio.to_thread(eventually, is_told)
        with forged(domain.uuid, folder / "forged", HELPERS["the real program"]), Held(folder / "real") as held:
            dump = virsh_dump(SYSTEM, domain, folder / "real", *options)
            await asyncio.to_thread(held.until_stopped)
            async with asyncio.timeout(PATIENCE):
                async for event in events:
                    if isinstance(event, JobBegan) and event.domain.uuid == domain.uuid:
                        break
            await in_the_end(lambda: backend.dump_target(domain))
            await asyncio.to_thread(held.release)
            assert await asyncio.to_thread(dump.wait, PATIENCE) == 0
        target = await in_the_end(lambda: backend.last_dump_target(domain))
        assert target.path == str(folder / "real")
        assert target.first_seen <= target.last_seen
        assert inspect_target(target).whole


async def test_a_dump_that_began_before_anybody_listened_is_followed_as_well(machines: Machines, folder: Path) -> None:
    domain = machines.start(unique("earlier"), 64, filled=True)
    await asyncio.to_thread(eventually, lambda: not is_told())
    with Held(folder / "real") as held:
        dump = virsh_dump(SYSTEM, domain, folder / "real", "--memory-only")
        await asyncio.to_thread(held.until_stopped)
        watch = DumpWatch(0, lambda uuid: None)
        watch.start()
        try:
            await asyncio.to_thread(eventually, lambda: watch.complete and watch.target(domain.uuid))
            await asyncio.to_thread(held.release)
            assert await asyncio.to_thread(dump.wait, PATIENCE) == 0
            await asyncio.to_thread(eventually, lambda: watch.target(domain.uuid) is None)
            assert watch.target(domain.uuid, over=True) is not None
        finally:
            watch.stop()


async def test_where_every_helper_is_followed_no_process_is_searched(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    domain = machines.start(unique("idle"))
    searches: list[str] = []
    monkeypatch.setattr(iohelper, "dump_target", lambda uuid, owner: searches.append(uuid))
    await asyncio.to_thread(eventually, lambda: not is_told())

    async def searched() -> bool:
        searches.clear()
        assert await backend.dump_target(domain) is None
        return bool(searches)

    async with LibvirtBackend(SYSTEM) as backend:
        assert await searched()
        backend.events()
        await in_the_end(lambda: _negated(searched()))


async def _negated(condition: Awaitable[bool]) -> bool:
    return not await condition


async def test_a_backend_that_is_closed_holds_nothing(machines: Machines, folder: Path) -> None:
    domain = machines.start(unique("short"), 64)
    async with LibvirtBackend(SYSTEM) as backend:
        pass
    dump = virsh_dump(SYSTEM, domain, folder / "real", "--memory-only")
    assert await asyncio.to_thread(dump.wait, PATIENCE) == 0
    assert await backend.last_dump_target(domain) is None


async def test_a_file_is_held_although_the_connection_was_lost(daemon: PrivateDaemon, folder: Path) -> None:
    with Machines(daemon.uri) as machines:
        domain = machines.start(unique("cut"), 64)
        socket = daemon.folder / "run/libvirt/libvirt-sock"
        async with Proxy(daemon.folder / "proxy", socket) as proxy, LibvirtBackend(proxy.uri) as backend:
            events = backend.events()
            await asyncio.to_thread(eventually, is_told)
            dump = virsh_dump(daemon.uri, domain, folder / "real", "--memory-only")
            assert await asyncio.to_thread(dump.wait, PATIENCE) == 0
            await in_the_end(lambda: backend.last_dump_target(domain))
            await proxy.cut()
            await proxy.mend()
            async with asyncio.timeout(PATIENCE):
                async for event in events:
                    if event == ConnectionEvent(True):
                        break
            assert await backend.last_dump_target(domain) is not None


async def test_a_dump_that_is_removed_leaves_room_for_the_next_one(machines: Machines, folder: Path) -> None:
    domain = machines.start(unique("short"), 64)
    seen = asyncio.Event()
    memory = Memory(History(folder / "history.db"), "test", lambda entry: entry.uuid == domain.uuid and seen.set())
    with small_disk(folder / "disk", 96) as disk:
        async with LibvirtBackend(SYSTEM) as backend:
            witness = asyncio.create_task(watch_and_witness(backend, memory))
            await asyncio.to_thread(eventually, is_told)
            dump = virsh_dump(SYSTEM, domain, disk / "dump", "--memory-only")
            assert await asyncio.to_thread(dump.wait, PATIENCE) == 0
            await asyncio.wait_for(seen.wait(), PATIENCE)
            os.unlink(disk / "dump")
            # It would be held for three seconds otherwise, and a disk in memory frees what nobody holds at once.
            await asyncio.to_thread(eventually, lambda: free(disk) > 90 << 20, RECENT / 2)
            witness.cancel()
    memory.close()


def free(disk: Path) -> int:
    room = os.statvfs(disk)
    return room.f_bfree * room.f_frsize
