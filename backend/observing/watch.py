"""Every begin and end of a job of one hypervisor: first what is remembered, then what is seen as it happens.

Observing begins before anything is read, and what is seen meanwhile is held back: nothing falls between the two, and
what both know of is given once. It is the same after each outage.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import warnings
from collections.abc import AsyncGenerator, Callable, Iterable
from dataclasses import dataclass

from backend.backoff import Backoff
from backend.base import Backend, JobAnswer
from backend.errors import BackendError, JournalWarning, NotAnswering
from backend.job_stats import JobStats, JobType
from backend.model import DiskKey, DomainKey, JobKey, Operation
from backend.observing.histories import JobFeed
from backend.observing.job_changes import JobChange, JobChanges, unless_remembered
from backend.observing.memory import Memory
from backend.observing.views import Changes
from backend.observing.watcher import Watcher
from backend.observing.witness import Witness
from backend.records.entry import SLACK, JobEntry
from backend.records.history import KEEP_MOST, History, Query
from backend.threads import in_thread
from backend.verdicts.job_sources import SourcedJob

logger = logging.getLogger(__name__)

LOOKING = 3.0
"""Seconds that the look at all jobs may take: what does not answer by then is left to the watcher."""
SETTLING = 2.0
"""Seconds in which the jobs that this look found are seen by the witness, and can be given in the order of time."""
REREADING = (1.0, 15.0)
"""The first and the longest pause, in seconds, between two looks at what others know of a job that they follow."""
SLICE = 500
"""Remembered jobs that are put in order before other tasks of the event loop get a turn."""

OnConnection = Callable[[bool, str], object]
"""Called when the connection is lost (False, and why) and when it is back."""


async def watch(
    backend: Backend,
    *,
    since: float | None = None,
    on_connection: OnConnection = lambda connected, reason: None,
) -> AsyncGenerator[JobChange, None]:
    """Each begin and end of a job of the open backend, whoever requested it, once, in the order in which it is seen.

    With `since`, in seconds since the epoch, the jobs come first that were running then or began later, as far as this
    user or the host remembers them. Jobs that are running at the start are marked as `running`. What is seen is entered
    into this user's own history.

    It goes on until it is closed or cancelled. The backend reconnects by itself: a job that outlives an outage is the
    same job, one that ended meanwhile has the verdict of `wait`, and what others remember of that time is told.

    JournalError if this user can have no history; NoConnection if the backend is not open.
    """
    watching = _Watching(backend, History(), since, on_connection)
    run = asyncio.create_task(watching.run())
    run.add_done_callback(lambda _: watching.changes.put_nowait(None))
    try:
        while (change := await watching.changes.get()) is not None:
            yield change
        await run  # Which raises what ended it.
    finally:
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
        await watching.close()


@dataclass(slots=True)
class _Look:
    """The jobs that are running at one moment, as far as the hypervisor answered."""

    at: float
    """Seconds since the epoch."""
    running: dict[JobKey, Operation]
    silent: set[DomainKey] | None = None
    """Domains whose jobs nobody knows; None: those of all."""

    def take(self, key: JobKey, answer: JobAnswer) -> None:
        """What was found of that job."""
        if isinstance(answer, JobStats) and answer.type is not JobType.NONE:
            self.running[key] = answer.operation

    def knows(self, domain: DomainKey) -> bool:
        """Whether a job of that domain that is not among these was not running."""
        return self.silent is not None and domain not in self.silent

    def had(self, entry: JobEntry) -> bool:
        """Whether the job was running then."""
        if entry.exact:
            return entry.began < self.at - SLACK
        return self.running.get(entry.job) == entry.operation or entry.key in (self.silent or ())


class _Watching:
    """Observes one backend, and puts what changes into `changes`; None at the end."""

    def __init__(self, backend: Backend, history: History, since: float | None, on_connection: OnConnection) -> None:
        self.changes: asyncio.Queue[JobChange | None] = asyncio.Queue()
        self._backend = backend
        self._memory = Memory(history, "watch", self._take)
        self._witness = Witness(backend, self._memory)
        self._on_connection = on_connection
        self._connected = True
        self._since = since
        """Since when jobs may be remembered that were not seen; None: none are asked for."""
        self._known = JobChanges()
        self._look = _Look(time.time(), {}, set())
        """The latest one at all jobs."""
        self._held: list[JobEntry] | None = []
        """What was seen since one began; None once it is done."""
        self._seen = asyncio.Event()
        """Something was."""
        self._due = asyncio.Event()
        """A look at all jobs is due."""
        self._due.set()

    async def run(self) -> None:
        """Observe until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._witness.run())
                tasks.create_task(Watcher(self._backend, found=self._witness.see).run(self._report))
                tasks.create_task(self._keep_up())
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def close(self) -> None:
        """Give what was seen the time to be stored."""
        await self._memory.settle()
        self._memory.close()

    def _report(self, changes: Changes) -> None:
        if changes.connected is not self._connected:
            self._connected = changes.connected
            self._on_connection(changes.connected, changes.reason)
            if not changes.connected:
                unseen = (job.entry.began for job in self._known.open() if not job.seen)
                self._since = min([time.time(), *unseen, *([self._since] if self._since is not None else [])])
            else:
                self._held = self._held or []
                self._due.set()
        self._witness.take(changes)

    def _take(self, entry: JobEntry) -> None:
        """A job was seen, or its end was."""
        if self._held is not None:
            self._held.append(entry)
            self._seen.set()
        else:
            self._put(self._known.see(entry, self._had(entry)))

    def _had(self, entry: JobEntry) -> bool:
        """Whether the job that is seen was running before; the next one of its kind was not."""
        had = self._look.had(entry)
        self._look.running.pop(entry.job, None)
        if self._look.silent:
            self._look.silent.discard(entry.key)
        return had

    def _put(self, changes: Iterable[JobChange]) -> None:
        for change in changes:
            self.changes.put_nowait(change)

    async def _keep_up(self) -> None:
        """At the start, and after each outage: tell what happened unseen, and what is running."""
        while True:
            await self._due.wait()
            self._due.clear()
            look = await self._look_at_all()
            feed = JobFeed(Query(uris=[self._backend.uri], since=self._since, limit=KEEP_MOST))
            jobs: list[SourcedJob] = []
            if self._since is not None:
                recollection = await in_thread(feed.recall, "history")
                for error in recollection.errors.values():
                    warnings.warn(JournalWarning(error.message), stacklevel=1)
                jobs = recollection.jobs
            await self._settle(look)
            self._look, self._since = look, None
            changes = []
            for count, job in enumerate(reversed(jobs), 1):
                changes += self._known.recall(job, self._is_running(job), self._may_run(job))
                if count % SLICE == 0:
                    await asyncio.sleep(0)
            held, self._held = self._held or [], None
            changes += [
                change for entry in unless_remembered(held, jobs) for change in self._known.see(entry, self._had(entry))
            ]
            changes += self._known.give_up()
            self._put(sorted(changes, key=lambda change: change.at))
            await self._reread(feed)

    async def _settle(self, look: _Look) -> None:
        """Return once all jobs of the look were seen, or after a while."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLING):
                while not look.running.keys() <= self._followed():
                    self._seen.clear()
                    await self._seen.wait()

    def _followed(self) -> set[JobKey]:
        known = {job.key for job in self._known.open() if job.seen}
        return known | {entry.job for entry in self._held or ()}

    def _is_running(self, job: SourcedJob) -> bool:
        return not job.entry.over and self._look.running.get(job.entry.job) == job.entry.operation

    def _may_run(self, job: SourcedJob) -> bool:
        """Whether nobody knows, as its domain did not answer."""
        return not job.entry.over and not self._look.knows(job.entry.key)

    async def _reread(self, feed: JobFeed) -> None:
        """Give the ends of jobs that were over at the look, and whose observers have yet to tell how they ended."""
        backoff = Backoff(*REREADING)
        while any(not job.seen for job in self._known.open()) and not self._due.is_set():
            pause = asyncio.create_task(backoff.pause())
            due = asyncio.create_task(self._due.wait())
            try:
                await asyncio.wait({pause, due}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                pause.cancel()
                due.cancel()
            unseen = {id_ for job in self._known.open() if not job.seen for id_ in job.parts}
            for job in (await in_thread(feed.changes, "history")).jobs:
                if not unseen.isdisjoint(job.ids):
                    self._put(self._known.recall(job))

    async def _look_at_all(self) -> _Look:
        look = _Look(time.time(), {})
        try:
            async with asyncio.timeout(LOOKING):
                active = [domain.key for domain in await self._backend.domains() if domain.active]
                look.silent = set(active)
                own, of_disks = await asyncio.gather(
                    self._backend.jobs(active, look.take), self._backend.block_jobs(active)
                )
        except (BackendError, TimeoutError) as error:
            logger.info("not all jobs that run on %s are known: %s", self._backend.uri, error or "no answer")
            return look
        look.silent = set()
        for domain, answer in of_disks.items():
            if isinstance(own[domain], NotAnswering) or isinstance(answer, NotAnswering):
                look.silent.add(domain)
            for stats in () if isinstance(answer, BackendError) else answer:
                if stats.disk is not None:
                    look.take(DiskKey(domain, stats.disk), stats)
        return look
