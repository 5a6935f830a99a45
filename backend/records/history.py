"""The history: jobs of every kind, by anyone, as observers on this machine saw them.

Every user has one of their own; the host's is written by its witness alone. Unlike the journal, which has the results
of this user's own calls, it holds what somebody concluded from what was seen.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Self, TypeVar

from backend.model import BlockOperation, Operation
from backend.outcome import Verdict
from backend.records import entry_fields, process, table
from backend.records.database import Database
from backend.records.entry import EntryState, JobEntry, combined, is_same_job
from backend.records.folder import state_folder
from backend.records.host import host_file, host_folder
from backend.records.journal import own_name
from backend.text import clean

_COLUMNS = table.names(entry_fields.COLUMNS)
_UPSERT = table.upsert("jobs", entry_fields.COLUMNS, {"change": "(SELECT COALESCE(MAX(change), 0) + 1 FROM jobs)"})
# What each version of the schema added to the one before it.
_STEPS = (
    "CREATE TABLE jobs (id, uri, uuid, domain, domain_id, operation, disk, began, exact, observer, requester, record, "
    "machine, boot, began_uptime, pid, pid_start, path, format, ended, ended_uptime, verdict, evidence, detail, error, "
    "bytes, time_elapsed, left_paused, downtime, namespace, change INTEGER, PRIMARY KEY (id))",
    "CREATE INDEX by_domain ON jobs (uuid)",
    "CREATE INDEX by_change ON jobs (change)",
    "CREATE INDEX open ON jobs (ended) WHERE ended IS NULL",
)
KEEP_NEWEST = 1000
"""Jobs that are kept however old they are."""
KEEP_DAYS = 90
"""Days for which others are kept."""
KEEP_MOST = 50_000
"""Jobs that are kept at the most, however new they are: some 30 MB."""
_PRUNE_EVERY = 100
"""Entries that are kept between two prunings."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Query:
    """Which jobs of a history."""

    name: str | None = None
    """Of the domain that was ever called that, or has that uuid, under all of its names."""
    uris: Sequence[str] = ()
    since: float | None = None
    """Those that were still running then, or began later; seconds since the epoch."""
    failed: bool = False
    """Only those that failed, or of which nobody knows how they ended."""
    operation: Operation | None = None
    limit: int = 1000

    def names(self, domain: str, uuid: str) -> bool:
        """Whether it is about the domain, by what that is called now."""
        name = self.name
        return name is None or name in (domain, clean(domain)) or name.lower() == uuid


class History:
    """All methods raise JournalError where the file cannot be used. Any thread may call."""

    def __init__(self, path: Path | None = None) -> None:
        """`path`: that of a history other than this user's own."""
        self._path = path
        self._kept = 0

    @classmethod
    def of_host(cls) -> Self:
        """The host's, for its witness, which has claimed the folder: nobody else writes there.

        It has no write-ahead log, since its readers could not use that.
        """
        history = cls()
        history._file = Database(
            _host_path(), _STEPS, what="the host's history", advice="see its folder", create=host_file, shared_log=False
        )
        return history

    @property
    def path(self) -> Path:
        return self._file.path

    @cached_property
    def _file(self) -> Database:
        path = state_folder() / own_name("history") if self._path is None else self._path
        return Database(
            path, _STEPS, what="the history", advice="XDG_STATE_HOME may name another folder", durable=False
        )

    def keep(self, entry: JobEntry) -> JobEntry:
        """Keep what an observer knows of a job; what is known of it now, others' observations of it included.

        Its identity is then that of the first one.
        """

        def work(db: sqlite3.Connection) -> JobEntry:
            db.execute("BEGIN IMMEDIATE")  # Another observer of the job must not look at the same time.
            known = _known(db, entry)
            kept = entry if known is None else _taken_over(combined(known, entry), entry)
            if kept != known:
                _write(db, kept)
            if self._kept % _PRUNE_EVERY == 0:
                _prune(db, time.time())
            return kept

        kept = self._file.use(work)
        self._kept += 1
        return kept

    def jobs(self, query: Query = Query()) -> list[JobEntry]:
        """Those that the query is about, the one that began last first."""
        return self._file.use(lambda db: _find(db, query))

    def open(self) -> list[JobEntry]:
        """Those of which no end is known, oldest first."""
        return self._file.use(lambda db: _select(db, "WHERE ended IS NULL ORDER BY rowid"))

    def changes(self, after: int) -> tuple[list[JobEntry], int]:
        """The jobs that began or ended after the change `after`, in the order of these changes, and the latest change;
        negative: none of them, only that number."""
        return self._file.use(lambda db: _changes(db, after))


