"""Dumps that others requested: who did, and how they ended, as far as a record says so.

A dump that the hypervisor may have begun by itself has no record. It is waited for from its begin.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

from backend.dump_request import AutomaticDump
from backend.errors import BackendError, NoConnection
from backend.model import JobOperation
from backend.observing.automatic_dumps import look_for_automatic_dump
from backend.records.journal import Journal
from backend.records.record import JobRecord
from backend.threads import in_thread
from backend.verdicts.recorded import recorded_outcome
from tui.session.activity_log import ActivityLog, Tone
from tui.session.background_tasks import BackgroundTasks
from tui.session.background_waits import BackgroundWaits
from tui.session.host import Host
from tui.session.job_wait import JobWait
from tui.session.rows import Row, RowKey
from tui.words import states

logger = logging.getLogger(__name__)

RESULT_INTERVAL = 0.2
"""Seconds between two reads of the record of a dump that ended."""
RESULT_TRIES = 15
"""After so many reads, a record without a result says nothing about how the dump ended."""
UNKNOWN_END = "dump ended, result unknown"


class ForeignWait(JobWait):
    """A wait for a dump that the hypervisor may have begun by itself."""


class ForeignDumps:
    """Reports them. A record counts for a dump only if it was there, and running, when that dump was seen.

    `by_hypervisor` gets the row of each dump that the hypervisor has begun, and that dump.
    """

    def __init__(
        self,
        tasks: BackgroundTasks,
        log: ActivityLog,
        waits: BackgroundWaits,
        by_hypervisor: Callable[[Row, AutomaticDump], object],
    ) -> None:
        self._tasks = tasks
        self._log = log
        self._waits = waits
        self._by_hypervisor = by_hypervisor
        self._ids: dict[RowKey, str] = {}

    def attend(self, host: Host, row: Row, began: bool) -> None:
        """Wait for the domain's dump, if it has one that the hypervisor may have begun; `began`: just now."""
        if row.operation != JobOperation.DUMP or row.key in self._waits:
            return
        if not host.happenings.may_be_dumped_by_hypervisor(row.domain):
            return
        wait = ForeignWait(host, row.domain.key, JobOperation.DUMP, progress=row.progress)
        self._waits.begin(wait)
        self._tasks.start(row.domain.name, self._report_begin(host, row, began, wait))

    def seen(self, host: Host, row: Row, began: bool) -> None:
        """The domain has a dump; `began`: just now."""
        self._tasks.start(row.domain.name, self._report_begin(host, row, began))

    def gone(self, host: Host, row: Row) -> None:
        """The domain's dump ended."""
        self._tasks.start(row.domain.name, self._report_end(host, row))

    def forget(self, keys: Iterable[RowKey]) -> None:
        """These domains are gone: what was known of their dumps is not to be taken for what a namesake does."""
        for key in keys:
            self._ids.pop(key, None)

    async def _report_begin(self, host: Host, row: Row, began: bool, wait: ForeignWait | None = None) -> None:
        """Say who began the dump, as far as that is known; with a `wait`, the hypervisor itself may have."""
        record = await _record(host, row)
        words = "dump started"
        if record is not None and not record.over and record.key == row.domain.key:
            if await _is_ours(host, record):
                return  # The session attaches to it, and reports that.
            if wait is None:
                self._ids[row.key] = record.id
            words += f" by {record.user} → {record.path}"
        elif wait is not None and (dump := await _automatic_dump(host, row, wait)) is not None:
            self._by_hypervisor(row, dump)
            words += f" {states.requester(dump)}" + (f" → {dump.path}" if dump.path else "")
        if began:
            self._log.say(row.domain.name, words, Tone.QUIET)

    async def _report_end(self, host: Host, row: Row) -> None:
        record_id = self._ids.pop(row.key, None)
        for _ in range(RESULT_TRIES if record_id is not None else 0):
            record = await _record(host, row)
            if record is None or record.id != record_id:
                break
            outcome = recorded_outcome(record, shared=True)
            if outcome is not None:
                self._log.tell(outcome)
                return
            await asyncio.sleep(RESULT_INTERVAL)
        why = "" if record_id is not None else " (not started by virt-jobs)"
        self._log.say(row.domain.name, f"{UNKNOWN_END}{why}", Tone.QUIET)


async def _automatic_dump(host: Host, row: Row, wait: ForeignWait) -> AutomaticDump | None:
    try:
        return await look_for_automatic_dump(host.backend, row.domain.key, lambda: wait.over)
    except NoConnection:  # The console has lost its host meanwhile.
        return None


async def _record(host: Host, row: Row) -> JobRecord | None:
    try:
        return await host.backend.record(row.domain.key)
    except BackendError as error:
        logger.debug("no shared record of %s: %s", row.domain.name, error)
        return None


async def _is_ours(host: Host, record: JobRecord) -> bool:
    try:
        return await in_thread(lambda: Journal().read(record.id), "journal") is not None
    except BackendError as error:
        logger.debug("the journal cannot be read: %s", error)
        return False
