"""Jobs of disks over a simulator whose clock the test sets."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from backend.dump_request import DumpFlags, DumpRequest
from backend.errors import OperationFailed
from backend.event_stream import EventStream
from backend.events import (
    BlockJobEvent,
    BlockJobStatus,
    JobBegan,
    LifecycleEvent,
)
from backend.job_stats import JobStats
from backend.model import BlockOperation, DiskKey, DomainKey, JobOperation
from backend.simulator import SimulatorBackend
from tests.unit.simulator.conftest import Clock, Open
from tests.unit.simulator.lab import DISK, MEMORY, URI, stats_of, told


async def test_a_disk_and_its_domain_have_a_job_each(
    backend: SimulatorBackend, domain: DomainKey, clock: Clock, tmp_path: Path
) -> None:
    vda, vdb = DiskKey(domain, "vda"), DiskKey(domain, "vdb")
    await backend.begin_block_job(vda, BlockOperation.PULL, 100)
    await backend.begin_block_job(vdb, BlockOperation.COPY, 100)
    await backend.begin_dump(DumpRequest(domain, str(tmp_path / "dump")))
    clock.advance(1)
    found = await backend.jobs([domain, vda, vdb])
    operations = [stats.operation for stats in found.values() if isinstance(stats, JobStats)]
    assert operations == [JobOperation.DUMP, BlockOperation.PULL, BlockOperation.COPY]
    blocks = (await backend.block_jobs([domain]))[domain]
    assert blocks == [found[vda], found[vdb]]


async def test_a_disk_has_at_most_one_job(backend: SimulatorBackend, domain: DomainKey) -> None:
    for _ in range(3):
        with contextlib.suppress(OperationFailed):
            await backend.begin_block_job(DiskKey(domain, "vda"), BlockOperation.COPY)
    with pytest.raises(OperationFailed, match="disk 'vda' already in active block job") as busy:
        await backend.begin_block_job(DiskKey(domain, "vda"), BlockOperation.PULL)
    assert busy.value.code == 83
    blocks = (await backend.block_jobs([domain]))[domain]
    assert not isinstance(blocks, Exception) and len(blocks) == 1


async def test_there_is_no_job_without_its_disk(backend: SimulatorBackend, domain: DomainKey) -> None:
    with pytest.raises(OperationFailed, match="disk 'vdz' not found in domain"):
        await backend.begin_block_job(DiskKey(domain, "vdz"), BlockOperation.PULL)


async def test_a_copy_from_begin_to_pivot(
    backend: SimulatorBackend, domain: DomainKey, clock: Clock, events: EventStream
) -> None:
    disk = DiskKey(domain, "vda")
    await backend.begin_block_job(disk, BlockOperation.COPY, 10, "/new")
    clock.advance(9.5)
    assert (await stats_of(backend, disk)).ready is False
    clock.advance(0.5)
    stats = await stats_of(backend, disk)
    assert (stats.ready, stats.processed, stats.total) == (True, DISK, DISK)
    clock.advance(3600)
    assert await backend.job(disk) == stats
    await backend.pivot(disk)
    clock.advance(1)
    assert await backend.job(disk) is None
    source = await backend.disk_source(disk)
    assert source is not None and (source.source, source.backing, source.mirror) == ("/new", (), None)
    assert await told(backend, events) == [
        JobBegan(domain, block=True),
        BlockJobEvent(domain, "vda", BlockOperation.COPY, BlockJobStatus.READY),
        BlockJobEvent(domain, "vda", BlockOperation.COPY, BlockJobStatus.COMPLETED),
    ]


async def test_a_copy_into_a_full_disk_fails(open_simulator: Open, clock: Clock, domain: DomainKey) -> None:
    full = await open_simulator(f"{URI}&fail=disk-full")
    disk = DiskKey(domain, "vda")
    async with full.events() as events:
        before = await full.disk_source(disk)
        await full.begin_block_job(disk, BlockOperation.COPY)
        clock.advance(20)
        assert await full.job(disk) is None
        assert await full.disk_source(disk) == before
        failed = BlockJobEvent(domain, "vda", BlockOperation.COPY, BlockJobStatus.FAILED)
        assert failed in await told(full, events)


async def test_a_stop_of_the_domain_ends_the_jobs_of_its_disks_without_a_word(
    backend: SimulatorBackend, domain: DomainKey, clock: Clock, events: EventStream, tmp_path: Path
) -> None:
    disk = DiskKey(domain, "vda")
    await backend.begin_block_job(disk, BlockOperation.COPY)
    await backend.begin_dump(DumpRequest(domain, str(tmp_path / "dump"), flags=DumpFlags.MEMORY_ONLY | DumpFlags.CRASH))
    clock.advance(20)
    seen = await told(backend, events)
    assert [event.detail for event in seen if isinstance(event, LifecycleEvent)] == ["paused", "crashed"]
    ready = BlockJobEvent(domain, "vda", BlockOperation.COPY, BlockJobStatus.READY)
    assert [event for event in seen if isinstance(event, BlockJobEvent)] == [ready]
    again = await backend.start(domain)
    assert await backend.job(DiskKey(again, "vda")) is None


@pytest.mark.parametrize("flags", [DumpFlags.NONE, DumpFlags.MEMORY_ONLY])
async def test_a_raw_dump_is_refused_while_a_disk_has_a_job(
    backend: SimulatorBackend, domain: DomainKey, tmp_path: Path, flags: DumpFlags
) -> None:
    await backend.begin_block_job(DiskKey(domain, "vda"), BlockOperation.COPY)
    request = DumpRequest(domain, str(tmp_path / "dump"), flags=flags)
    if flags is DumpFlags.NONE:
        with pytest.raises(OperationFailed, match="not valid: domain has active block job"):
            await backend.begin_dump(request)
        assert not (tmp_path / "dump").exists()
    else:
        await backend.begin_dump(request)


async def test_begins_are_told_to_those_who_may_write(
    backend: SimulatorBackend, readonly: SimulatorBackend, domain: DomainKey, events: EventStream, tmp_path: Path
) -> None:
    async with readonly.events() as others:
        await backend.begin_block_job(DiskKey(domain, "vdb"), BlockOperation.COPY)
        await backend.begin_migration(domain)
        other = await backend.start((await backend.define("other", MEMORY)).key, paused=True)
        await backend.begin_dump(DumpRequest(other, str(tmp_path / "dump")))
        seen = [event for event in await told(backend, events) if isinstance(event, JobBegan)]
        assert seen == [JobBegan(domain, block=True), JobBegan(domain, block=False)]
        await backend.define("last", MEMORY)
        async for event in others:
            assert not isinstance(event, JobBegan)
            if isinstance(event, LifecycleEvent) and event.domain.name == "last":
                break
    assert (backend.capabilities.begins, bool(readonly.capabilities.begins)) == (None, True)
