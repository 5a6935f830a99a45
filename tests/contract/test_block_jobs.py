"""What a backend says of the jobs of disks, and how they are ended."""

from __future__ import annotations

import asyncio

import pytest

from backend.base import Backend, BlockJobsAnswer
from backend.errors import (
    BackendError,
    DomainNotRunning,
    NoJob,
    NoSuchDomain,
    NotPermitted,
    NotSupported,
    OperationFailed,
)
from backend.event_stream import EventStream
from backend.events import BlockJobEvent, BlockJobStatus, JobBegan
from backend.job_stats import JobStats, JobType
from backend.model import BlockOperation, DiskKey, Operation
from tests.contract.harness import DISK, DISK_MIB, Harness
from tests.contract.steps import PATIENCE, eventually

KINDS = [BlockOperation.COPY, BlockOperation.ACTIVE_COMMIT, BlockOperation.COMMIT, BlockOperation.PULL]
MIRRORS = [kind for kind in KINDS if kind.becomes_ready]
OTHERS = [kind for kind in KINDS if not kind.becomes_ready]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name.lower())
every_mirror = pytest.mark.parametrize("kind", MIRRORS, ids=lambda kind: kind.name.lower())
every_other = pytest.mark.parametrize("kind", OTHERS, ids=lambda kind: kind.name.lower())


@pytest.fixture(autouse=True)
def disks(harness: Harness) -> None:
    if reason := harness.lacks("block jobs"):
        pytest.skip(reason)


@pytest.fixture
async def disk(harness: Harness) -> DiskKey:
    return DiskKey(await harness.with_disk("vm"), DISK)


async def told(events: EventStream, disk: DiskKey) -> BlockJobEvent:
    """The next thing that is told of the disk's job."""
    async with asyncio.timeout(PATIENCE):
        async for event in events:
            if isinstance(event, BlockJobEvent) and (event.domain.uuid, event.disk) == (disk.domain.uuid, disk.disk):
                return event
    raise AssertionError("the stream ended")


def listed(answer: BlockJobsAnswer) -> list[tuple[str | None, Operation]]:
    """The disks that have jobs, and which."""
    assert not isinstance(answer, BackendError)
    return [(stats.disk, stats.operation) for stats in answer]


async def ready(backend: Backend, disk: DiskKey) -> None:
    async def probe() -> bool:
        stats = await backend.job(disk)
        return stats is not None and stats.ready is True

    await eventually(probe)


async def gone(backend: Backend, disk: DiskKey) -> None:
    async def probe() -> bool:
        return await backend.job(disk) is None

    await eventually(probe)


# What a look shows


async def test_an_idle_disk_has_no_job(backend: Backend, disk: DiskKey) -> None:
    assert await backend.job(disk) is None
    assert listed((await backend.block_jobs([disk.domain]))[disk.domain]) == []


async def test_a_disk_that_does_not_exist_has_no_job(backend: Backend, disk: DiskKey) -> None:
    assert await backend.job(DiskKey(disk.domain, "vdz")) is None
    assert await backend.disk_source(DiskKey(disk.domain, "vdz")) is None
    assert await backend.disks(disk.domain) == [disk.disk]


async def test_the_disks_of_a_domain_that_is_off_cannot_have_one(harness: Harness, backend: Backend) -> None:
    domain = await harness.shut_off("off")
    with pytest.raises(DomainNotRunning):
        await backend.job(DiskKey(domain, DISK))
    assert isinstance((await backend.block_jobs([domain]))[domain], DomainNotRunning)


@every_kind
async def test_a_job_shows_its_stats(
    harness: Harness, backend: Backend, readonly: Backend, disk: DiskKey, kind: BlockOperation
) -> None:
    async with harness.block_job(disk.domain, kind):
        stats = await backend.job(disk)
        assert stats is not None
        for user in (backend, readonly):
            assert listed((await user.block_jobs([disk.domain]))[disk.domain]) == [(DISK, kind)]
    assert (stats.type, stats.operation, stats.disk) == (JobType.UNBOUNDED, kind, DISK)
    assert 0 < stats.processed < stats.total <= DISK_MIB << 20
    assert stats.processed + stats.remaining == stats.total
    assert stats.ready is (False if kind.becomes_ready else None)


