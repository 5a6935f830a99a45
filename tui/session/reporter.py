"""Reports in the activity what happens to domains and jobs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from backend.errors import DomainNotRunning, NoJob, NoSuchDomain
from backend.model import JobOperation
from tui.session import news
from tui.session.activity_log import ActivityLog, Tone
from tui.session.background_waits import BackgroundWaits
from tui.session.foreign_dumps import UNKNOWN_END, ForeignDumps, ForeignWait
from tui.session.host import Host
from tui.session.job_wait import JobWait
from tui.session.rows import Row, RowKey, RowStore
from tui.words import states

FEW = 8
"""Changes at one time that are reported one by one; more are counted."""


class Reporter:
    """Sees each change before the rows have it.

    `look_for_pending` is called when a dump started that may be one of this user's. `resume_key` is named in hints.
    """

    def __init__(
        self,
        log: ActivityLog,
        rows: RowStore,
        waits: BackgroundWaits,
        foreign: ForeignDumps,
        look_for_pending: Callable[[Host], None],
        resume_key: str,
    ) -> None:
        self._log = log
        self._rows = rows
        self._waits = waits
        self._foreign = foreign
        self._look_for_pending = look_for_pending
        self._resume_key = resume_key
        self._reported: set[RowKey] = set()
        """Domains that still show a job whose end was reported."""
        self._left: set[RowKey] = set()
        """Domains that were reported as left paused, and still are."""

    def first(self, host: Host, rows: Sequence[Row]) -> None:
        """All that a host has, seen for the first time: no news, but a foreign dump may end later."""
        for row in rows:
            self._foreign.attend(host, row, False)
        dumps = [row for row in rows if row.operation is JobOperation.DUMP and row.key not in self._waits]
        for row in dumps[:FEW]:
            self._foreign.seen(host, row, False)

    def changes(self, host: Host, changed: Sequence[Row], removed: Sequence[RowKey]) -> None:
        """Report what these changes mean."""
        moved = []
        for row in changed:
            before = self._rows.get(row.key)
            if before is not None and before.domain is row.domain and before.operation == row.operation:
                continue  # Nearly always: only the job's numbers changed.
            moved.append((before, row))
            if not row.domain.paused_by:
                self._left.discard(row.key)
            if row.key not in self._reported:
                self._foreign.attend(host, row, True)
        gone = [before for key in removed if (before := self._rows.get(key)) is not None]
        if len(moved) + len(gone) > FEW:
            self._count(host, moved, gone)
            return
        for before, row in moved:
            for words in news.states(before, row):
                self._log.say(row.domain.name, words, Tone.QUIET)
            self._report_jobs(host, before, row)
        for row in gone:
            self._log.say(row.domain.name, "was undefined", Tone.QUIET)

    def ended(self, wait: JobWait) -> None:
        """A wait is over."""
        name = wait.name
        if wait.outcome is not None:
            row = self._rows.get(wait.key)
            if row is not None and row.operation == wait.operation:
                self._reported.add(wait.key)
            self._log.tell(wait.outcome)
            if wait.outcome.left_paused:
                self._left.add(wait.key)
                self._log.say(name, f"left paused by its dump; {self._resume_key} resumes it", Tone.WARNING)
        elif isinstance(wait, ForeignWait) and isinstance(wait.error, (NoJob, DomainNotRunning, NoSuchDomain)):
            self._log.say(name, UNKNOWN_END, Tone.QUIET)
        elif wait.error is not None:
            what = "dump not started" if wait.ours and wait.record is None else "wait failed"
            self._log.say(name, f"{what}: {wait.error.message}", Tone.WARNING)

    def left_paused(self, row: Row) -> None:
        """The domain is paused by a job that is no longer running."""
        if row.key not in self._left:
            self._left.add(row.key)
            self._log.say(row.domain.name, states.left_paused(row.domain), Tone.WARNING)

    def disks_fail(self, row: Row, errors: Sequence[str]) -> None:
        """These disks pause the domain."""
        self._log.say(row.domain.name, f"{states.label(row.domain)}: {'; '.join(errors)}", Tone.WARNING)

    def forget(self, keys: Collection[RowKey]) -> None:
        """These domains are gone, as is what was reported of them."""
        self._reported.difference_update(keys)
        self._left.difference_update(keys)
        self._foreign.forget(keys)

    def _report_jobs(self, host: Host, before: Row | None, row: Row) -> None:
        was, now = news.jobs(before, row, host.watched)
        if was is not None and row.key in self._reported:
            self._reported.discard(row.key)  # The end of its wait reported how that job ended.
            was = None
        if row.key in self._waits:
            return
        if was is JobOperation.DUMP and before is not None:
            self._foreign.gone(host, before)
        elif was is not None:
            self._log.say(row.domain.name, f"{was.label} finished", Tone.QUIET)
        if now is JobOperation.DUMP:
            self._look_for_pending(host)
            self._foreign.seen(host, row, True)
        elif now is not None:
            self._log.say(row.domain.name, f"{now.label} started", Tone.QUIET)

    def _count(self, host: Host, moved: Sequence[tuple[Row | None, Row]], gone: Sequence[Row]) -> None:
        jobs = sum((before.operation if before else None) != row.operation for before, row in moved)
        if jobs:
            self._log.count(host.name, jobs, "job started or finished", "jobs started or finished")
        states = sum(bool(news.states(before, row)) for before, row in moved) + len(gone)
        if states:
            self._log.count(host.name, states, "domain changed state", "domains changed state")
        self._reported.difference_update(row.key for _, row in moved)
        if any(row.operation is JobOperation.DUMP for _, row in moved):
            self._look_for_pending(host)
