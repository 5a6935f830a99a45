"""Jobs that are remembered without an end, because whoever followed them is gone: followed further, or ended.

What their ends were, nobody can tell any more; that is what is remembered of them then.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from backend.base import Backend
from backend.errors import BackendError, DomainNotRunning, NoSuchDomain
from backend.job_stats import JobStats
from backend.model import BlockOperation, JobKey, JobOperation
from backend.observing.memory import Memory
from backend.records.entry import SLACK, JobEntry, end_not_seen
from backend.records.machine import boottime, this_machine

logger = logging.getLogger(__name__)

AGAIN = 10.0
"""Seconds between two looks at jobs of which nothing could be learned."""
SHARE = 20
"""A look that takes long, among many jobs, is followed by the next one after so many times as long, at the soonest."""
_NOT_SEEN = "Its observer was not there when it ended."
_NOT_TOLD_APART = "Its observer was gone for a while; whether the job that was found afterwards is this one is unknown."


class Unfinished:
    """Runs beside a Witness. `followed`: whether the job of that key is being followed, or was a moment ago; `follow`:
    follow one that runs, which has these stats."""

    def __init__(
        self,
        backend: Backend,
        memory: Memory,
        followed: Callable[[JobKey], bool],
        follow: Callable[[JobKey, JobStats], None],
    ) -> None:
        self._backend = backend
        self._memory = memory
        self._followed = followed
        self._follow = follow
        self._due = asyncio.Event()

    def look_soon(self) -> None:
        """Some jobs may have lost their observers."""
        self._due.set()

    async def run(self) -> None:
        """Look whenever there may be such jobs, until cancelled."""
        clock = asyncio.get_running_loop().time
        while True:
            await self._due.wait()
            self._due.clear()
            began = clock()
            try:
                done = await self._look()
            except BackendError as error:
                logger.warning("jobs without an end: %s", error.message)
                done = False
            if not done:
                asyncio.get_running_loop().call_later(AGAIN, self._due.set)
            await asyncio.sleep((clock() - began) * SHARE)

    async def _look(self) -> bool:
        """Whether there are no such jobs any more."""
        done = True
        for entry in await self._memory.unfinished(self._backend.uri):
            if self._followed(entry.job):
                continue  # By now; it may be another job, which is looked at when that one has ended.
            try:
                stats = await self._backend.job(entry.job)
            except (NoSuchDomain, DomainNotRunning):
                stats = None
            except BackendError as error:
                logger.debug("the job of %s: %s", entry.domain, error.message)
                done = False
                continue
            if stats is not None and _is_same(entry, stats):
                self._follow(entry.job, stats)
            else:
                self._end(entry, _NOT_TOLD_APART if _may_be_same(entry, stats) else _NOT_SEEN)
        return done

    def _end(self, entry: JobEntry, detail: str) -> None:
        uptime = boottime() if entry.boot == this_machine().boot else None
        self._memory.keep(end_not_seen(entry, detail, time.time(), uptime))


def _is_same(entry: JobEntry, stats: JobStats) -> bool:
    """Whether these are certainly the stats of the entry's job."""
    if stats.operation != entry.operation:
        return False
    if entry.operation == JobOperation.MIGRATION_IN:
        return True  # No run of a domain has two of these.
    elapsed = stats.time_elapsed / 1000
    here = entry.boot == this_machine().boot
    later = boottime() - elapsed - entry.began_uptime if here else time.time() - elapsed - entry.began
    return entry.exact and abs(later) <= SLACK


def _may_be_same(entry: JobEntry, stats: JobStats | None) -> bool:
    """Whether they may be, if they are not certainly. The elapsed time of a raw dump stands still while its file is
    closed; a job of a disk has none."""
    same_kind = stats is not None and stats.operation == entry.operation
    return same_kind and (isinstance(entry.operation, BlockOperation) or (stats is not None and stats.closing))
