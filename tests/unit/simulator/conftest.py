"""A clock that tests set, and simulators that go by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from backend.event_stream import EventStream
from backend.model import DomainKey
from backend.simulator import SimulatorBackend
from tests.unit.simulator.lab import URI

Open = Callable[..., Awaitable[SimulatorBackend]]


class Clock:
    """Seconds since the epoch, as long as the test says so."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def open_simulator(clock: Clock) -> AsyncIterator[Open]:
    """Opens simulators that are closed when the test ends; a short deadline, as hangs take real time."""
    async with AsyncExitStack() as stack:

        async def open_one(uri: str, readonly: bool = False) -> SimulatorBackend:
            backend = SimulatorBackend(uri, readonly, clock=clock)
            backend.deadline = 0.05
            return await stack.enter_async_context(backend)

        yield open_one


@pytest.fixture
async def backend(open_simulator: Open) -> SimulatorBackend:
    return await open_simulator(URI)


@pytest.fixture
async def readonly(backend: SimulatorBackend, open_simulator: Open) -> SimulatorBackend:
    return await open_simulator(URI, readonly=True)


@pytest.fixture
async def domain(backend: SimulatorBackend) -> DomainKey:
    """A running domain with two disks."""
    return (await backend.find("vm-01")).key


@pytest.fixture
async def events(backend: SimulatorBackend, domain: DomainKey) -> AsyncIterator[EventStream]:
    async with backend.events() as stream:
        yield stream


async def until(condition: Callable[[], bool]) -> None:
    """Let other tasks run until `condition` holds. TimeoutError if it does not for long."""
    async with asyncio.timeout(30):
        while True:
            if condition():
                return
            await asyncio.sleep(0.005)
