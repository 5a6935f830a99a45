"""Many domains of one daemon hang: the others go on, and what is asked in vain stays few."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import pytest

from backend.errors import NotAnswering
from backend.events import Lifecycle, LifecycleEvent
from backend.libvirt.backend import LibvirtBackend
from backend.libvirt.connection import pool
from backend.libvirt.connection.pool import MANY_STUCK, SWEEP_DEADLINE
from backend.model import DomainKey
from tests.contract.steps import PATIENCE, eventually
from tests.hypervisor.daemon import Machines, PrivateDaemon, unique
from tests.hypervisor.site import hung_dump

pytestmark = pytest.mark.hypervisor

HUNG, WELL = 8, 2


@dataclass
class Ward:
    backend: LibvirtBackend
    machines: Machines
    daemon: PrivateDaemon
    ill: list[DomainKey]
    well: list[DomainKey]

    async def answers(self) -> dict[DomainKey, bool]:
        found = await self.backend.jobs([*self.ill, *self.well])
        return {key: not isinstance(answer, NotAnswering) for key, answer in found.items()}

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Someone dumps the ill ones to targets that hang."""
        with ExitStack() as dumps:
            # One after the other: libvirt 9 starves of workers for good where too many calls come at the same moment.
            for key in self.ill:
                dumps.enter_context(hung_dump(self.daemon, key))
            yield


@pytest.fixture(scope="module")
def machines(_private: PrivateDaemon) -> Iterator[Machines]:
    _private.start()
    with Machines(_private.uri) as machines:
        for _ in range(HUNG + WELL):
            machines.start(unique("vm"), 16, paused=True)
        yield machines


@pytest.fixture(params=[1, 2], ids=["one connection", "two connections"])
async def ward(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, machines: Machines, daemon: PrivateDaemon
) -> AsyncIterator[Ward]:
    """`param`: over how many connections domains are asked while all answer."""
    if request.param == 2:
        monkeypatch.setattr(pool, "SPARE_INTERVAL", 0.0)
    for key in machines.made:
        machines.handle(key).suspend()  # A test may have let it run.
    before = sockets()
    async with LibvirtBackend(daemon.uri) as backend:
        await backend.domains()
        ward = Ward(backend, machines, daemon, machines.made[:HUNG], machines.made[HUNG:])

        async def connected() -> bool:
            await ward.answers()
            return sockets() >= before + request.param

        await eventually(connected)
        yield ward


def calls_inside() -> int:
    """The calls to libvirt that have not returned."""
    return sum(_in_call(frame) for frame in sys._current_frames().values())


def _in_call(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_qualname == "Part._make":
            return True
        frame = frame.f_back
    return False


def sockets() -> int:
    return sum(os.readlink(path).startswith("socket:") for path in Path("/proc/self/fd").iterdir() if path.is_symlink())


async def hung(ward: Ward) -> None:
    """Return once none of the ill ones answers any more, and the others do.

    On a busy machine, a new connection may take longer than a sweep is given, as each of them gets stuck.
    """

    async def none_of_them() -> bool:
        found = await ward.answers()
        return not any(found[key] for key in ward.ill) and all(found[key] for key in ward.well)

    await eventually(none_of_them)


async def test_the_others_go_on_when_many_paused_guests_hang_without_a_word(ward: Ward) -> None:
    with ward.hanging():
        await hung(ward)
        # The list is given up once.
        assert {domain.key for domain in await ward.backend.domains() if domain.answering} >= set(ward.well)
        for _ in range(20):
            begun = time.monotonic()
            found = await ward.answers()
            assert time.monotonic() - begun < SWEEP_DEADLINE
            assert all(found[key] for key in ward.well)

        async def only_in_vain() -> bool:
            return calls_inside() <= HUNG + 1  # One for each of them, and the list.

        await eventually(only_in_vain)  # The thread of a call that was answered is about to end.


async def test_few_of_them_are_asked_when_many_guests_are_paused_by_dumps_that_hang(ward: Ward) -> None:
    for key in ward.ill:
        ward.machines.handle(key).resume()
    async with ward.backend.events() as events:
        with ward.hanging():
            async with asyncio.timeout(PATIENCE):
                paused: set[DomainKey] = set()
                while len(paused) < HUNG:
                    event = await anext(events)
                    if isinstance(event, LifecycleEvent) and event.event is Lifecycle.SUSPENDED:
                        paused.add(event.domain)
            await hung(ward)
            # One beyond what is many: it was tried whether there is another one that answers.
            assert calls_inside() <= MANY_STUCK + 1


async def test_all_answer_again_once_their_targets_do_and_nothing_is_left_behind(ward: Ward) -> None:
    before = sockets()
    with ward.hanging():
        await hung(ward)

    async def all_answer() -> bool:
        return all((await ward.answers()).values())

    await eventually(all_answer)

    async def all_closed() -> bool:
        return calls_inside() == 0 and sockets() <= before + 2

    await eventually(all_closed)