async def test_jobs_of_disks_and_of_domains_are_looked_at_together(
    harness: Harness, backend: Backend, disk: DiskKey
) -> None:
    other = DiskKey(await harness.with_disk("other"), DISK)
    off = DiskKey(await harness.shut_off("off"), DISK)
    keys = [disk, disk.domain, other, other.domain, off]
    answers = {}
    async with harness.block_job(disk.domain, BlockOperation.COPY):
        found = await backend.jobs(keys, answers.__setitem__)
        blocks = await backend.block_jobs([other.domain, disk.domain, off.domain])
    assert isinstance(found[disk], JobStats)
    assert (found[disk.domain], found[other], found[other.domain]) == (None, None, None)
    assert isinstance(found[off], DomainNotRunning)
    assert answers == found
    assert listed(blocks[disk.domain]) == [(DISK, BlockOperation.COPY)]
    assert listed(blocks[other.domain]) == []
    assert isinstance(blocks[off.domain], DomainNotRunning)


@every_mirror
async def test_a_mirror_becomes_ready_and_stays(
    harness: Harness, backend: Backend, readonly: Backend, disk: DiskKey, kind: BlockOperation
) -> None:
    async with backend.events() as events, readonly.events() as others:
        async with harness.block_job(disk.domain, kind) as release:
            await release()
            await ready(backend, disk)
            stats = await backend.job(disk)  # The first one may be from the very moment.
            assert stats is not None
            assert (stats.ready, stats.remaining) == (True, 0)
            assert await readonly.job(disk) == stats
            expected = BlockJobEvent(disk.domain, DISK, kind, BlockJobStatus.READY)
            assert [await told(events, disk), await told(others, disk)] == [expected, expected]
        assert await backend.job(disk) == stats


@every_other
async def test_a_job_that_does_not_mirror_just_completes(
    harness: Harness, backend: Backend, readonly: Backend, disk: DiskKey, kind: BlockOperation
) -> None:
    async with backend.events() as events, readonly.events() as others:
        async with harness.block_job(disk.domain, kind):
            pass
        expected = BlockJobEvent(disk.domain, DISK, kind, BlockJobStatus.COMPLETED)
        assert [await told(events, disk), await told(others, disk)] == [expected, expected]
    await gone(backend, disk)


# Begins


@every_kind
async def test_the_begin_is_reported(harness: Harness, backend: Backend, disk: DiskKey, kind: BlockOperation) -> None:
    assert backend.capabilities.begins is None
    async with backend.events() as events, asyncio.timeout(PATIENCE), harness.block_job(disk.domain, kind):
        async for event in events:
            # Other tests have dumps on the same daemon, and the kernel tells of their helpers.
            if isinstance(event, JobBegan) and event.domain.uuid == disk.domain.uuid:
                assert (event.domain, event.block) == (disk.domain, True)
                break


async def test_a_read_only_connection_says_that_it_hears_of_no_begins(readonly: Backend) -> None:
    assert readonly.capabilities.begins


# Where a disk is


async def test_a_disk_has_a_source_and_a_chain_below_it(backend: Backend, readonly: Backend, disk: DiskKey) -> None:
    source = await backend.disk_source(disk)
    assert source is not None
    assert len({source.source, *source.backing}) == 3
    assert (source.mirror, source.mirror_ready) == (None, False)
    assert await readonly.disk_source(disk) == source


@every_mirror
async def test_a_mirror_shows_where_it_leads_and_whether_it_is_ready(
    harness: Harness, backend: Backend, disk: DiskKey, kind: BlockOperation
) -> None:
    before = await backend.disk_source(disk)
    async with harness.block_job(disk.domain, kind) as release:
        held = await backend.disk_source(disk)
        await release()
        await ready(backend, disk)
        mirrored = await backend.disk_source(disk)
    assert before is not None and held is not None and mirrored is not None
    assert (held.source, held.mirror_ready) == (before.source, False)
    assert (mirrored.source, mirrored.mirror, mirrored.mirror_ready) == (before.source, held.mirror, True)
    assert (held.mirror == before.backing[0]) is (kind == BlockOperation.ACTIVE_COMMIT)


@every_other
async def test_a_job_that_does_not_mirror_shows_none(
    harness: Harness, backend: Backend, disk: DiskKey, kind: BlockOperation
) -> None:
    async with harness.block_job(disk.domain, kind):
        source = await backend.disk_source(disk)
    assert source is not None
    assert source.mirror is None


# Abort and pivot


