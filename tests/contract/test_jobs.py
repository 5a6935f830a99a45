"""What a backend says of the jobs of domains."""

from __future__ import annotations

import pytest

from backend.base import Backend
from backend.dump_request import DumpFlags, DumpFormat
from backend.errors import DomainNotRunning
from backend.job_stats import JobType
from backend.model import DomainState, JobOperation
from tests.contract.harness import QUICK_MIB, Harness
from tests.contract.steps import eventually, job_gone, job_seen

SHAPES = {
    "elf": (DumpFormat.RAW, DumpFlags.MEMORY_ONLY),
    "kdump-zlib": (DumpFormat.KDUMP_ZLIB, DumpFlags.MEMORY_ONLY),
    "raw": (DumpFormat.RAW, DumpFlags.NONE),
}


async def test_an_idle_domain_has_no_job(harness: Harness, backend: Backend) -> None:
    assert await backend.job(await harness.running("vm")) is None


async def test_a_domain_that_is_off_cannot_have_one(harness: Harness, backend: Backend) -> None:
    with pytest.raises(DomainNotRunning):
        await backend.job(await harness.shut_off("vm"))


@pytest.mark.parametrize("format_name", SHAPES)
async def test_a_dump_shows_its_stats(harness: Harness, backend: Backend, format_name: str) -> None:
    domain = await harness.running("vm", filled=True)
    async with harness.held(harness.folder / "dump"):
        await harness.foreign_dump(domain, harness.folder / "dump", *SHAPES[format_name])
        stats = await job_seen(backend, domain)
    assert (stats.operation, stats.type) == (JobOperation.DUMP, JobType.UNBOUNDED)
    assert stats.time_elapsed > 0
    assert stats.memory_total is not None and stats.memory_total >= QUICK_MIB * 2**20
    assert stats.processed + stats.remaining <= stats.total


@pytest.mark.parametrize("format_name", ["elf", "kdump-zlib"])
async def test_a_memory_only_dump_has_no_rate(harness: Harness, backend: Backend, format_name: str) -> None:
    domain = await harness.running("vm", filled=True)
    async with harness.held(harness.folder / "dump"):
        await harness.foreign_dump(domain, harness.folder / "dump", *SHAPES[format_name])
        stats = await job_seen(backend, domain)
    assert (stats.memory_bps, stats.data_total) == (None, None)


async def test_a_stream_counts_its_data(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm", filled=True)
    async with harness.held(harness.folder / "dump"):
        await harness.foreign_dump(domain, harness.folder / "dump", *SHAPES["raw"])
        stats = await job_seen(backend, domain)
    assert stats.data_total == stats.total and stats.memory_page_size is not None


async def test_a_dump_is_seen_by_a_read_only_connection(harness: Harness, readonly: Backend) -> None:
    domain = await harness.running("vm")
    async with harness.held(harness.folder / "dump"):
        await harness.foreign_dump(domain, harness.folder / "dump")
        assert (await job_seen(readonly, domain)).operation is JobOperation.DUMP


async def test_a_dumped_domain_is_paused_for_it_and_runs_again(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    async with harness.held(harness.folder / "dump"):
        await harness.foreign_dump(domain, harness.folder / "dump")
        await job_seen(backend, domain)
        assert (await backend.find("vm")).paused_by == "dump"
    await job_gone(backend, domain)
    assert (await backend.find("vm")).state is DomainState.RUNNING


async def test_many_domains_are_asked_at_once(harness: Harness, backend: Backend) -> None:
    idle, off = await harness.running("idle"), await harness.shut_off("off")
    busy = await harness.running("busy")
    async with harness.held(harness.folder / "dump"):
        await harness.foreign_dump(busy, harness.folder / "dump")
        await job_seen(backend, busy)
        found = await backend.jobs([idle, busy, off])
    assert found[idle] is None
    assert getattr(found[busy], "operation", None) is JobOperation.DUMP
    assert isinstance(found[off], DomainNotRunning)


async def test_what_a_job_left_behind_is_never_consumed(harness: Harness, backend: Backend, readonly: Backend) -> None:
    domain = await harness.running("vm")
    await harness.foreign_dump(domain, harness.folder / "dump", *SHAPES["raw"])
    first = await eventually(lambda: readonly.last_job(domain))
    assert first is not None and first.type is JobType.COMPLETED
    assert await backend.last_job(domain) == first


async def test_a_memory_only_dump_leaves_nothing_behind(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    async with harness.held(harness.folder / "dump"):
        await harness.foreign_dump(domain, harness.folder / "dump")
        await job_seen(backend, domain)
    await job_gone(backend, domain)
    assert await backend.last_job(domain) is None
