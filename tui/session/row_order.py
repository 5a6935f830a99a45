"""Which rows are shown, and in what order."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from typing import Any

from backend.observing.progress import Progress
from tui.session.row_kinds import Kinds
from tui.session.rows import Row, RowKey, RowStore, SortValue, block_jobs, busy_first, by_name
from tui.session.text_filter import TextFilter
from tui.words import jobs, states

FEW = 200
"""Rows that move at one time for which places are searched one by one."""


class Filter(TextFilter):
    """Which rows match."""

    def matches(self, row: Row) -> bool:
        """Whether it is shown; a domain also is where the job of one of its disks is, which stands below it."""
        if not self:
            return True
        return self._matches(row) or (bool(row.view.block_jobs) and any(map(self._matches, block_jobs(row))))

    def _matches(self, row: Row) -> bool:
        job = _job(row.progress) if row.progress is not None else row.pending
        state = f"{states.label(row.domain)} {states.brief(row.domain)}"
        return self.matches_text(f"{row.domain.name} {state} {row.disk} {job} {row.host}".casefold())


def _job(progress: Progress) -> str:
    return jobs.kind(progress.stats) + (" ready" if progress.stats.ready else "")


class RowOrder:
    """The keys of the rows that the filter lets through: domains, sorted, and below each the jobs of its disks."""

    def __init__(self, rows: RowStore) -> None:
        self.keys: list[RowKey] = []
        self.filter = Filter()
        self.kinds = Kinds()
        self._rows = rows
        self._values: dict[RowKey, Any] = {}
        """What each *shown* domain is sorted by."""
        self._domains: list[RowKey] = []
        """Those of the domains."""
        self._jobs: dict[RowKey, list[RowKey]] = {}
        """Those of the jobs of disks, by that of their domain."""
        self._value: SortValue = busy_first
        self._descending = False

    def shows(self, key: RowKey) -> bool:
        """Whether that row is shown."""
        return key in self._jobs.get(key.of_domain, ()) if key.disk else key in self._values

    def apply(self, changed: Iterable[Row], removed: Iterable[RowKey] = ()) -> bool:
        """Follow changes that the store took in; whether the order is different now.

        The rows of disks' jobs come and go with what the row of their domain has.
        """
        moved = {key for key in removed if self._hide(key)}
        regrouped = False
        for row in changed:
            if row.disk:
                continue
            key = row.key
            if self._place(key, self._value(row)) if self._lets_through(row) else self._hide(key):
                moved.add(key)
            if key in self._values and (row.view.block_jobs or key in self._jobs):
                regrouped |= self._group(row)
        if len(moved) < FEW and self._value is busy_first and not self._descending:
            self._move(moved)
        elif moved:
            self._sort()
        if moved or regrouped:
            self._expand()
        return bool(moved) or regrouped

    def filter_by(self, text: str) -> None:
        self.filter = Filter(text)
        self._show_all()

    def show_only(self, kinds: Kinds) -> None:
        self.kinds = kinds
        self._show_all()

    def _lets_through(self, row: Row) -> bool:
        """Whether the domain of that row is shown."""
        return self.kinds.match(row) and self.filter.matches(row)

    def sort_by(self, value: SortValue, descending: bool = False) -> None:
        self._value, self._descending = value, descending
        self._show_all()

    def _show_all(self) -> None:
        shown = [row for row in self._rows.values() if not row.disk and self._lets_through(row)]
        self._values = {row.key: self._value(row) for row in shown}
        self._jobs = {}
        for row in shown:
            if row.view.block_jobs:
                self._group(row)
        self._sort()
        self._expand()

    def _hide(self, key: RowKey) -> bool:
        self._jobs.pop(key, None)
        return self._values.pop(key, _NOWHERE) is not _NOWHERE

    def _place(self, key: RowKey, value: Any) -> bool:
        if key in self._values and self._values[key] == value:
            return False
        self._values[key] = value
        return True

    def _group(self, row: Row) -> bool:
        """Put the jobs of the domain's disks below it; whether they are others than before."""
        before = self._jobs.pop(row.key, [])
        shown = [job.key for job in block_jobs(row) if self.filter.matches(job)]
        if shown:
            self._jobs[row.key] = shown
        return shown != before

    def _move(self, moved: set[RowKey]) -> None:
        """Move a few domains to their new places: sorting 10,000 again takes ten times as long."""
        if moved:
            values = self._values
            self._domains = [key for key in self._domains if key not in moved]
            for key in moved & values.keys():
                insort(self._domains, key, key=values.__getitem__)

    def _sort(self) -> None:
        values = self._values
        # Sorting a list that is nearly sorted already is cheap.
        ordered = [key for key in self._domains if key in values]
        if len(ordered) != len(values):
            placed = set(ordered)
            ordered.extend(key for key in values if key not in placed)
        valued = [key for key in ordered if values[key] is not None]
        valued.sort(key=values.__getitem__, reverse=self._descending)
        if len(valued) != len(ordered):
            empty = [key for key in ordered if values[key] is None]
            empty.sort(key=lambda key: by_name(self._rows[key]))
            valued += empty
        self._domains = valued

    def _expand(self) -> None:
        """Put the domains and the jobs of their disks together."""
        jobs = self._jobs
        if not jobs:
            self.keys = self._domains
            return
        self.keys = []
        for key in self._domains:
            self.keys.append(key)
            if key in jobs:
                self.keys += jobs[key]


_NOWHERE = object()
