"""The jobs that begin on a domain while a command runs: what the command causes, as far as anybody can tell.

libvirt does not say who began a job. One that ran before the command is not the command's, and one that begins while it
runs may still be somebody else's.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Self

from backend.base import Backend, JobAnswer
from backend.errors import BackendError
from backend.event_stream import EventStream
from backend.events import ConnectionEvent, JobBegan, Lifecycle, LifecycleEvent
from backend.job_stats import JobStats
from backend.log import ignored
from backend.model import DiskKey, DomainKey
from backend.observing.memory import Memory
from backend.observing.sampler import Follower, sampler_of
from backend.observing.views import is_other
from backend.observing.witness import Witness
from backend.records.entry import JobEntry
from backend.records.history import History
from backend.verdicts.block_attachment import follows

logger = logging.getLogger(__name__)

INTERVAL = 0.25
"""Seconds between two looks at the domain: the begin of a paused guest's dump is not reported, and some connections
report none."""
ATTENTIVE, ATTENTION = 0.03, 2.0
"""The same for some seconds after a job was reported to begin: it is seen a moment later."""

Report = Callable[[JobEntry], object]
"""Gets each job when it has begun, and when it is over."""


class CommandJobs:
    """Use it with ``async with`` around the command, in the event loop of the open `backend`.

    What is seen is entered into the user's history as well.
    """

    def __init__(self, backend: Backend, domain: DomainKey, report: Report) -> None:
        self._backend = backend
        self._domain = domain
        self._report = report
        self._memory = Memory(History(), "run", self._told)
        self._witness = Witness(backend, self._memory)
        self._earlier: dict[str, JobStats] = {}
        """The jobs that ran before the command, by their disks; the domain's own has none."""
        self._had_earlier: set[str] = set()
        """Disks of which no other job was seen since."""
        self._ids: set[str] = set()
        """Of the entries that were reported."""
        self._news = asyncio.Event()
        self._one_look = asyncio.Lock()
        """Held during a look at the disks, so that answers come in the order of the looks."""
        self._renewed = False
        self._follower: Follower | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks.append(asyncio.create_task(self._witness.run(self._domain.uuid)))
        # Listening begins before the first look, so that nothing falls between the two.
        events = self._backend.events()
        events.narrow(self._domain.uuid)
        self._tasks.append(asyncio.create_task(self._listen(events)))
        self._witness.know(self._domain)
        await self._look_at_domain(self._is_earlier)
        await self._look_at_disks(self._is_earlier)
        self._tasks.append(asyncio.create_task(self._look_at_news()))
        self._follow()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._follower is not None:
            self._follower.close()
        await self._memory.settle()
        self._memory.close()

    async def settle(self) -> None:
        """Return once all jobs are over that had begun by now; later ones are not followed."""
        if self._follower is not None:
            self._follower.close()
            self._follower = None
        await self._look_at_domain(self._see)
        await self._look_at_disks(self._see)
        await self._witness.settle()

    def _follow(self) -> None:
        if self._follower is not None:
            self._follower.close()
        self._follower = sampler_of(self._backend).follow(self._domain, self._sampled, INTERVAL)

    def _sampled(self, answer: JobAnswer | Exception, sent: float) -> None:
        if isinstance(answer, JobStats):
            self._see(answer)
        elif answer is None:
            self._earlier.pop("", None)
        if self._backend.capabilities.begins is not None:
            self._news.set()  # The begins of jobs of disks have to be looked for.

    def _is_earlier(self, stats: JobStats) -> None:
        """The job runs before the command does."""
        self._earlier[stats.disk or ""] = stats
        self._had_earlier.add(stats.disk or "")

    def _see(self, stats: JobStats) -> None:
        """There is this job."""
        disk = stats.disk or ""
        earlier = self._earlier.get(disk)
        if earlier is not None:
            if not (follows(earlier, stats) if disk else is_other(stats, earlier)):
                self._earlier[disk] = stats
                return
            del self._earlier[disk]
        self._had_earlier.discard(disk)
        self._witness.see(DiskKey(self._domain, disk) if disk else self._domain, stats)

    def _told(self, entry: JobEntry) -> None:
        """The witness knows more of a job; it may be the end of one that ran before the command."""
        if entry.uuid != self._domain.uuid:
            return
        if (entry.disk or "") in self._had_earlier and entry.id not in self._ids:
            return
        self._ids.add(entry.id)
        self._report(entry)

    async def _look_at_domain(self, take: Callable[[JobStats], object]) -> None:
        """Look at its own job; while the sampler does, an answer to this may be older than the sampler's last one."""
        if self._domain.id is not None:
            with ignored(logger, "jobs of a command's domain may be missed", BackendError):
                if (own := await self._backend.job(self._domain)) is not None:
                    take(own)

    async def _look_at_disks(self, take: Callable[[JobStats], object]) -> None:
        domain = self._domain
        if domain.id is None:
            return
        with ignored(logger, "jobs of a command's disks may be missed", BackendError):
            async with self._one_look:
                disks = (await self._backend.block_jobs([domain]))[domain]
                if isinstance(disks, BackendError):
                    raise disks
                for disk in self._earlier.keys() - {job.disk for job in disks} - {""}:
                    del self._earlier[disk]
                for job in disks:
                    take(job)

    async def _look_at_news(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            if self._renewed:
                self._renewed = False
                await self._renew()
            await self._look_at_disks(self._see)

    async def _renew(self) -> None:
        """The domain was started: this run of it has another id."""
        with ignored(logger, "what a command's domain does is not seen", BackendError):
            domain = (await self._backend.find(self._domain.uuid)).key
            if domain.id is not None and domain.id != self._domain.id:
                self._domain = replace(domain, name=self._domain.name)
                self._earlier.clear()
                self._had_earlier.clear()
                self._witness.know(self._domain)
                self._follow()

    async def _listen(self, events: EventStream) -> None:
        loop = asyncio.get_running_loop()
        with ignored(logger, "begins of a command's jobs are not reported", BackendError):
            async with events:
                async for event in events:
                    if isinstance(event, LifecycleEvent) and event.event is Lifecycle.STARTED:
                        self._renewed = True
                    if isinstance(event, ConnectionEvent) and not event.connected:
                        continue
                    self._news.set()
                    if self._follower is not None:
                        self._follower.hurry()
                        if isinstance(event, JobBegan):
                            self._follower.change(ATTENTIVE)
                            loop.call_later(ATTENTION, self._relax, self._follower)

    def _relax(self, follower: Follower) -> None:
        if follower is self._follower:
            follower.change(INTERVAL)
