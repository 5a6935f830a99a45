"""What the activity tells of domains and jobs that change."""

from __future__ import annotations

from collections.abc import Sequence

from backend.model import JobOperation
from tui.commands.commands import Resume
from tui.commands.keys import Keys
from tui.session import news
from tui.session.foreign import ForeignDumps
from tui.session.host import Host
from tui.session.rows import Row, RowKey, Rows
from tui.session.waiting import Waiting
from tui.session.waits import Waits
from tui.widgets.activity import Activity

FEW = 8
"""News at one time that are told one by one."""


class Reporter:
    """Sees each change before it is shown."""

    def __init__(self, activity: Activity, rows: Rows, waits: Waits, foreign: ForeignDumps, keys: Keys) -> None:
        self._activity = activity
        self._rows = rows
        self._waits = waits
        self._foreign = foreign
        self._keys = keys
        self._told: set[RowKey] = set()
        """Domains whose job still shows although its end was told."""
        self._left: set[RowKey] = set()
        """Domains that were told to be left paused, and still are."""

    def first(self, host: Host, rows: Sequence[Row]) -> None:
        """All that a host has, seen for the first time: no news, but dumps of others may end before one's eyes."""
        dumps = [row for row in rows if news.operation(row) is JobOperation.DUMP and row.key not in self._waits]
        for row in dumps[:FEW]:
            self._foreign.seen(host, row, False)

    def changes(self, host: Host, changed: Sequence[Row], removed: Sequence[RowKey]) -> None:
        """Tell what these changes mean."""
        moved = []
        for row in changed:
            before = self._rows.get(row.key)
            if before is not None and before.domain is row.domain and news.operation(before) == news.operation(row):
                continue  # By far the most: only the job's numbers are other ones.
            moved.append((before, row))
            if not row.domain.paused_by_dump:
                self._left.discard(row.key)
        gone = [before for key in removed if (before := self._rows.get(key)) is not None]
        if len(moved) + len(gone) > FEW:
            self._count(host, moved, gone)
            return
        for before, row in moved:
            for words in news.states(before, row):
                self._activity.say(row.domain.name, words, "$foreground-muted")
            self._tell_jobs(host, before, row)
        for row in gone:
            self._activity.say(row.domain.name, "is no more", "$foreground-muted")

    def ended(self, waiting: Waiting) -> None:
        """A wait is over."""
        name = waiting.domain.name
        if waiting.outcome is not None:
            if news.operation(self._rows.get(waiting.key)) == waiting.operation:
                self._told.add(waiting.key)
            self._activity.tell(waiting.outcome)
            if waiting.outcome.left_paused:
                self._left.add(waiting.key)
                self._activity.say(name, f"is left paused by its dump; {self._keys[Resume]} resumes it", "$warning")
        elif waiting.error is not None:
            what = "dump not started" if waiting.ours and waiting.record is None else "not waited for any more"
            self._activity.say(name, f"{what}: {waiting.error.message}", "$warning")

    def left_paused(self, row: Row) -> None:
        """The domain stands paused by a dump that has no job any more."""
        if row.key not in self._left:
            self._left.add(row.key)
            self._activity.say(row.domain.name, "is left paused by a dump that has no job any more", "$warning")

    def _tell_jobs(self, host: Host, before: Row | None, row: Row) -> None:
        was, now = news.jobs(before, row, host.watched)
        if was is not None and row.key in self._told:
            self._told.discard(row.key)  # How that job ended was told when its wait did.
            was = None
        if row.key in self._waits:
            return
        if was is JobOperation.DUMP and before is not None:
            self._foreign.gone(host, before)
        elif was is not None:
            self._activity.say(row.domain.name, f"{was.label} is over", "$foreground-muted")
        if now is JobOperation.DUMP:
            self._waits.look_for_pending(host)
            self._foreign.seen(host, row, True)
        elif now is not None:
            self._activity.say(row.domain.name, f"{now.label} began", "$foreground-muted")

    def _count(self, host: Host, moved: Sequence[tuple[Row | None, Row]], gone: Sequence[Row]) -> None:
        jobs = sum(news.operation(before) != news.operation(row) for before, row in moved)
        if jobs:
            self._activity.count(host.name, jobs, "jobs began or ended")
        states = sum(bool(news.states(before, row)) for before, row in moved) + len(gone)
        if states:
            self._activity.count(host.name, states, "domains changed their state")
        self._told.difference_update(row.key for _, row in moved)
        if any(news.operation(row) is JobOperation.DUMP for _, row in moved):
            self._waits.look_for_pending(host)
