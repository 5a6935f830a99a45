"""Event streams: they listen from their creation, and never go silent."""

from __future__ import annotations

import asyncio

import pytest

from backend.base import Backend
from backend.events import EventStream, JobEvent, Lifecycle, LifecycleEvent
from backend.model import DomainKey, DumpFlags, DumpFormat, JobOperation
from tests.contract.harness import SLOW_MIB, Harness
from tests.contract.steps import PATIENCE, job_gone


async def lifecycle(events: EventStream, domain: DomainKey, last: Lifecycle) -> list[tuple[Lifecycle, str]]:
    """What is told of the domain, up to its first `last`."""
    told = []
    async with asyncio.timeout(PATIENCE):
        async for event in events:
            if isinstance(event, LifecycleEvent) and event.domain.uuid == domain.uuid:
                told.append((event.event, event.detail))
                if event.event is last:
                    return told
    raise AssertionError(f"the stream ended after {told}")


async def test_a_dump_pauses_and_resumes_its_domain(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm", SLOW_MIB)
    async with backend.events() as events:
        await harness.foreign_dump(domain, harness.folder / "dump")
        told = await lifecycle(events, domain, Lifecycle.RESUMED)
    assert told == [(Lifecycle.SUSPENDED, "paused"), (Lifecycle.RESUMED, "unpaused")]


async def test_a_read_only_connection_is_told_too(harness: Harness, readonly: Backend) -> None:
    domain = await harness.running("vm")
    async with readonly.events() as events:
        await harness.destroy(domain)
        told = await lifecycle(events, domain, Lifecycle.STOPPED)
    assert told[-1] == (Lifecycle.STOPPED, "destroyed")


async def test_what_happened_before_anyone_read_is_not_lost(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    async with backend.events() as events:
        await harness.foreign_dump(domain, harness.folder / "dump")
        await job_gone(backend, domain)
        told = await lifecycle(events, domain, Lifecycle.RESUMED)
    assert told[0] == (Lifecycle.SUSPENDED, "paused")


async def test_a_stream_leaves_a_message_of_a_stream_dump(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    async with backend.events() as events, asyncio.timeout(PATIENCE):
        await harness.foreign_dump(domain, harness.folder / "dump", DumpFormat.RAW, DumpFlags.NONE)
        async for event in events:
            if isinstance(event, JobEvent) and event.domain.uuid == domain.uuid:
                assert event.stats.operation is JobOperation.DUMP
                break


async def test_every_stream_is_told_everything(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    async with backend.events() as first, backend.events() as second:
        await harness.destroy(domain)
        assert (await lifecycle(first, domain, Lifecycle.STOPPED))[-1] == (Lifecycle.STOPPED, "destroyed")
        assert (await lifecycle(second, domain, Lifecycle.STOPPED))[-1] == (Lifecycle.STOPPED, "destroyed")


async def test_a_stream_hears_nothing_from_before_its_creation(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    async with backend.events() as early:
        await harness.foreign_dump(domain, harness.folder / "dump")
        await lifecycle(early, domain, Lifecycle.RESUMED)
    async with backend.events() as events:
        await harness.destroy(domain)
        told = await lifecycle(events, domain, Lifecycle.STOPPED)
    assert (Lifecycle.RESUMED, "unpaused") not in told


async def test_a_closed_stream_ends(backend: Backend) -> None:
    events = backend.events()
    events.close()
    with pytest.raises(StopAsyncIteration):
        await anext(events)


async def test_a_stream_ends_with_its_backend(harness: Harness) -> None:
    async with harness.backend() as backend:
        events = backend.events()
    with pytest.raises(StopAsyncIteration):
        await anext(events)


async def test_whoever_is_reading_learns_of_the_end(harness: Harness) -> None:
    begun = asyncio.Event()

    async def read(events: EventStream) -> str:
        begun.set()
        return "ended" if await anext(events, None) is None else "told something"

    async with harness.backend() as backend:
        reading = asyncio.create_task(read(backend.events()))
        await begun.wait()
    async with asyncio.timeout(PATIENCE):
        assert await reading == "ended"
