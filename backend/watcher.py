"""What is going on at one hypervisor: its domains and their jobs, kept up to date.

Domains with a job are looked at often, idle ones in a sweep with a bounded share of the hypervisor's time;
what the hypervisor tells of its own accord hurries both up.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass
from typing import Self

from backend.base import Backend
from backend.errors import BackendError, NoConnection, NotAnswering
from backend.events import ConnectionEvent, EventStream
from backend.model import Domain, DomainKey, JobStats, JobType
from backend.progress import Progress, ProgressMeter

INTERVAL = 0.25
"""Seconds between two looks at the domains that have a job."""
HURRIED = 0.1
"""Seconds, at the least, between two looks, however much the hypervisor tells."""
BUSY_SHARE = 0.25
"""The part of the time that looks at the domains that have a job may take."""
SWEEP_INTERVAL = 1.0
"""Seconds, at the least, between two listings, and between two sweeps of the idle domains."""
MANY = 100
"""Domains with a job beyond which those that nobody looks at take turns."""
TURNS = 8
"""Looks, at the others, in which each of them has its turn once."""
SLICE = 100
"""Jobs that are taken in before whoever else shares the event loop has a turn."""
SHARE = 0.02
"""The part of the time that listings, and sweeps, may each take."""
LONGEST_PAUSE = 5.0
"""Seconds that listings, and sweeps, are put off at the most: one hung domain must not make the others stale."""


@dataclass(frozen=True, slots=True)
class DomainView:
    """A domain, and where its job stands, if it has one."""

    domain: Domain
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What is different since the last report."""

    changed: tuple[DomainView, ...]
    removed: tuple[str, ...]
    """The uuids of domains that are no more."""
    connected: bool
    reason: str
    """Why there is no connection."""


class Watcher:
    """Watches one open backend."""

    def __init__(self, backend: Backend, clock: Callable[[], float] = time.monotonic) -> None:
        self._backend = backend
        self._clock = clock
        self._views: dict[str, DomainView] = {}
        self._meters: dict[DomainKey, tuple[JobStats, ProgressMeter]] = {}
        self._listing = _Budget(clock)
        self._sweep = _Budget(clock)
        self._told = asyncio.Event()
        self._turn = 0
        self.closely: Set[str] = frozenset()
        """The uuids of the domains whose jobs someone looks at: they have their turn each time."""
        self._changed: dict[str, DomainView] = {}
        self._removed: list[str] = []
        self._connected = True
        self._reason = ""

    async def run(self, report: Callable[[Changes], None]) -> None:
        """Watch until cancelled; `report` is called at once with all domains, then with what changes."""
        async with self._backend.events() as events:
            listener = asyncio.create_task(self._listen(events))
            try:
                while True:
                    begun = self._clock()
                    await self._look_round(report)
                    await self._pause(self._clock() - begun)
            finally:
                listener.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await listener

    async def _look_round(self, report: Callable[[Changes], None]) -> None:
        connected, reason = self._connected, self._reason
        try:
            if self._listing.due():
                with self._listing:
                    self._list(await self._backend.domains())
                report(self._changes())
            await self._look_at(self._whose_turn())
            if self._sweep.due():
                with self._sweep:
                    await self._look_at([key for key in self._keys() if key not in self._meters])
            self._connected, self._reason = True, ""
        except NoConnection as error:
            self._connected, self._reason = False, error.message
        except BackendError as error:
            self._reason = error.message
        if self._changed or self._removed or (connected, reason) != (self._connected, self._reason):
            report(self._changes())

    def _whose_turn(self) -> list[DomainKey]:
        """The domains with a job that are to be looked at now."""
        if len(self._meters) <= MANY:
            return list(self._meters)
        self._turn = (self._turn + 1) % TURNS
        closely, turn = self.closely, self._turn
        return [key for key in self._meters if key.uuid in closely or hash(key.uuid) % TURNS == turn]

    async def _look_at(self, keys: list[DomainKey]) -> None:
        if not keys:
            return
        for count, (key, found) in enumerate((await self._backend.jobs(keys)).items(), 1):
            if isinstance(found, NoConnection):
                raise found
            self._learn(key, found)
            if count % SLICE == 0:
                await asyncio.sleep(0)

    def _keys(self) -> Iterable[DomainKey]:
        return [view.domain.key for view in self._views.values() if view.domain.active]

    def _list(self, domains: list[Domain]) -> None:
        listed = {domain.key.uuid: domain for domain in domains}
        for uuid in self._views.keys() - listed.keys():
            self._meters.pop(self._views.pop(uuid).domain.key, None)
            self._changed.pop(uuid, None)
            self._removed.append(uuid)
        for uuid, domain in listed.items():
            known = self._views.get(uuid)
            # Most are the very object that was listed before, and comparing 10,000 of them by value takes its time.
            if known is None or (known.domain is not domain and known.domain != domain):
                same_run = known is not None and known.domain.key == domain.key
                self._show(DomainView(domain, known.progress if known and same_run else None))
                if known and not same_run:
                    self._meters.pop(known.domain.key, None)

    def _learn(self, key: DomainKey, found: JobStats | BackendError | None) -> None:
        view = self._views.get(key.uuid)
        if view is None or view.domain.key != key:
            return
        if isinstance(found, NotAnswering):
            return  # The listing marks it; its job stands as it was last seen.
        if not isinstance(found, JobStats) or found.type is JobType.NONE:
            self._meters.pop(key, None)
            if view.progress is not None:
                self._show(DomainView(view.domain))
            return
        last, meter = self._meters.get(key, (None, None))
        if meter is None or last is None or _is_other(found, last):
            meter = ProgressMeter()
        self._meters[key] = (found, meter)
        self._show(DomainView(view.domain, meter.update(found, self._clock())))

    def _show(self, view: DomainView) -> None:
        self._views[view.domain.key.uuid] = view
        self._changed[view.domain.key.uuid] = view

    def _changes(self) -> Changes:
        changes = Changes(tuple(self._changed.values()), tuple(self._removed), self._connected, self._reason)
        self._changed, self._removed = {}, []
        return changes

    async def _listen(self, events: EventStream) -> None:
        try:
            async for event in events:
                if isinstance(event, ConnectionEvent) and not event.connected:
                    self._connected, self._reason = False, event.reason
                self._listing.hurry()
                self._sweep.hurry()
                self._told.set()
        except BackendError as error:
            self._connected, self._reason = False, error.message

    async def _pause(self, took: float) -> None:
        # Events are folded: many of them at once hurry one look, not many.
        # Nor does one that does not answer make the others wait for long.
        least = min(SWEEP_INTERVAL, max(HURRIED, took / BUSY_SHARE - took))
        await asyncio.sleep(least)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(INTERVAL - least):
                await self._told.wait()
        self._told.clear()


def _is_other(stats: JobStats, last: JobStats) -> bool:
    return stats.operation != last.operation or stats.time_elapsed < last.time_elapsed


class _Budget:
    """When something may be done again, so that it takes no more than its share of the time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._begun = 0.0
        self._next = float("-inf")
        self._earliest = float("-inf")

    def due(self) -> bool:
        return self._clock() >= self._next

    def hurry(self) -> None:
        """Do it as soon as its share allows."""
        self._next = min(self._next, self._earliest)

    def __enter__(self) -> Self:
        self._begun = self._clock()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        ended = self._clock()
        # What was not answered was waited for: that is no share of the hypervisor's time to be paid back.
        cost = ended - self._begun if kind is None else 0.0
        self._earliest = ended + min(cost / SHARE, LONGEST_PAUSE)
        self._next = max(ended + SWEEP_INTERVAL, self._earliest)
