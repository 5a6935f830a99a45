"""Dumps to block devices: libvirt writes to them as to any file, and what was on them before proves nothing."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from backend.dump_request import DumpFlags, DumpFormat, DumpRequest
from backend.errors import FileExists
from backend.files.inspect import inspect
from backend.libvirt.backend import LibvirtBackend
from backend.model import DomainKey
from backend.observing.wait import wait
from backend.outcome import Evidence, Outcome, Verdict
from backend.records.journal import Journal
from backend.records.record import JobRecord, RecordState
from backend.running.place import Kind, look_at
from backend.running.start import start_dump
from backend.verdicts.recorded import recorded_outcome
from tests.contract.steps import PATIENCE
from tests.hypervisor.daemon import NOBODY, Machines, PrivateDaemon, unique, virsh_dump
from tests.hypervisor.helper import Held

pytestmark = pytest.mark.hypervisor

MIB = 1 << 20
MEMORY = 64
FORMATS = {
    "ELF core": ["--memory-only"],
    "kdump, flattened": ["--memory-only", "--format", "kdump-zlib"],
    "migration stream": [],
}
formats = pytest.mark.parametrize("format", FORMATS)


@contextmanager
def device(folder: Path, mib: int) -> Iterator[Path]:
    """A loop device of that size that the private daemon may write to."""
    image = folder / f"{mib}.img"
    image.touch()
    os.truncate(image, mib * MIB)
    made = subprocess.run(["losetup", "-f", "--show", str(image)], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.skip(f"no loop device: {made.stderr.strip()}")
    path = Path(made.stdout.strip())
    before = path.stat()
    os.chown(path, NOBODY, NOBODY)
    try:
        yield path
    finally:
        os.chown(path, before.st_uid, before.st_gid)
        subprocess.run(["losetup", "-d", str(path)], check=True)


def is_device(path: Path) -> bool:
    return stat.S_ISBLK(path.stat().st_mode)


@formats
def test_a_dump_on_a_device_is_known_and_never_proven_whole(daemon: PrivateDaemon, tmp_path: Path, format: str) -> None:
    with device(tmp_path, 2 * MEMORY) as path, Machines(daemon.uri) as machines:
        domain = machines.start(unique("device"), MEMORY, paused=True)
        assert virsh_dump(daemon.uri, domain, path, *FORMATS[format]).wait(PATIENCE) == 0
        found = inspect(path)
        assert (found.format, found.whole, found.size) == (format, None, 2 * MEMORY * MIB)
        assert is_device(path)


def test_a_failed_dump_leaves_the_device_and_is_not_completed_by_old_data(
    daemon: PrivateDaemon, tmp_path: Path
) -> None:
    with device(tmp_path, MEMORY + 16) as path, Machines(daemon.uri) as machines:
        small = machines.start(unique("small"), MEMORY - 32, paused=True)
        large = machines.start(unique("large"), 2 * MEMORY, paused=True)
        assert virsh_dump(daemon.uri, small, path, "--memory-only").wait(PATIENCE) == 0
        assert virsh_dump(daemon.uri, large, path, "--memory-only").wait(PATIENCE) != 0
        assert is_device(path)
        assert inspect(path).whole is False


@pytest.mark.parametrize("options", [["--memory-only"], []], ids=["elf", "raw"])
@pytest.mark.parametrize("again", [False, True], ids=["another's old dump", "its own old dump"])
async def test_somebody_elses_dump_to_a_device_is_unproven_whole_or_not(
    daemon: PrivateDaemon, tmp_path: Path, options: list[str], again: bool
) -> None:
    with device(tmp_path, 2 * MEMORY) as path, Machines(daemon.uri) as machines:
        domain = await asyncio.to_thread(machines.start, unique("device"), MEMORY, True)
        other = await asyncio.to_thread(machines.start, unique("other"), MEMORY, True)
        old = virsh_dump(daemon.uri, domain if again else other, path, *options)
        assert await asyncio.to_thread(old.wait, PATIENCE) == 0
        attached = asyncio.Event()
        async with LibvirtBackend(daemon.uri) as backend:
            with Held(path) as held:
                dump = virsh_dump(daemon.uri, domain, path, *options)
                await asyncio.to_thread(held.until_stopped)
                waiting = asyncio.create_task(wait(backend, domain, on_progress=lambda _: attached.set()))
                await asyncio.wait_for(attached.wait(), PATIENCE)
                await asyncio.to_thread(held.release)
                outcome = await asyncio.wait_for(waiting, PATIENCE)
            failed = await asyncio.to_thread(dump.wait, PATIENCE) != 0
    # QEMU 7.2 makes no second migration stream of a guest that stays paused, and the old one is whole.
    assert not failed or (again and not options)
    assert outcome.verdict is Verdict.UNPROVEN


async def test_our_own_dump_needs_overwrite_and_is_proven_by_its_result(daemon: PrivateDaemon, tmp_path: Path) -> None:
    journal = Journal()
    with device(tmp_path, 2 * MEMORY) as path, Machines(daemon.uri) as machines:
        assert look_at(str(path)).kind is Kind.BLOCK_DEVICE
        assert look_at(str(path)).free == 2 * MEMORY * MIB
        domain = await asyncio.to_thread(machines.start, unique("device"), MEMORY, True)
        request = DumpRequest(domain, str(path), DumpFormat.RAW, DumpFlags.MEMORY_ONLY)
        async with LibvirtBackend(daemon.uri) as backend:
            with pytest.raises(FileExists, match="is a block device"):
                await start_dump(backend, request, journal=journal)
            record = await start_dump(backend, request, overwrite=True, journal=journal)
            outcome = await _outcome(backend, domain, record, journal)
            assert (outcome.verdict, outcome.evidence) == (Verdict.COMPLETED, Evidence.RESULT)
            assert inspect(path).whole is None
            stored = journal.read(record.id)
        assert stored is not None
        assert (stored.state, stored.bytes) == (RecordState.COMPLETED, None)


async def _outcome(backend: LibvirtBackend, domain: DomainKey, record: JobRecord, journal: Journal) -> Outcome:
    if (outcome := recorded_outcome(record)) is not None:
        return outcome
    return await asyncio.wait_for(wait(backend, domain, record=record, journal=journal), PATIENCE)