class HostHistory:
    """The host's history, to be read. Only its owner, root, can have written it, or it is not believed."""

    def __init__(self) -> None:
        self._file = Database(_host_path(), _STEPS, what="the host's history", advice="is this user in group libvirt?")

    @property
    def path(self) -> Path:
        return self._file.path

    def jobs(self, query: Query = Query()) -> list[JobEntry]:
        """As History.jobs; none without a history. JournalError where there is one that cannot be read or trusted."""
        return self._read(lambda db: _find(db, query), [])

    def changes(self, after: int) -> tuple[list[JobEntry], int]:
        """As History.changes."""
        nothing: tuple[list[JobEntry], int] = [], 0
        return self._read(lambda db: _changes(db, after), nothing)

    def count(self) -> int:
        """How many jobs there are; 0 without a history. JournalError as `jobs`."""
        return self._read(lambda db: int(db.execute("SELECT COUNT(*) FROM jobs").fetchone()[0]), 0)

    def _read(self, work: Callable[[sqlite3.Connection], T], nothing: T) -> T:
        try:
            return self._file.read(work, check=_check_owner)
        except FileNotFoundError:
            return nothing


def _host_path() -> Path:
    return host_folder() / "history.db"


def _check_owner(path: Path) -> None:
    """Refuse what somebody other than root, or this user, may have written (OSError)."""
    for place in (path, path.parent):
        status = os.lstat(place)
        if status.st_uid not in (0, os.geteuid()) or status.st_mode & 0o022 or stat.S_ISLNK(status.st_mode):
            raise PermissionError(0, f"others than root may have written it (see the rights of {place})")


def _find(db: sqlite3.Connection, query: Query) -> list[JobEntry]:
    conditions, values = table.conditions("jobs", name=query.name, uris=query.uris)
    if query.since is not None:
        conditions.append("(ended IS NULL OR ended >= ?)")
        values.append(query.since)
    if query.failed:
        conditions.append("verdict IN (?, ?)")
        values += [str(Verdict.FAILED), str(Verdict.UNPROVEN)]
    if query.operation is not None:
        conditions.append("operation = ?")
        values.append(entry_fields.plain(query.operation))
    return _select(db, f"WHERE {' AND '.join(conditions)} ORDER BY rowid DESC LIMIT ?", *values, query.limit)


def _changes(db: sqlite3.Connection, after: int) -> tuple[list[JobEntry], int]:
    (latest,) = db.execute("SELECT COALESCE(MAX(change), 0) FROM jobs").fetchone()
    return ([] if after < 0 else _select(db, "WHERE change > ? ORDER BY change", after)), int(latest)


def _known(db: sqlite3.Connection, entry: JobEntry) -> JobEntry | None:
    """The entry that there is of the same job."""
    known = next(iter(_select(db, "WHERE id = ?", entry.id)), None)
    if known is not None:
        return known
    of_run = _select(db, "WHERE uuid = ? AND domain_id IS ? ORDER BY rowid DESC LIMIT 20", entry.uuid, entry.domain_id)
    return next((other for other in of_run if is_same_job(entry, other) and not _is_left(other, entry)), None)


def _taken_over(kept: JobEntry, entry: JobEntry) -> JobEntry:
    """What is kept of a job that goes on, with the entry's observer if its own is gone."""
    if kept.over or process.observer_alive(kept) is not False:
        return kept
    return replace(
        kept,
        observer=entry.observer,
        pid=entry.pid,
        pid_start=entry.pid_start,
        namespace=entry.namespace,
        machine=entry.machine,
    )


def _is_left(known: JobEntry, entry: JobEntry) -> bool:
    """Whether the known one has lost its observer, so that the entry may be of the job after it: that of a disk does
    not tell when it began."""
    if known.over or not isinstance(known.operation, BlockOperation) or known.pid_start == entry.pid_start:
        return False
    return process.entry_state(known) is EntryState.UNSEEN


def _write(db: sqlite3.Connection, entry: JobEntry) -> None:
    db.execute(_UPSERT, entry_fields.to_row(entry))


def _select(db: sqlite3.Connection, where: str, *values: object) -> list[JobEntry]:
    rows = db.execute(f"SELECT {_COLUMNS} FROM jobs {where}", values).fetchall()
    return table.intact(rows, entry_fields.from_row, "jobs", "the history")


def _prune(db: sqlite3.Connection, now: float) -> None:
    newest = "(SELECT rowid FROM jobs ORDER BY rowid DESC LIMIT 1 OFFSET ?)"
    db.execute(f"DELETE FROM jobs WHERE ended < ? AND rowid < {newest}", (now - KEEP_DAYS * 86400, KEEP_NEWEST - 1))
    db.execute(f"DELETE FROM jobs WHERE ended IS NOT NULL AND rowid < {newest}", (KEEP_MOST - 1,))
