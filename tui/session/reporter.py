"""Reports in the activity what happens to domains, and what waits have seen; JobNews tells what jobs do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from backend.model import JobOperation, Operation
from tui.session import news
from tui.session.activity_log import ActivityLog, Tone
from tui.session.host import Host
from tui.session.job_news import FEW, JobNews
from tui.session.job_wait import JobWait
from tui.session.rows import Row, RowKey, RowStore
from tui.words import states
from tui.words.job_names import job_name
from tui.words.jobs import READY


class Reporter:
    """Sees each change before the rows have it.

    `look_for_pending` is called when a dump started that may be one of this user's. `resume_key` is named in hints.
    """

    def __init__(
        self,
        log: ActivityLog,
        rows: RowStore,
        jobs: JobNews,
        look_for_pending: Callable[[Host], None],
        resume_key: str,
    ) -> None:
        self._log = log
        self._rows = rows
        self._jobs = jobs
        self._look_for_pending = look_for_pending
        self._resume_key = resume_key
        self._left: set[RowKey] = set()
        """Domains that were reported as left paused, and still are."""

    def changes(self, host: Host, changed: Sequence[Row], removed: Sequence[RowKey]) -> None:
        """Report what these changes mean."""
        moved, look = [], False
        for row in changed:
            before = self._rows.get(row.key)
            if before is not None and before.domain is row.domain and _kind(before) == _kind(row):
                continue  # Nearly always: only the job's numbers changed.
            moved.append((before, row))
            if not row.domain.paused_by:
                self._left.discard(row.key)
            look = look or news.started(before, row, host.watched) is JobOperation.DUMP
        if look:
            self._look_for_pending(host)
        gone = [before for key in removed if (before := self._rows.get(key)) is not None and not before.disk]
        if len(moved) + len(gone) > FEW:
            self._count(host, moved, gone)
            return
        for before, row in moved:
            tone = Tone.QUIET if row.domain.answering else Tone.WARNING
            for words in news.states(before, row):
                self._log.say(row.domain.name, words, tone)
            if news.became_ready(before, row, host.watched) and row.operation is not None:
                self._log.say(row.domain.name, f"{job_name(row.operation, row.disk)} is {READY}")
        for row in gone:
            self._log.say(row.domain.name, "was undefined", Tone.QUIET)

    def ended(self, wait: JobWait) -> None:
        """A wait is over."""
        name = wait.name
        if wait.outcome is not None:
            if self._jobs.tells_end_of(wait):
                self._jobs.tell()
            else:
                self._log.tell(wait.outcome, own=True)
                self._jobs.told_by(wait)
            if wait.outcome.left_paused:
                self._left.add(wait.key)
                self._log.say(name, f"left paused by its dump; {self._resume_key} resumes it", Tone.WARNING)
        elif wait.error is not None:
            what = "dump not started" if wait.ours and wait.record is None else "wait failed"
            self._log.say(name, f"{what}: {wait.error.message}", Tone.WARNING, keep=True)

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
        self._left.difference_update(keys)

    def _count(self, host: Host, moved: Sequence[tuple[Row | None, Row]], gone: Sequence[Row]) -> None:
        ready = sum(news.became_ready(before, row, host.watched) for before, row in moved)
        if ready:
            self._log.count(host.name, ready, "block job became ready", "block jobs became ready")
        states = sum(bool(news.states(before, row)) for before, row in moved) + len(gone)
        if states:
            self._log.count(host.name, states, "domain changed state", "domains changed state")


def _kind(row: Row) -> tuple[Operation | None, bool]:
    """What is worth reporting of its job, if that changes."""
    return row.operation, row.ready
