"""The whole: hosts, what goes wrong with them, domains with their rounds, and watchers that look on all the time."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from backend.base import Backend
from backend.errors import BackendError
from backend.observing.views import Changes, DomainView
from backend.observing.watcher import Watcher
from backend.records.journal import Journal
from tests.contract.steps import eventually
from tests.soak import host as real
from tests.soak import simulated
from tests.soak.clock import SteppedClock
from tests.soak.host import Host, RealMachine
from tests.soak.leaks import Held
from tests.soak.machine import PATIENCE, Machine
from tests.soak.scenario import Scenario
from tests.soak.simulated import SimulatedMachine
from tests.soak.story import Story
from tests.soak.tally import Tally
from tests.soak.witness import witnessing

SAMPLE = 2.0
"""Seconds between two looks at what this process holds."""
CALM = (4.0, 14.0)
"""Seconds, at the least and the most, between two faults of one host."""
SETTLING = 30.0
"""Seconds after the last job in which watchers have to show the truth."""


@dataclass(frozen=True, slots=True)
class Size:
    hosts: int
    domains: int
    """On each host."""
    simulated: int
    seconds: float
    witnesses: int = 0
    """Hosts that have a witness."""


@dataclass
class Looker:
    """A watcher, and what it shows."""

    name: str
    backend: Backend
    shown: dict[str, DomainView] = field(default_factory=dict)
    connected: bool = False
    reports: int = 0

    def take(self, changes: Changes) -> None:
        self.reports += 1
        self.connected = changes.connected
        self.shown.update({view.domain.key.uuid: view for view in changes.changed})
        for uuid in changes.removed:
            self.shown.pop(uuid, None)

    def trouble(self, names: set[str]) -> str:
        """What is not shown as it has to be where no domain has a job; empty: nothing."""
        if not self.connected:
            return "it has no connection"
        if (shown := {view.domain.name for view in self.shown.values()}) != names:
            return f"it shows {sorted(shown)}, and there are {sorted(names)}"
        busy = [view.domain.name for view in self.shown.values() if view.progress is not None]
        return f"it shows jobs of {busy}, and there are none" if busy else ""


class Fleet:
    def __init__(self, root: Path, seed: int, size: Size, tally: Tally) -> None:
        self._root = root
        self._seed = seed
        self._size = size
        self._tally = tally
        self._until = time.monotonic() + size.seconds
        self._clock = SteppedClock()
        self._lookers: list[tuple[Looker, Sequence[Machine]]] = []
        self._domains: list[Machine] = []
        self.samples: list[Held] = []

    async def run(self) -> None:
        """Live for as long as was asked for; leaves nothing behind, however it is left."""
        async with AsyncExitStack() as stack:
            hosts = [await self._host(stack, number) for number in range(self._size.hosts)]
            await self._simulator(stack)
            self._until = time.monotonic() + self._size.seconds
            watching = [asyncio.create_task(self._watch(looker)) for looker, _ in self._lookers]
            background = [*watching, *map(asyncio.create_task, (self._suffer(host) for host in hosts))]
            background.append(asyncio.create_task(self._sample()))
            background.append(asyncio.create_task(self._set_clock()))
            stack.enter_context(self._clock.installed())
            try:
                async with asyncio.TaskGroup() as group:
                    for machine in self._domains:
                        group.create_task(self._live(machine))
                for task in background[len(watching) :]:
                    task.cancel()
                await self._look_at_watchers()
            finally:
                for task in background:
                    task.cancel()
                await asyncio.gather(*background, return_exceptions=True)

    def _chance(self, *of: object) -> random.Random:
        return random.Random("/".join(map(str, (self._seed, *of))))

    async def _host(self, stack: AsyncExitStack, number: int) -> Host:
        host = Host(f"host-{number}", self._root / f"h{number}", lambda _: None)
        await stack.enter_async_context(host.running())
        direct, stranger = await stack.enter_async_context(real.opened(host))
        chance = self._chance("domains of", number)
        witness = None
        if number < self._size.witnesses:
            witness = await stack.enter_async_context(witnessing(host.daemon.uri, self._root / f"witness-{number}.db"))
        machines = [
            RealMachine(host, f"vm-{number}-{n}", chance.choice([64, 128, 256, 256]), n % 3 > 0, direct, stranger)
            for n in range(self._size.domains)
        ]
        for machine in machines:
            machine.witness = witness
        self._joined(machines, host.name, direct, stranger)
        return host

    async def _simulator(self, stack: AsyncExitStack) -> None:
        backends, stranger = await stack.enter_async_context(simulated.opened())
        folder = self._root / "simulated"
        folder.mkdir()
        machines = []
        for n in range(self._size.simulated):
            chance = self._chance("simulated", n)
            own = folder / f"sim-{n}"
            own.mkdir()
            machines.append(SimulatedMachine(own.name, own, chance.choice([16, 64, 256]), backends, stranger, chance))
        self._joined(machines, "simulator", backends[""], stranger)

    def _joined(self, machines: list[RealMachine] | list[SimulatedMachine], name: str, *backends: Backend) -> None:
        self._domains += machines
        for machine in machines:
            machine.strangers_journal = Journal(self._root / f"stranger-{name}.db")
        self._lookers += [
            (Looker(f"{name}, seen by {who}", backend), machines)
            for who, backend in zip(("who asks", "a stranger"), backends, strict=True)
        ]

    async def _live(self, machine: Machine) -> None:
        chance, number = self._chance(machine.name), 0
        while time.monotonic() < self._until:
            number += 1
            scenario = Scenario.chosen(chance, machine.formats, machine.processes)
            story = Story(machine, scenario, number, self._tally)
            await self._survived(f"{machine.name}, round {number} ({scenario})", story.run)

    async def _watch(self, looker: Looker) -> None:
        watcher = Watcher(looker.backend)
        await self._survived(f"the watcher of {looker.name}", lambda: watcher.run(looker.take))

    async def _survived(self, what: str, run: Callable[[], Awaitable[None]]) -> None:
        try:
            await run()
        except Exception as error:  # Nothing may end like this: it is told, and the others go on.
            import traceback

            self._tally.mistake(f"{what} crashed: {error!r}", traceback.format_exc().splitlines())

    async def _suffer(self, host: Host) -> None:
        chance = self._chance("faults of", host.name)
        while True:
            await asyncio.sleep(chance.uniform(*CALM))
            self._tally.faults[await host.suffer(chance)] += 1

    async def _set_clock(self) -> None:
        chance = self._chance("clock")
        while True:
            await asyncio.sleep(chance.uniform(*CALM))
            self._tally.faults[self._clock.step(chance)] += 1

    async def _sample(self) -> None:
        while True:
            self.samples.append(Held.now())
            await asyncio.sleep(SAMPLE)

    async def _look_at_watchers(self) -> None:
        """Where every job is over, every watcher comes to show that, and each domain."""
        for machine in self._domains:
            with contextlib.suppress(BackendError, TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    await machine.ready(paused=False)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLING):
                await eventually(self._all_is_shown)
        for looker, machines in self._lookers:
            if trouble := looker.trouble({machine.called for machine in machines}):
                self._tally.mistake(f"the watcher of {looker.name} is wrong: {trouble}")

    async def _all_is_shown(self) -> bool:
        return not any(looker.trouble({machine.called for machine in machines}) for looker, machines in self._lookers)
