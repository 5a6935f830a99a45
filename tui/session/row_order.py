"""Which rows are shown, and in what order."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable, Set
from typing import Any

from tui.session.rows import Row, RowKey, RowStore, SortValue, busy_first, by_name
from tui.words import states

FEW = 200
"""Rows that move at one time for which places are searched one by one."""


class Filter:
    """Words: a row matches if it contains all of them; after a leading ``!``, if it does not."""

    def __init__(self, text: str = "") -> None:
        self.text = text.strip()
        self._inverted = self.text.startswith("!")
        self._words = self.text.removeprefix("!").casefold().split()

    def __bool__(self) -> bool:
        return bool(self._words)

    def matches(self, row: Row) -> bool:
        if not self._words:
            return True
        job = row.progress.stats.operation.label if row.progress else row.pending
        text = f"{row.domain.name} {states.label(row.domain)} {job} {row.host}".casefold()
        return all(word in text for word in self._words) != self._inverted


class RowOrder:
    """The keys of the rows that the filter lets through, sorted."""

    def __init__(self, rows: RowStore) -> None:
        self.keys: list[RowKey] = []
        self.filter = Filter()
        self._rows = rows
        self._values: dict[RowKey, Any] = {}
        """What each *shown* row is sorted by."""
        self._value: SortValue = busy_first
        self._descending = False

    @property
    def shown(self) -> Set[RowKey]:
        """The keys as a set."""
        return self._values.keys()

    def apply(self, changed: Iterable[Row], removed: Iterable[RowKey] = ()) -> bool:
        """Follow changes that the store took in; whether the order is different now."""
        moved = {key for key in removed if self._hide(key)}
        for row in changed:
            key = row.key
            if self._place(key, self._value(row)) if self.filter.matches(row) else self._hide(key):
                moved.add(key)
        if len(moved) < FEW and self._value is busy_first and not self._descending:
            self._move(moved)
        elif moved:
            self._sort()
        return bool(moved)

    def filter_by(self, text: str) -> None:
        self.filter = Filter(text)
        self._show_all()

    def sort_by(self, value: SortValue, descending: bool = False) -> None:
        self._value, self._descending = value, descending
        self._show_all()

    def _show_all(self) -> None:
        shown = [row for row in self._rows.values() if self.filter.matches(row)]
        self._values = {row.key: self._value(row) for row in shown}
        self._sort()

    def _hide(self, key: RowKey) -> bool:
        return self._values.pop(key, _NOWHERE) is not _NOWHERE

    def _place(self, key: RowKey, value: Any) -> bool:
        if key in self._values and self._values[key] == value:
            return False
        self._values[key] = value
        return True

    def _move(self, moved: set[RowKey]) -> None:
        """Move a few rows to their new places: sorting 10,000 again takes ten times as long."""
        if moved:
            values = self._values
            self.keys = [key for key in self.keys if key not in moved]
            for key in moved & values.keys():
                insort(self.keys, key, key=values.__getitem__)

    def _sort(self) -> None:
        values = self._values
        # Sorting a list that is nearly sorted already is cheap.
        ordered = [key for key in self.keys if key in values]
        if len(ordered) != len(values):
            placed = set(ordered)
            ordered.extend(key for key in values if key not in placed)
        valued = [key for key in ordered if values[key] is not None]
        valued.sort(key=values.__getitem__, reverse=self._descending)
        if len(valued) != len(ordered):
            empty = [key for key in ordered if values[key] is None]
            empty.sort(key=lambda key: by_name(self._rows[key]))
            valued += empty
        self.keys = valued


_NOWHERE = object()
