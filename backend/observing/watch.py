"""Every begin and end of a job of one hypervisor, as it happens: what observers of this process see, and first what is
remembered."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

from backend.base import Backend, JobAnswer
from backend.errors import BackendError
from backend.model import DiskKey, JobKey, JobStats, JobType, Operation
from backend.observing.job_changes import JobChange, JobChanges, key_of
from backend.observing.memory import Memory
from backend.observing.watcher import Changes, Watcher
from backend.observing.witness import Witness
from backend.records.entry import SLACK, JobEntry
from backend.records.history import History

logger = logging.getLogger(__name__)

LOOKING = 3.0
"""Seconds that the first look at all jobs may take: what does not answer by then is left to the watcher."""

OnConnection = Callable[[bool, str], object]
"""Called when the connection is lost (False, and why) and when it is back."""


async def watch(
    backend: Backend,
    *,
    history: History | None = None,
    on_connection: OnConnection = lambda connected, reason: None,
) -> AsyncGenerator[JobChange, None]:
    """Each begin and end of a job of the open backend, whoever requested it, once, in the order in which it is seen.

    Jobs that are running at the start come first, marked as `running`. What is seen is entered into `history`, this
    user's own by default. It goes on until it is closed or cancelled. The backend reconnects by itself; a job that
    outlives an outage is the same job, and one that ended meanwhile has the verdict of `wait`.

    JournalError if this user can have no history; NoConnection if the backend is not open.
    """
    watching = _Watching(backend, history or History(), on_connection)
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


@dataclass(frozen=True, slots=True)
class _Look:
    """The jobs that are running at one moment, as far as the hypervisor answered."""

    at: float
    """Seconds since the epoch."""
    running: dict[JobKey, Operation]

    def had(self, entry: JobEntry) -> bool:
        """Whether the job, of which this is the first that is seen, was running then."""
        if entry.exact:
            return entry.began < self.at - SLACK
        return self.running.pop(key_of(entry), None) == entry.operation


class _Watching:
    """Observes one backend, and puts what changes into `changes`; None at the end."""

    def __init__(self, backend: Backend, history: History, on_connection: OnConnection) -> None:
        self.changes: asyncio.Queue[JobChange | None] = asyncio.Queue()
        self._backend = backend
        self._memory = Memory(history, "watch", self._take)
        self._witness = Witness(backend, self._memory)
        self._on_connection = on_connection
        self._connected = True
        self._known = JobChanges()
        self._look = _Look(time.time(), {})
        """The latest one at all jobs."""
        self._held: list[JobEntry] | None = []
        """What was seen since one began; None once it is done."""
        self._due = asyncio.Event()
        """A look at all jobs is due."""
        self._due.set()

    async def run(self) -> None:
        """Observe until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._witness.run())
                tasks.create_task(Watcher(self._backend).run(self._report))
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
            if changes.connected:
                self._held = self._held or []
                self._due.set()
        self._witness.take(changes)

    def _take(self, entry: JobEntry) -> None:
        """A job was seen, or its end was."""
        if self._held is not None:
            self._held.append(entry)
        else:
            self._put(self._changes(entry))

    def _changes(self, entry: JobEntry) -> list[JobChange]:
        return self._known.see(entry, self._look.had(entry))

    def _put(self, changes: list[JobChange]) -> None:
        for change in changes:
            self.changes.put_nowait(change)

    async def _keep_up(self) -> None:
        """At the start, and after each outage, tell what is running from what begins."""
        while True:
            await self._due.wait()
            self._due.clear()
            self._look = await self._look_at_all()
            held, self._held = self._held or [], None
            changes = [change for entry in held for change in self._changes(entry)]
            self._put(sorted(changes, key=lambda change: change.at))

    async def _look_at_all(self) -> _Look:
        look = _Look(time.time(), {})

        def take(key: JobKey, answer: JobAnswer) -> None:
            if isinstance(answer, JobStats) and answer.type is not JobType.NONE:
                look.running[key] = answer.operation

        try:
            async with asyncio.timeout(LOOKING):
                active = [domain.key for domain in await self._backend.domains() if domain.active and domain.answering]
                _, of_disks = await asyncio.gather(self._backend.jobs(active, take), self._backend.block_jobs(active))
        except (BackendError, TimeoutError) as error:
            logger.info("not all jobs that run on %s are known: %s", self._backend.uri, error or "no answer")
            return look
        for domain, answer in of_disks.items():
            for stats in () if isinstance(answer, BackendError) else answer:
                if stats.disk is not None:
                    take(DiskKey(domain, stats.disk), stats)
        return look
