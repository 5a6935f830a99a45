"""The rows of the domain table, one for each domain of each host, and how they sort."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from backend.model import AutomaticDump, Domain, Operation
from backend.observing.progress import Progress
from backend.observing.watcher import DomainView

RowKey = tuple[str, str]
"""A host's URI, and a domain's uuid there."""
Natural = tuple[tuple[int, int, str], ...]
"""A name as it sorts among others."""
SortValue = Callable[["Row"], Any]
"""A sort key of a row; None sorts last in both directions."""


@dataclass(frozen=True, slots=True)
class Row:
    """One domain of one host, as shown."""

    uri: str
    view: DomainView
    host: str
    """The alias of the host, or else its URI."""
    left_paused: bool = False
    """Paused by a job that is no longer running; it stays paused until someone resumes it."""
    since: float | None = None
    """When it was seen to get into its state (seconds since the epoch); None: nobody saw that."""
    io_errors: tuple[str, ...] = ()
    """What does not work of its disks, where that pauses it."""
    automatic_dump: AutomaticDump | None = None
    """Its dump, where the hypervisor itself is known to have begun it."""
    pending: str = ""
    """``queued`` or ``starting`` while a dump that this user requested has no job yet."""
    stale: bool = False
    """Last known state: its host is unreachable."""
    other_end: str = ""
    """The host at the other end of its migration, if known."""

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
    def operation(self) -> Operation | None:
        """That of its job, if it has one."""
        return self.view.progress.stats.operation if self.view.progress is not None else None

    @property
    def maybe_left_paused(self) -> bool:
        """Whether it looks left paused: for a moment, so does one whose job begins or ends."""
        return self.progress is None and bool(self.domain.paused_by)

    @property
    def troubled(self) -> bool:
        """Whether somebody should see to it."""
        return self.left_paused or not self.domain.answering or self.domain.faulty


@lru_cache(maxsize=1 << 16)
def natural(name: str) -> Natural:
    """`name` as a key that sorts ``web-2`` before ``web-10``."""
    # \d would take digits of other scripts that int() reads, and superscripts that it does not.
    parts = re.split("([0-9]+)", name.casefold())
    return tuple((0, int(part), "") if part[:1] in "0123456789" and part else (1, 0, part) for part in parts)


def by_name(row: Row) -> tuple[Natural, str]:
    return natural(row.domain.name), row.host


def busy_first(row: Row) -> tuple[int, Natural, str]:
    """Problems first, then jobs, then running domains, then the others; by name in each group."""
    if row.troubled:
        rank = 0
    elif row.progress is not None or row.pending:
        rank = 1
    else:
        rank = 2 if row.domain.active else 3
    return rank, natural(row.domain.name), row.host


class RowStore(Mapping[RowKey, Row]):
    """All rows by key."""

    def __init__(self) -> None:
        self.jobs = 0
        """The number of domains that have a job."""
        self._rows: dict[RowKey, Row] = {}
        self._by_host: dict[str, dict[RowKey, Row]] = {}

    def __getitem__(self, key: RowKey) -> Row:
        return self._rows[key]

    def __iter__(self) -> Iterator[RowKey]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)

    def of_host(self, uri: str) -> list[Row]:
        return list(self._by_host.get(uri, {}).values())

    def counts(self) -> dict[str, tuple[int, int]]:
        """The numbers of domains and of jobs on each host, by URI."""
        return {
            uri: (len(rows), sum(row.progress is not None for row in rows.values()))
            for uri, rows in self._by_host.items()
        }

    def apply(self, changed: Iterable[Row], removed: Iterable[RowKey] = ()) -> None:
        """Replace or add the changed rows, and remove others."""
        for key in removed:
            row = self._rows.pop(key, None)
            if row is not None:
                del self._by_host[row.uri][key]
                self.jobs -= row.progress is not None
        for row in changed:
            key = row.key
            before = self._rows.get(key)
            self._rows[key] = row
            self._by_host.setdefault(row.uri, {})[key] = row
            self.jobs += (row.progress is not None) - (before is not None and before.progress is not None)
