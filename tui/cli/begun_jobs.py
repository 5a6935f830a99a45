"""Which jobs began after a command did, of those that its witnesses enter."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from backend.base import Backend
from backend.errors import BackendError
from backend.model import DiskKey, JobKey
from backend.records.entry import SLACK, JobEntry, is_same_job
from backend.records.machine import boottime
from tui.cli.wait_options import WaitOptions

Lost = tuple[Backend, BackendError]
"""A hypervisor that cannot be watched any more, and why."""


class BegunJobs:
    """Gets all entries of the witnesses; its queue has those of jobs that began later and are to be followed."""

    def __init__(self, options: WaitOptions) -> None:
        self._options = options
        self._since = boottime()
        self._running: set[tuple[str, JobKey]] = set()
        """Jobs that were running before; by the URI of their hypervisor."""
        self._looked = self._since
        self._entered: dict[str, JobEntry] = {}
        """What is known of each job, by the id that it was entered with at first."""
        self._over: dict[str, asyncio.Future[JobEntry]] = {}
        self.queue: asyncio.Queue[JobEntry | Lost] = asyncio.Queue()
        """What has begun, and what is lost."""

    def know(self, running: Collection[tuple[str, JobKey]]) -> None:
        """These jobs are running already."""
        self._running = set(running)
        self._looked = boottime()

    def take(self, entry: JobEntry) -> None:
        """A witness has entered the job, or its end."""
        known = self._id(entry)
        if known not in self._entered and self._is_new(entry) and self._is_meant(entry):
            self.queue.put_nowait(entry)
        self._entered[known] = entry
        if entry.over and not (end := self.end(entry)).done():
            end.set_result(entry)

    def end(self, entry: JobEntry) -> asyncio.Future[JobEntry]:
        """The entry once its end is known."""
        return self._over.setdefault(self._id(entry), asyncio.get_running_loop().create_future())

    def _id(self, entry: JobEntry) -> str:
        """The id that the job was entered with at first: it may have got that of another observer since."""
        if entry.id in self._entered:
            return entry.id
        jobs = reversed(self._entered.items())
        return next((id_ for id_, known in jobs if is_same_job(known, entry)), entry.id)

    def _is_new(self, entry: JobEntry) -> bool:
        if entry.exact and entry.began_uptime > self._looked:
            return True
        known = (entry.uri, key_of(entry))
        if known in self._running:
            # The next one on this domain, or disk, is another job.
            self._running.discard(known)
            return False
        return not entry.exact or entry.began_uptime >= self._since - SLACK

    def _is_meant(self, entry: JobEntry) -> bool:
        return self._options.means(entry.operation, entry.disk)


def key_of(entry: JobEntry) -> JobKey:
    """The job of the entry, as backends know it."""
    return entry.key if entry.disk is None else DiskKey(entry.key, entry.disk)
