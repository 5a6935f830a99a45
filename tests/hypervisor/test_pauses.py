"""Why guests stand still, as real daemons tell it: a disk that is full, and jobs whose daemon died."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.libvirt.backend import LibvirtBackend
from backend.model import DomainKey, DomainState
from backend.observing.checkup import check
from tests.contract.steps import PATIENCE, job_seen
from tests.eventually import eventually
from tests.hypervisor.daemon import Machines, PrivateDaemon, unique
from tests.hypervisor.disk import small_disk
from tests.hypervisor.helper import Held, helper_of
from tests.hypervisor.troubled import writing
from tests.unit.session.observer import session
from tui.session.rows import Row, busy_first
from tui.session.session import Session

pytestmark = pytest.mark.hypervisor
QEMU_WRITES = 101
"""The byte of an image that QEMU locks while it may write to it (RAW_LOCK_PERM_BASE, BLK_PERM_WRITE)."""


@pytest.fixture
def folder(daemon: PrivateDaemon) -> Path:
    """Where the daemon, which is nobody's, can write."""
    folder = daemon.folder / unique("files")
    folder.mkdir()
    folder.chmod(0o777)
    return folder


@pytest.fixture
def full_disk(folder: Path) -> Iterator[Path]:
    """A disk of a guest on a file system that has no room for a single sector of it."""
    with small_disk(folder / "small", 1) as place:
        disk = place / "disk"
        with disk.open("wb") as file:
            file.truncate(8 << 20)
        disk.chmod(0o666)
        with contextlib.suppress(OSError), (place / "rest").open("wb", buffering=0) as rest:
            while True:
                rest.write(bytes(1 << 12))
        yield disk


def row_of(running: Session, domain: DomainKey) -> Row:
    return next(row for row in running.rows.values() if row.domain.key.uuid == domain.uuid)


async def listed(uri: str, *options: str) -> str:
    command = (sys.executable, "-m", "tui", "-c", uri, "-r", "list", *options)
    listing = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await listing.communicate()
    return out.decode()


async def test_a_guest_whose_disk_is_full_comes_first_with_the_reason_and_since_when(
    daemon: PrivateDaemon, full_disk: Path
) -> None:
    with Machines(daemon.uri) as machines:
        machines.start(unique("another"))
        domain = machines.create(writing(unique("vm"), full_disk))
        async with session(daemon.uri) as (running, observer), LibvirtBackend(daemon.uri, readonly=True) as readonly:
            assert row_of(running, domain).since is None
            machines.handle(domain).resume()
            await observer.until(lambda: bool(row_of(running, domain).io_errors))
            row = row_of(running, domain)
            assert (row.domain.state, row.domain.reason) == (DomainState.PAUSED, "I/O error")
            [error] = row.io_errors
            assert error in (
                "hda: no space left",
                "hda: No space left on device",
            )  # The latter is libvirt's, from 12 on.
            assert row.since is not None
            assert min(running.rows.values(), key=busy_first) == row
            assert (domain.name, f"paused (I/O error): {error}") in observer.entries
            assert list(await readonly.io_errors(domain)) == [error]
            assert "paused (I/O error)" in await listed(daemon.uri)
            assert '"reason": "I/O error"' in await listed(daemon.uri, "--json")
            full_disk.with_name("rest").unlink()
            machines.handle(domain).resume()
            await observer.until(lambda: row_of(running, domain).domain.state is DomainState.RUNNING)
            assert not row_of(running, domain).io_errors


async def test_since_when_a_guest_is_paused_is_not_made_up(daemon: PrivateDaemon, full_disk: Path) -> None:
    with Machines(daemon.uri) as machines:
        domain = machines.create(writing(unique("vm"), full_disk))
        machines.handle(domain).resume()
        eventually(lambda: machines.handle(domain).state()[0] == DomainState.PAUSED)
        async with session(daemon.uri) as (running, observer):
            await observer.until(lambda: bool(row_of(running, domain).io_errors))
            assert row_of(running, domain).since is None


async def ended(process: asyncio.subprocess.Process) -> int:
    """Its exit status."""
    return await asyncio.wait_for(process.wait(), PATIENCE)


@contextlib.contextmanager
def locked(disk: Path) -> Iterator[None]:
    """No guest can go on with the disk that has let it go: somebody has it locked as QEMU does."""
    with disk.open("r+b") as file:

        def lock() -> bool:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, QEMU_WRITES)
            except OSError:
                return False  # The guest's own QEMU has not let it go yet.
            return True

        eventually(lock)
        yield


@pytest.mark.parametrize("job", ["save", "dump", "snapshot"])
async def test_a_guest_that_any_job_left_paused_is_marked(daemon: PrivateDaemon, folder: Path, job: str) -> None:
    disk, path = folder / "disk.qcow2", folder / "written"
    await ended(await asyncio.create_subprocess_exec("qemu-img", "create", "-q", "-f", "qcow2", disk, "8M"))
    disk.chmod(0o666)
    domain = Machines(daemon.uri).start(unique("vm"), filled=True, disk=disk)
    arguments = {
        "save": ["save", domain.uuid, path],
        "dump": ["dump", domain.uuid, path],
        "snapshot": ["snapshot-create-as", domain.uuid, "one", "--memspec", f"file={path},snapshot=external"],
    }
    with Held(path) as held:
        command = ("virsh", "-q", "-c", daemon.uri, *arguments[job])
        virsh = await asyncio.create_subprocess_exec(*command, stderr=DEVNULL)
        await asyncio.to_thread(held.until_stopped)
        async with LibvirtBackend(daemon.uri) as backend:
            await job_seen(backend, domain)
        daemon.kill()
        assert await ended(virsh) != 0
    eventually(lambda: helper_of(path) is None)
    with locked(disk):
        # The daemon that comes back lets the guest run again, if it can.
        await asyncio.to_thread(daemon.start)
        async with session(daemon.uri) as (running, observer):
            await observer.until(lambda: row_of(running, domain).left_paused)
            row = row_of(running, domain)
            assert (row.domain.paused_by, row.since) == (job, None)
            assert (domain.name, f"left paused by a {job} that is no longer running") in observer.entries
            assert min(running.rows.values(), key=busy_first) == row
        checkup = await check(LibvirtBackend(daemon.uri))
        assert [left.name for left in checkup.left_paused] == [domain.name]
    async with LibvirtBackend(daemon.uri) as backend:
        await backend.resume(domain)
        assert (await backend.find(domain.uuid)).state is DomainState.RUNNING
    Machines(daemon.uri).destroy(domain)
