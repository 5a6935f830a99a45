"""Event streams: they listen from their creation, and never go silent."""

from __future__ import annotations

import asyncio

import pytest

from backend.base import Backend
from backend.dump_request import DumpFlags, DumpFormat
from backend.event_stream import EventStream
from backend.events import JobEvent, Lifecycle, LifecycleEvent
from backend.model import DomainKey, JobOperation
from tests.contract.harness import Harness
from tests.contract.steps import PATIENCE, job_gone, job_seen

DUMPED = [(Lifecycle.SUSPENDED, "paused"), (Lifecycle.RESUMED, "unpaused")]
DESTROYED = [(Lifecycle.STOPPED, "destroyed")]


async def told(
    events: EventStream, domain: DomainKey, last: list[tuple[Lifecycle, str]]
) -> list[tuple[Lifecycle, str]]:
    """What is told of the domain, until `last` is the last of it. What was told of its start may come before."""
    found: list[tuple[Lifecycle, str]] = []
    async with asyncio.timeout(PATIENCE):
        async for event in events:
            if isinstance(event, LifecycleEvent) and event.domain.uuid == domain.uuid:
                found.append((event.event, event.detail))
                if found[-len(last) :] == last:
                    return found
    raise AssertionError(f"the stream ended after {found}")


async def test_a_dump_pauses_and_resumes_its_domain(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    async with backend.events() as events:
        await harness.foreign_dump(domain, harness.folder / "dump")
        await told(events, domain, DUMPED)


async def test_a_read_only_connection_is_told_too(harness: Harness, readonly: Backend) -> None:
    domain = await harness.running("vm")
    async with readonly.events() as events:
        await harness.destroy(domain)
        await told(events, domain, DESTROYED)


async def test_what_happened_before_anyone_read_is_not_lost(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    async with backend.events() as events:
        async with harness.held(harness.folder / "dump"):
            await harness.foreign_dump(domain, harness.folder / "dump")
            await job_seen(backend, domain)
        await job_gone(backend, domain)
        await told(events, domain, DUMPED)


async def test_the_end_of_a_stream_is_told_with_its_stats(harness: Harness, backend: Backend) -> None:
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
        await told(first, domain, DESTROYED)
        await told(second, domain, DESTROYED)


async def test_a_narrowed_stream_has_the_events_of_its_domain_only(harness: Harness, backend: Backend) -> None:
    domain, other = await harness.running("vm"), await harness.running("other")
    async with backend.events() as all_events, backend.events() as events:
        events.narrow(domain.uuid)
        await harness.destroy(other)
        await told(all_events, other, DESTROYED)
        await harness.destroy(domain)
        async with asyncio.timeout(PATIENCE):
            event = await anext(events)
    assert isinstance(event, LifecycleEvent) and event.domain.uuid == domain.uuid


async def test_a_stream_hears_nothing_from_before_its_creation(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    async with backend.events() as early:
        await harness.foreign_dump(domain, harness.folder / "dump")
        await told(early, domain, DUMPED)
    async with backend.events() as events:
        await harness.destroy(domain)
        assert DUMPED[-1] not in await told(events, domain, DESTROYED)


async def ended(events: EventStream) -> bool:
    """Whether the stream ends. What other tests do on the same daemon may be told before."""
    async with asyncio.timeout(PATIENCE):
        async for _ in events:
            pass
    return True


async def test_a_closed_stream_ends(backend: Backend) -> None:
    events = backend.events()
    events.close()
    with pytest.raises(StopAsyncIteration):
        await anext(events)


async def test_a_stream_ends_with_its_backend(harness: Harness) -> None:
    async with harness.backend() as backend:
        events = backend.events()
    assert await ended(events)


async def test_whoever_is_reading_learns_of_the_end(harness: Harness) -> None:
    async with harness.backend() as backend:
        reading = asyncio.create_task(ended(backend.events()))
        await asyncio.sleep(0)  # It reads now.
        assert not reading.done()
    assert await reading
