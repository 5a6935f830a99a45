"""The rows of the domain table: one for each domain of each host, and one for each job of a disk, and how they sort."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

from backend.dump_request import AutomaticDump
from backend.model import DiskKey, Domain, JobKey, Operation
from backend.observing.progress import Progress
from backend.observing.views import DomainView

Natural = tuple[tuple[int, int, str], ...]
"""A name as it sorts among others."""
SortValue = Callable[["Row"], Any]
"""A sort key of a row; None sorts last in both directions."""


class RowKey(NamedTuple):
    """What identifies a row."""

    uri: str
    """That of the host."""
    uuid: str
    """That of the domain."""
    disk: str = ""
    """The disk, of a row that shows the job of one."""

    @property
    def of_domain(self) -> RowKey:
        """The key of the row of the same domain."""
        return self._replace(disk="") if self.disk else self


@dataclass(frozen=True, slots=True)
class Row:
    """One domain of one host, or the job of one of its disks, as shown."""

    uri: str
    view: DomainView
    """Of a disk's job, its domain with that job alone."""
    host: str
    """What the host is called."""
    badges: tuple[str, ...] = ()
    """What has to be known of the host."""
    disk: str = ""
    """The disk whose job it shows; empty: it shows the domain."""
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
        return RowKey(self.uri, self.view.domain.key.uuid, self.disk)

    @property
    def domain(self) -> Domain:
        return self.view.domain

    @property
    def name(self) -> str:
        """That of the domain, and of the disk: ``db-01``, ``db-01 vda``."""
        return f"{self.domain.name} {self.disk}" if self.disk else self.domain.name

    @property
    def job_key(self) -> JobKey:
        """What identifies its job for the hypervisor."""
        return self.disk_key if self.disk else self.domain.key

    @property
    def disk_key(self) -> DiskKey:
        """The same of the job of a disk."""
        return DiskKey(self.domain.key, self.disk)

    @property
    def progress(self) -> Progress | None:
        return self.view.progress

    @property
    def operation(self) -> Operation | None:
        """That of its job, if it has one."""
        return self.view.progress.stats.operation if self.view.progress is not None else None

    @property
    def ready(self) -> bool:
        """Whether it is the job of a disk that mirrors, and waits for a pivot or an abort."""
        return self.view.progress is not None and self.view.progress.stats.ready is True

    @property
    def first_job(self) -> Progress | None:
        """Its own job, or else that of its first disk that has one."""
        return self.view.progress or next(iter(self.view.block_jobs), None)

    @property
    def needs_help(self) -> bool:
        """Whether its migration will not end unless somebody helps."""
        convergence = self.view.progress.convergence if self.view.progress is not None else None
        return convergence is not None and convergence.needs_help

    @property
    def maybe_left_paused(self) -> bool:
        """Whether it looks left paused: for a moment, so does one whose job begins or ends."""
        return self.progress is None and self.view.job_known and self.domain.answering and bool(self.domain.paused_by)

    @property
    def last_known(self) -> bool:
        """Whether all that it shows was known last: its host, or the hypervisor for this domain, does not answer."""
        return self.stale or not self.domain.answering

    @property
    def busy(self) -> bool:
        """Whether it has a job, of its own or of a disk, or is about to have one."""
        return self.first_job is not None or bool(self.pending)

    @property
    def troubled(self) -> bool:
        """Whether somebody should see to it."""
        return self.left_paused or self.needs_help or not self.domain.answering or self.domain.faulty


def block_jobs(row: Row) -> Iterator[Row]:
    """A row for each of the jobs of the domain's disks."""
    for job in row.view.block_jobs:
        view = replace(row.view, progress=job, block_jobs=())
        yield Row(row.uri, view, row.host, row.badges, disk=job.stats.disk or "", stale=row.stale)


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
    elif row.busy:
        rank = 1
    else:
        rank = 2 if row.domain.active else 3
    return rank, natural(row.domain.name), row.host


class RowStore(Mapping[RowKey, Row]):
    """All rows by key."""

    def __init__(self) -> None:
        self.domains = 0
        """The number of domains."""
        self.jobs = 0
        """The number of jobs."""
        self.problems = 0
        """The number of domains that somebody should see to."""
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
            uri: (sum(not key.disk for key in rows), sum(row.progress is not None for row in rows.values()))
            for uri, rows in self._by_host.items()
        }

    def apply(self, changed: Iterable[Row], removed: Iterable[RowKey] = ()) -> None:
        """Replace or add the changed rows, and remove others."""
        for key in removed:
            row = self._rows.pop(key, None)
            if row is not None:
                del self._by_host[row.uri][key]
                self.domains -= not row.disk
                self.jobs -= row.progress is not None
                self.problems -= row.troubled and not row.disk
        for row in changed:
            key = row.key
            before = self._rows.get(key)
            self._rows[key] = row
            self._by_host.setdefault(row.uri, {})[key] = row
            self.domains += before is None and not row.disk
            self.jobs += (row.progress is not None) - (before is not None and before.progress is not None)
            if not row.disk:
                self.problems += row.troubled - (before is not None and before.troubled)
