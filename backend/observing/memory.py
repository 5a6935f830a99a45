"""What an observer remembers of the jobs that it sees: it enters each of them into a history, and tells of it."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeVar

from backend.base import Backend
from backend.errors import JournalError
from backend.job_stats import JobStats
from backend.model import BlockOperation, DomainKey, JobOperation, Operation
from backend.outcome import Outcome
from backend.records import process
from backend.records.entry import JobEntry, combined, is_same_job, with_outcome
from backend.records.history import History
from backend.records.machine import boottime, this_machine
from backend.threads import Worker

logger = logging.getLogger(__name__)

RETRY = 2.0
"""Seconds between two attempts to write what could not be written, such as to a full disk."""
PATIENCE = 1.0
"""Seconds that `settle` waits for a history that is slow: what is shown does not depend on it."""

MOST_UNWRITTEN = 10_000
"""Entries that wait to be written; of more, the oldest are lost."""
LATEST = 500
"""Jobs among which one is looked for that is seen again, by another wait in this process."""

T = TypeVar("T")
Tell = Callable[[JobEntry], object]


class Memory:
    """Keeps what one process sees in `history`; belongs to one event loop.

    `role`: what the process is (``console``, ``wait``). `tell` gets every entry when its job was first seen, and when
    its end is known, as this observer knows it; not later than the history. A history that cannot be written delays
    nobody: it is tried again, for as long as the process lives.
    """

    def __init__(self, history: History, role: str, tell: Tell = lambda entry: None, *, alone: bool = False) -> None:
        """`alone`: no other process writes that history, so whoever observes a job according to it is gone."""
        self._history = history
        self._observer = f"{process.user()}@{socket.gethostname()} ({role})"
        self._tell = tell
        self._alone = alone
        self._latest: dict[str, JobEntry] = {}
        """The jobs that were seen last, by their id, oldest first."""
        self._unwritten: dict[str, JobEntry] = {}
        """By their id."""
        self._writing: asyncio.Task[None] | None = None
        self._worker: Worker | None = None
        self._trouble = ""

    @property
    def trouble(self) -> str:
        """Why the history could not be written at the last attempt; empty if it could."""
        return self._trouble

    def job(
        self, backend: Backend, domain: DomainKey, operation: Operation, disk: str | None = None, record: str = ""
    ) -> Remembered:
        """What is to be remembered of one job, which is being followed. `record`: the id of its record in the journal,
        if this user has requested it."""
        return Remembered(self, backend.uri, domain, operation, disk, record, self._observer)

    def keep(self, entry: JobEntry, begun: JobEntry | None = None) -> None:
        """Enter what is known of a job now, which may be one that is remembered already.

        `begun`: what there is to tell of its begin first, if it is not.
        """
        known = next((other for other in self._latest.values() if is_same_job(entry, other)), None)
        if known is not None:
            entry = combined(known, entry)
            if entry == known:
                return
        self._latest[entry.id] = self._unwritten[entry.id] = entry
        if len(self._unwritten) > MOST_UNWRITTEN:
            lost = self._unwritten.pop(next(iter(self._unwritten)))
            logger.warning("what was seen of %s is lost: too much waits to be stored", lost.domain)
        while len(self._latest) > LATEST:
            del self._latest[next(iter(self._latest))]
        if known is None and begun is not None:
            self._tell(begun)
        if known is None or entry.over:
            self._tell(entry)
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write())

    async def unfinished(self, uri: str) -> list[JobEntry]:
        """The jobs of that hypervisor without an end whose observers are gone, and those seen here, oldest first.

        JournalError where the history cannot be read.
        """
        entries = await self._in_thread(self._history.open)
        return [
            entry for entry in entries if entry.uri == uri and self._is_mine_or_left(entry) and not self._over(entry)
        ]

    async def settle(self, patience: float = PATIENCE) -> None:
        """Return once everything is written, but after so many seconds at the latest."""
        if self._writing is not None and not self._writing.done():
            await asyncio.wait({self._writing}, timeout=patience)

    def close(self) -> None:
        """Give up what could not be written so far."""
        if self._writing is not None:
            self._writing.cancel()
        if self._worker is not None:
            self._worker.stop()
            self._worker = None

    def _over(self, entry: JobEntry) -> bool:
        """Whether its end is known, and only waits to be written."""
        return any(other.over and is_same_job(entry, other) for other in self._unwritten.values())

    def _is_mine_or_left(self, entry: JobEntry) -> bool:
        mine = entry.id in self._latest and process.is_own(entry)
        return self._alone or mine or process.observer_alive(entry) is False

    def _in_thread(self, call: Callable[[], T]) -> asyncio.Future[T]:
        if self._worker is None:
            self._worker = Worker("history")
        return self._worker.call(call)

    async def _write(self) -> None:
        while self._unwritten:
            entry = next(iter(self._unwritten.values()))
            kept: JobEntry | None = None
            try:
                kept = await self._in_thread(partial(self._history.keep, entry))
            except JournalError as error:
                if error.message != self._trouble:
                    logger.warning("what was seen of %s is not stored yet: %s", entry.domain, error.message)
                self._trouble = error.message
                await asyncio.sleep(RETRY)
                continue
            except Exception:  # It would fail again: the others must not wait for it.
                logger.exception("what was seen of %s is lost", entry.domain)
            if self._trouble:
                logger.info("the history can be written again")
                self._trouble = ""
            self._written(entry, kept)

    def _written(self, entry: JobEntry, kept: JobEntry | None) -> None:
        if self._unwritten.get(entry.id) is entry:
            del self._unwritten[entry.id]
        if kept is not None and self._latest.get(entry.id) is entry:
            # Others may have seen more of the job, and the first of them have named it.
            del self._latest[entry.id]
            self._latest[kept.id] = kept


class Remembered:
    """One job that is followed, to be entered into the history when it is seen, and when it is over."""

    def __init__(
        self,
        memory: Memory,
        uri: str,
        domain: DomainKey,
        operation: Operation,
        disk: str | None,
        record: str,
        observer: str,
    ) -> None:
        self._memory = memory
        self._uri = uri
        self._domain = domain
        self._operation = operation
        self._disk = disk
        self._record = record
        self._observer = observer
        self._requester = ""
        self._entry: JobEntry | None = None

    def seen(self, stats: JobStats, age: float = 0.0) -> None:
        """The job had these stats `age` seconds ago."""
        if self._entry is not None:
            return
        # libvirt does not tell how long the job of a disk has been running, nor that of a migration in.
        exact = not isinstance(self._operation, BlockOperation) and self._operation is not JobOperation.MIGRATION_IN
        self._entry = self._begun(age + (stats.time_elapsed / 1000 if exact else 0.0), exact)
        self._memory.keep(self._entry)

    def requested_by(self, requester: str) -> None:
        """Somebody seems to have requested it; whoever its end names did."""
        self._requester = requester
        if self._entry is not None and not self._entry.requester:
            self._entry = replace(self._entry, requester=requester)
            self._memory.keep(self._entry)

    def ended(self, outcome: Outcome, age: float, last: JobStats | None = None) -> None:
        """It was seen to be over `age` seconds ago; `last`: the last stats that it had."""
        begun = None
        if self._entry is None:
            # Not kept without its end: it would be taken for the next one, which may be running by now.
            self._entry = begun = self._begun(age + outcome.time_elapsed / 1000, outcome.time_elapsed > 0)
        if last is not None and last.measured:
            self._entry = replace(self._entry, bytes=last.processed)
        age = max(0.0, min(age, boottime() - self._entry.began_uptime))  # It may have been seen after it was reported.
        self._memory.keep(with_outcome(self._entry, outcome, time.time() - age, boottime() - age), begun)

    def _begun(self, ago: float, exact: bool) -> JobEntry:
        machine = this_machine()
        return JobEntry(
            id=uuid.uuid4().hex,
            uri=self._uri,
            uuid=self._domain.uuid,
            domain=self._domain.name,
            domain_id=self._domain.id,
            operation=self._operation,
            disk=self._disk,
            began=time.time() - ago,
            exact=exact,
            observer=self._observer,
            requester=self._requester,
            record=self._record,
            machine=machine.id,
            boot=machine.boot,
            began_uptime=max(0.0, boottime() - ago),
            pid=os.getpid(),
            pid_start=process.own_start(),
            namespace=machine.namespace,
        )
