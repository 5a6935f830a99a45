"""A witness follows every job of one hypervisor from its begin to its end, whoever began it, and remembers it.

A Watcher of the same backend tells it of the jobs. What began and ended between two looks of that has left its end in
the hypervisor's own reports, and is remembered for these.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from backend.backoff import Backoff
from backend.base import Backend
from backend.errors import BackendError, DomainNotRunning, JobMismatch, NoJob, NoSuchDomain, NotAnswering
from backend.event_stream import EventStream
from backend.job_stats import JobStats
from backend.model import DiskKey, DomainKey, JobKey, JobOperation, domain_of
from backend.observing.claims import ClaimPublisher
from backend.observing.memory import Memory
from backend.observing.missed import LINGER, Reports
from backend.observing.unfinished import Unfinished
from backend.observing.views import Changes, DomainView, fell_back
from backend.observing.wait import wait
from backend.observing.watcher import Watcher
from backend.records.entry import SLACK
from backend.records.journal import Journal
from backend.verdicts.block_attachment import follows

logger = logging.getLogger(__name__)

INTERVAL = 1.0
"""Seconds between two looks at a job, unless others look more often: most ends are reported, and near its end it is
looked at more often anyway."""
LIST_INTERVAL = 10.0
"""Seconds between two listings of the domains: nobody looks at them, and what changes is reported."""
SWEEP_INTERVAL = 1.2
"""Seconds between two looks for jobs of whose begin nothing is heard. A dump's file is held from the start of its
helper, where that can be seen."""
UNANSWERED = (0.25, INTERVAL)
"""The first and the longest pause, in seconds, until a job is looked for again whose domain does not answer."""
MOST = 200
"""Jobs of one hypervisor that are followed at a time; others are, once one of them has ended."""


@dataclass(slots=True)
class _Followed:
    """A job that is followed."""

    task: asyncio.Task[None]
    began: float
    """When it began, as its elapsed time told at first; the event loop's clock."""
    last: JobStats

    def is_followed_by(self, stats: JobStats, began: float) -> bool:
        """Whether these are the stats of another job that followed this one."""
        if stats.disk is not None:
            return follows(self.last, stats)
        if stats.operation == self.last.operation == JobOperation.MIGRATION_IN:
            return False  # No run of a domain has two of these, and none says how long it has been running.
        if fell_back(stats, self.last):
            return True
        # While it is followed, the wait tells it from the next one. Its elapsed time, which the clock's steps change,
        # is only worth something once it is over.
        return self.task.done() and not stats.closing and began > self.began + SLACK


