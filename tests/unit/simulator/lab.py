"""A simulator of one domain that has nothing to do, and what tests learn of it."""

from __future__ import annotations

import asyncio
import itertools

from backend.event_stream import EventStream
from backend.events import ConnectionEvent, Event, LifecycleEvent
from backend.job_stats import JobStats
from backend.model import DiskKey, DomainKey, DomainState
from backend.simulator import SimulatorBackend
from backend.simulator.options import MIB

URI = "sim:///lab?domains=1&jobs=0&memory=1000&rate=100"
MEMORY, DISK = 1000 * MIB, 8192 * MIB
"""Bytes of the domain, and of its disk ``vda``."""
_MARKERS = itertools.count()


async def stats_of(backend: SimulatorBackend, key: DomainKey | DiskKey) -> JobStats:
    stats = await backend.job(key)
    assert stats is not None
    return stats


async def state_of(backend: SimulatorBackend, domain: DomainKey) -> tuple[DomainState, str]:
    found = await backend.find(domain.name)
    return found.state, found.reason


async def told(backend: SimulatorBackend, events: EventStream) -> list[Event]:
    """Everything that has been told by now since the last time."""
    await backend.domains()  # Which applies what is due.
    marker = f"marker {next(_MARKERS)}"
    await backend.define(marker, MIB)
    seen: list[Event] = []
    async with asyncio.timeout(30):
        async for event in events:
            assert not isinstance(event, ConnectionEvent)
            if isinstance(event, LifecycleEvent) and event.domain.name == marker:
                return seen
            seen.append(event)
    raise AssertionError("the stream ended")
