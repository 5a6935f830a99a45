"""What is going on at one hypervisor: its domains and their jobs, kept up to date.

Three things go on side by side, so that none waits for a slow other one: domains with a job are looked at often,
all others in a sweep, and the list is read anew from time to time. Sweep and list take a bounded share of the
hypervisor's time. What it tells of its own accord hurries the list up, and the domain is looked at closely for a while.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Set
from dataclasses import dataclass

from backend.base import Backend
from backend.errors import BackendError, NoConnection, NotAnswering
from backend.event_stream import EventStream
from backend.events import ConnectionEvent
from backend.model import Domain, DomainKey, JobStats, JobType
from backend.observing.pace import Pace
from backend.observing.progress import Progress, ProgressMeter

INTERVAL = 0.25
"""Seconds between two looks at the domains that have a job."""
HURRIED = 0.1
"""Seconds, at the least, between two looks, however much the hypervisor tells."""
BUSY_SHARE = 0.25
"""The part of the time that looks at the domains that have a job may take."""
LONGEST_LOOK_PAUSE = 1.0
"""Seconds that looks are put off by that, at the most."""
ATTENTION = 2.0
"""Seconds that a domain is looked at as if it had a job, once the hypervisor told something of it."""
MANY = 100
"""Domains with a job beyond which those that nobody looks at take turns; of others, no more are looked at closely."""
TURNS = 8
"""Looks, at the others, in which each of them has its turn once."""
SLICE = 100
"""Jobs that are taken in before whoever else shares the event loop has a turn."""
SWEEP_INTERVAL = 0.85
"""Seconds, at the least, between two sweeps: 19 of 20 jobs that begin unheard are then found within a second."""
SWEEP_SHARE = 0.04
"""The part of the time that sweeps may take."""
LIST_INTERVAL = 2.0
"""Seconds, at the least, between two listings, unless the hypervisor tells something."""
LIST_SHARE = 0.01
"""The part of the time that listings may take."""
LONGEST_PAUSE = 5.0
"""Seconds that listings, and sweeps, are put off by their shares at the most."""


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
        self._looks = Pace(clock, INTERVAL, BUSY_SHARE, LONGEST_LOOK_PAUSE, HURRIED)
        self._sweeps = Pace(clock, SWEEP_INTERVAL, SWEEP_SHARE, LONGEST_PAUSE)
        self._listings = Pace(clock, LIST_INTERVAL, LIST_SHARE, LONGEST_PAUSE)
        self._talked_of: dict[str, float] = {}
        """The uuids of domains without a job that are looked at closely, and until when."""
        self._turn = 0
        self.closely: Set[str] = frozenset()
        """The uuids of the domains whose jobs someone looks at: they have their turn each time."""
        self._changed: dict[str, DomainView] = {}
        self._removed: list[str] = []
        self._troubles: dict[Pace, BackendError] = {}
        """What went wrong when each was done last."""
        self._told: tuple[bool, str] = (True, "")

    async def run(self, report: Callable[[Changes], None]) -> None:
        """Watch until cancelled; `report` is called at once with all domains, then with what changes."""
        async with self._backend.events() as events, asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(events))
            tasks.create_task(self._keep(self._listings, self._list, report))
            tasks.create_task(self._keep(self._sweeps, self._sweep, report))
            tasks.create_task(self._keep(self._looks, self._look, report))

    async def _keep(self, pace: Pace, do: Callable[[], Awaitable[bool]], report: Callable[[Changes], None]) -> None:
        """Do it again and again; where that leaves nothing to do (False), only when it is hurried."""
        more = True
        while True:
            await (pace.turn() if more else pace.called())
            with pace:
                try:
                    more = await do()
                    self._troubles.pop(pace, None)
                except BackendError as error:
                    self._troubles[pace] = error
                    pace.unanswered()
            # The first list is told of even if there is nothing on it.
            listed = pace is self._listings and pace not in self._troubles
            if listed or self._changed or self._removed or self._told != self._state:
                report(self._changes())

    async def _list(self) -> bool:
        domains = await self._backend.domains()
        if not all(domain.answering for domain in domains):
            self._listings.unanswered()
        self._take_in(domains)
        # What a domain is, and what its job is, changes together, and is told together.
        await self._look_at(self._close(), self._looks)
        return True

    async def _sweep(self) -> bool:
        close = self._meters.keys() | set(self._close())
        await self._look_at([key for key in self._active() if key not in close], self._sweeps)
        return True

    async def _look(self) -> bool:
        others = [key for key in self._close() if key not in self._meters]
        await self._look_at([*self._whose_turn(), *others], self._looks)
        return bool(self._meters or self._talked_of)

    def _close(self) -> list[DomainKey]:
        """The running domains that the hypervisor has told something of lately."""
        now = self._clock()
        self._talked_of = {uuid: until for uuid, until in self._talked_of.items() if until > now}
        views = [view for uuid in self._talked_of if (view := self._views.get(uuid)) is not None]
        return [view.domain.key for view in views if view.domain.active]

    def _whose_turn(self) -> list[DomainKey]:
        """The domains with a job that are to be looked at now."""
        if len(self._meters) <= MANY:
            return list(self._meters)
        self._turn = (self._turn + 1) % TURNS
        closely, turn = self.closely, self._turn
        return [key for key in self._meters if key.uuid in closely or hash(key.uuid) % TURNS == turn]

    async def _look_at(self, keys: list[DomainKey], pace: Pace) -> None:
        if not keys:
            return
        for count, (key, found) in enumerate((await self._backend.jobs(keys)).items(), 1):
            if isinstance(found, NoConnection):
                raise found
            if isinstance(found, NotAnswering):
                pace.unanswered()
            # A sweep's answer may be older than the job that a look has found by now.
            if pace is self._looks or key not in self._meters:
                self._learn(key, found)
            if count % SLICE == 0:
                await asyncio.sleep(0)

    def _active(self) -> list[DomainKey]:
        return [view.domain.key for view in self._views.values() if view.domain.active]

    def _take_in(self, domains: list[Domain]) -> None:
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
                if domain.active and not same_run:
                    self._sweeps.hurry()

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
        if key not in self._meters:
            self._hurry_looks()
        self._meters[key] = (found, meter)
        self._show(DomainView(view.domain, meter.update(found, self._clock())))

    def _hurry_looks(self) -> None:
        # Where many jobs come and go, something is told all the time, and each look is followed by another anyway.
        if len(self._meters) <= MANY:
            self._looks.hurry()

    def _show(self, view: DomainView) -> None:
        self._views[view.domain.key.uuid] = view
        self._changed[view.domain.key.uuid] = view

    @property
    def _state(self) -> tuple[bool, str]:
        """Whether there is a connection, and what is wrong."""
        errors = list(self._troubles.values())
        lost = next((error for error in errors if isinstance(error, NoConnection)), None)
        worst = lost or next(iter(errors), None)
        return lost is None, worst.message if worst else ""

    def _changes(self) -> Changes:
        self._told = self._state
        changes = Changes(tuple(self._changed.values()), tuple(self._removed), *self._told)
        self._changed, self._removed = {}, []
        return changes

    async def _listen(self, events: EventStream) -> None:
        try:
            async for event in events:
                self._listings.hurry()
                self._hurry_looks()
                if not isinstance(event, ConnectionEvent):
                    if len(self._talked_of) < MANY:
                        self._talked_of[event.domain.uuid] = self._clock() + ATTENTION
                elif event.connected:
                    self._sweeps.hurry()
                else:
                    self._troubles[self._listings] = NoConnection(event.reason)
        except BackendError as error:
            self._troubles[self._listings] = error
            self._listings.hurry()


def _is_other(stats: JobStats, last: JobStats) -> bool:
    return stats.operation != last.operation or stats.time_elapsed < last.time_elapsed