@every_kind
async def test_an_aborted_job_is_canceled(
    harness: Harness, backend: Backend, readonly: Backend, disk: DiskKey, kind: BlockOperation
) -> None:
    before = await backend.disk_source(disk)
    async with backend.events() as events, readonly.events() as others, harness.block_job(disk.domain, kind):
        await backend.abort(disk)
        expected = BlockJobEvent(disk.domain, DISK, kind, BlockJobStatus.CANCELED)
        assert [await told(events, disk), await told(others, disk)] == [expected, expected]
    await gone(backend, disk)
    assert await backend.disk_source(disk) == before


@every_mirror
async def test_a_mirror_that_is_aborted_when_it_is_ready_leaves_the_disk_where_it_was(
    harness: Harness, backend: Backend, disk: DiskKey, kind: BlockOperation
) -> None:
    before = await backend.disk_source(disk)
    async with backend.events() as events, harness.block_job(disk.domain, kind) as release:
        await release()
        await ready(backend, disk)
        await backend.abort(disk)
        assert [(await told(events, disk)).status for _ in range(2)] == [BlockJobStatus.READY, BlockJobStatus.CANCELED]
    await gone(backend, disk)
    assert await backend.disk_source(disk) == before


@every_mirror
async def test_a_pivot_moves_the_disk_to_its_mirror(
    harness: Harness, backend: Backend, readonly: Backend, disk: DiskKey, kind: BlockOperation
) -> None:
    async with (
        backend.events() as events,
        readonly.events() as others,
        harness.block_job(disk.domain, kind) as release,
    ):
        await release()
        await ready(backend, disk)
        mirrored = await backend.disk_source(disk)
        await backend.pivot(disk)
        for stream in (events, others):
            statuses = [(await told(stream, disk)).status for _ in range(2)]
            assert statuses == [BlockJobStatus.READY, BlockJobStatus.COMPLETED]
    await gone(backend, disk)
    after = await backend.disk_source(disk)
    assert mirrored is not None and after is not None
    assert (after.source, after.mirror) == (mirrored.mirror, None)


@every_mirror
async def test_there_is_no_pivot_before_a_mirror_is_ready(
    harness: Harness, backend: Backend, disk: DiskKey, kind: BlockOperation
) -> None:
    async with harness.block_job(disk.domain, kind):
        with pytest.raises(OperationFailed):
            await backend.pivot(disk)
        assert await backend.job(disk) is not None


@every_other
async def test_there_is_no_pivot_without_a_mirror(
    harness: Harness, backend: Backend, disk: DiskKey, kind: BlockOperation
) -> None:
    async with harness.block_job(disk.domain, kind):
        with pytest.raises(NotSupported):
            await backend.pivot(disk)
        assert await backend.job(disk) is not None


@pytest.mark.parametrize("name", [DISK, "vdz"])
async def test_without_a_job_there_is_nothing_to_end(backend: Backend, disk: DiskKey, name: str) -> None:
    with pytest.raises(NoJob):
        await backend.abort(DiskKey(disk.domain, name))
    with pytest.raises(NoJob):
        await backend.pivot(DiskKey(disk.domain, name))


async def test_a_read_only_connection_ends_nothing(harness: Harness, readonly: Backend, disk: DiskKey) -> None:
    async with harness.block_job(disk.domain, BlockOperation.COPY) as release:
        await release()
        await ready(readonly, disk)
        for end in (readonly.abort, readonly.pivot):
            with pytest.raises(NotPermitted, match="read only access prevents") as refused:
                await end(disk)
            assert refused.value.code == 29
        assert await readonly.job(disk) is not None


async def test_a_disk_can_have_one_job_after_the_other(harness: Harness, backend: Backend, disk: DiskKey) -> None:
    for kind in (BlockOperation.COPY, BlockOperation.ACTIVE_COMMIT, BlockOperation.COPY):
        async with harness.block_job(disk.domain, kind):
            stats = await backend.job(disk)
            assert stats is not None and stats.operation is kind
            await backend.abort(disk)
            await gone(backend, disk)


async def test_the_jobs_of_a_run_that_is_over_are_gone(harness: Harness, backend: Backend, disk: DiskKey) -> None:
    async with harness.block_job(disk.domain, BlockOperation.COPY):
        await harness.destroy(disk.domain)
        with pytest.raises((NoSuchDomain, DomainNotRunning)):
            await backend.job(disk)
        answer = (await backend.block_jobs([disk.domain]))[disk.domain]
        assert isinstance(answer, NoSuchDomain | DomainNotRunning)
