"""The rows of the domain table: which are shown, and in what order. No widget in here."""

from __future__ import annotations

import re
from bisect import insort
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from backend.model import Domain
from backend.observing.progress import Progress
from backend.observing.watcher import DomainView

FEW = 200
"""Rows that move at one time whose places are looked for one by one."""
RowKey = tuple[str, str]
"""A host's URI, and a domain's uuid there."""
Natural = tuple[tuple[int, int, str], ...]
"""A name as it sorts among others."""
SortValue = Callable[["Row"], Any]
"""What a row is sorted by; None sorts last, whatever the direction."""


@dataclass(frozen=True, slots=True)
class Row:
    """One domain of one host, as it is shown."""

    uri: str
    view: DomainView
    host: str
    """The alias of the host, or else its URI."""
    left_paused: bool = False
    """Paused by a dump that has no job any more: nothing will resume it by itself."""
    pending: str = ""
    """``queued`` or ``starting`` while a dump that this user asked for has no job yet."""
    stale: bool = False
    """As it was last seen: there is no connection to its hypervisor."""
    other_end: str = ""
    """The host at the other end of its migration, where that is known."""

    @property
    def key(self) -> RowKey:
        return self.uri, self.view.domain.key.uuid

    @property
    def domain(self) -> Domain:
        return self.view.domain

    @property
    def progress(self) -> Progress | None:
        return self.view.progress

    @property
    def maybe_left_paused(self) -> bool:
        """Whether it looks so just now: a dump that begins or ends looks the same for a moment."""
        return self.progress is None and self.domain.paused_by_dump


@lru_cache(maxsize=1 << 16)
def natural(name: str) -> Natural:
    """`name` as a key that sorts ``web-2`` before ``web-10``."""
    # \d would take digits of other scripts that int() reads, and superscripts that it does not.
    parts = re.split("([0-9]+)", name.casefold())
    return tuple((0, int(part), "") if part[:1] in "0123456789" and part else (1, 0, part) for part in parts)


def by_name(row: Row) -> tuple[Natural, str]:
    return natural(row.domain.name), row.host


def busy_first(row: Row) -> tuple[int, Natural, str]:
    """What needs an eye first: left paused, then jobs, then running domains, then the others; by name in each."""
    if row.left_paused or not row.domain.answering:
        rank = 0
    elif row.progress is not None or row.pending:
        rank = 1
    else:
        rank = 2 if row.domain.active else 3
    return rank, natural(row.domain.name), row.host


class Filter:
    """The words of a filter: a row matches if it has them all; with a leading ``!``, if it does not."""

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
        text = f"{row.domain.name} {row.domain.state.label} {job} {row.host}".casefold()
        return all(word in text for word in self._words) != self._inverted


class Rows:
    """All rows, and the keys of those that are shown, in order."""

    def __init__(self) -> None:
        self.order: list[RowKey] = []
        self.filter = Filter()
        self.busy = 0
        """How many domains have a job, shown or not."""
        self._rows: dict[RowKey, Row] = {}
        self._values: dict[RowKey, Any] = {}
        """What each *shown* row is sorted by."""
        self._value: SortValue = busy_first
        self._descending = False

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, key: RowKey) -> Row | None:
        return self._rows.get(key)

    def __getitem__(self, key: RowKey) -> Row:
        return self._rows[key]

    @property
    def shown(self) -> Set[RowKey]:
        """The keys in `order`, for asking whether one is there."""
        return self._values.keys()

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows.values())

    def of_host(self, uri: str) -> list[RowKey]:
        return [key for key in self._rows if key[0] == uri]

    def counts(self) -> dict[str, tuple[int, int]]:
        """How many domains, and how many jobs, there are on each host; by URI."""
        domains, jobs = Counter[str](), Counter[str]()
        for (uri, _), row in self._rows.items():
            domains[uri] += 1
            jobs[uri] += row.progress is not None
        return {uri: (number, jobs[uri]) for uri, number in domains.items()}

    def apply(self, changed: Iterable[Row], removed: Iterable[RowKey] = ()) -> bool:
        """Take changes in; whether the order of what is shown is another one now."""
        moved: set[RowKey] = set()
        for key in removed:
            gone = self._rows.pop(key, None)
            if gone is not None:
                self.busy -= gone.progress is not None
                if self._hide(key):
                    moved.add(key)
        for row in changed:
            key = row.key
            known = self._rows.get(key)
            self._rows[key] = row
            self.busy += (row.progress is not None) - (known is not None and known.progress is not None)
            shown = self.filter.matches(row)
            if self._place(key, self._value(row)) if shown else self._hide(key):
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
        if key not in self._values:
            return False
        del self._values[key]
        return True

    def _place(self, key: RowKey, value: Any) -> bool:
        if key in self._values and self._values[key] == value:
            return False
        self._values[key] = value
        return True

    def _move(self, moved: set[RowKey]) -> None:
        """Put a few rows to their new places: to sort 10,000 anew takes ten times as long."""
        if moved:
            values = self._values
            self.order = [key for key in self.order if key not in moved]
            for key in moved & values.keys():
                insort(self.order, key, key=values.__getitem__)

    def _sort(self) -> None:
        values = self._values
        # The old order is nearly the new one, and sorting what is nearly sorted is cheap.
        known = [key for key in self.order if key in values]
        if len(known) != len(values):
            placed = set(known)
            known.extend(key for key in values if key not in placed)
        valued = [key for key in known if values[key] is not None]
        valued.sort(key=values.__getitem__, reverse=self._descending)
        if len(valued) != len(known):
            empty = [key for key in known if values[key] is None]
            empty.sort(key=lambda key: by_name(self._rows[key]))
            valued += empty
        self.order = valued