class Witness:
    """Feed it with `take`, while `run` runs."""

    def __init__(self, backend: Backend, memory: Memory, journal: Journal | None = None) -> None:
        """`journal`: where this user's own dumps are recorded; by default, in this user's own."""
        self._backend = backend
        self._memory = memory
        self._journal = journal
        self._followed: dict[JobKey, _Followed] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._reports = Reports(backend, memory, self._began)
        self._unfinished = Unfinished(backend, memory, self._followed.__contains__, self.see)
        self._connected = False

    @property
    def following(self) -> int:
        """How many jobs are being followed."""
        return len(self._tasks)

    async def run(self, uuid: str | None = None) -> None:
        """Listen to the hypervisor's reports, and follow jobs, until cancelled.

        With `uuid`, only to those of that domain; jobs that others have left unfinished are others' business then.
        """
        try:
            async with self._backend.events() as events, asyncio.TaskGroup() as tasks:
                if uuid is None:
                    tasks.create_task(self._unfinished.run())
                else:
                    events.narrow(uuid)
                await self._listen(events)
        finally:
            await self._reports.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def take(self, changes: Changes) -> None:
        """Follow the jobs that are new among what the watcher has found."""
        if changes.connected and not self._connected:
            self._unfinished.look_soon()
        self._connected = changes.connected
        for view in changes.changed:
            self.know(view.domain.key)
            for key, stats in _jobs(view):
                self.see(key, stats)
        for uuid in changes.removed:
            self._reports.forget(uuid)

    def know(self, domain: DomainKey) -> None:
        """There is this run of a domain; without that, nothing is made of what is reported of it."""
        self._reports.know(domain)

    async def settle(self) -> None:
        """Return once all jobs that were seen are over, and what was reported of others is put together."""
        while tasks := [*self._tasks, *self._reports.pending]:
            await asyncio.wait(tasks)

    async def _listen(self, events: EventStream) -> None:
        try:
            async for event in events:
                self._reports.take(event)
        except BackendError as error:
            logger.warning("%s does not report the ends of jobs any more: %s", self._backend.uri, error.message)

    def _began(self, key: JobKey) -> float | None:
        followed = self._followed.get(key)
        return followed.began if followed is not None else None

    def see(self, key: JobKey, stats: JobStats) -> None:
        """There is this job: follow it, unless it is."""
        self.know(domain_of(key))
        followed = self._followed.get(key)
        began = asyncio.get_running_loop().time() - stats.time_elapsed / 1000
        if followed is not None and not followed.is_followed_by(stats, began):
            followed.last = stats
        elif len(self._tasks) < MOST:
            task = asyncio.create_task(self._follow(key, stats, began))
            self._followed[key] = _Followed(task, began, stats)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _follow(self, key: JobKey, stats: JobStats, began: float) -> None:
        domain = domain_of(key)
        try:
            pauses = Backoff(*UNANSWERED)
            while not await self._wait(key, stats, began):
                await pauses.pause()
        except (NoJob, JobMismatch, DomainNotRunning, NoSuchDomain) as error:
            self._reports.ended_unseen(key, stats, began, isinstance(error, DomainNotRunning | NoSuchDomain))
        except BackendError as error:
            logger.info("%s is not followed to its end on %s: %s", stats.operation.label, domain.name, error.message)
        except Exception:
            logger.exception("following %s on %s", stats.operation.label, domain.name)
        finally:
            followed = self._followed.get(key)
            if followed is not None and followed.task is asyncio.current_task():
                # Reports of its end may still be under way to others than the wait.
                asyncio.get_running_loop().call_later(LINGER, self._forget, key, followed)

    async def _wait(self, key: JobKey, stats: JobStats, began: float) -> bool:
        """Wait for the job's end. False if its domain does not answer before the job was found again."""
        domain, disk = (key.domain, key.disk) if isinstance(key, DiskKey) else (key, None)
        try:
            await wait(
                self._backend,
                domain,
                stats.operation,
                journal=self._journal,
                disk=disk,
                memory=self._memory,
                interval=INTERVAL,
                patient=True,
            )
        except NotAnswering as error:
            logger.debug("%s on %s: %s", stats.operation.label, domain.name, error.message)
            # It was there: it is remembered, whatever the domain will say when it answers.
            age = asyncio.get_running_loop().time() - began - stats.time_elapsed / 1000
            self._memory.job(self._backend, domain, stats.operation, disk).seen(stats, age)
            return False
        return True

    def _forget(self, key: JobKey, followed: _Followed) -> None:
        if self._followed.get(key) is followed:
            del self._followed[key]
            self._unfinished.look_soon()


async def watch_and_witness(
    backend: Backend,
    memory: Memory,
    report: Callable[[Witness, Changes], None] = lambda witness, changes: None,
    journal: Journal | None = None,
    publisher: ClaimPublisher | None = None,
) -> None:
    """Remember every job of the open backend until cancelled; `report` gets each change once the witness has it.

    `publisher` guards what it tells others of them; what it is to tell comes from the memory.
    """
    witness = Witness(backend, memory, journal)

    def take(changes: Changes) -> None:
        witness.take(changes)
        report(witness, changes)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(witness.run())
        if publisher is not None:
            tasks.create_task(publisher.run())
        watcher = Watcher(backend, list_interval=LIST_INTERVAL, sweep_interval=SWEEP_INTERVAL, found=witness.see)
        tasks.create_task(watcher.run(take))


def _jobs(view: DomainView) -> Iterator[tuple[JobKey, JobStats]]:
    if view.progress is not None:
        yield view.domain.key, view.progress.stats
    for progress in view.block_jobs:
        if progress.stats.disk is not None:
            yield DiskKey(view.domain.key, progress.stats.disk), progress.stats
