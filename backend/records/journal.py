"""The records of the dumps that this user requested on this machine; the commands that were run are in the same file.

Every machine has a journal of its own, also where several share a home: SQLite's write-ahead log is only for one
machine, and what one of them puts aside another may be writing to.
"""

from __future__ import annotations

import re
import socket
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple, fields
from pathlib import Path
from typing import TypeVar

from backend.errors import JournalError, NotInQueue
from backend.records import codec, old_journal, process, queued_dump, table
from backend.records.codec import InvalidRecord
from backend.records.database import Database
from backend.records.folder import state_folder
from backend.records.machine import machine_id
from backend.records.queued_dump import QueuedDump
from backend.records.record import JobRecord, RecordState

# What each version of the schema added to the one before it.
_STEPS = (
    "CREATE TABLE IF NOT EXISTS records (id PRIMARY KEY, uri, uuid, domain, domain_id, path, format, flags, user, "
    "started, operation, pid, pid_start, state, ended, error, code, bytes)",
    "CREATE INDEX IF NOT EXISTS by_domain ON records (uuid, started)",
    "ALTER TABLE records ADD COLUMN machine",
    "ALTER TABLE records ADD COLUMN namespace",
    "ALTER TABLE records ADD COLUMN started_uptime",
    "ALTER TABLE records ADD COLUMN ended_uptime",
    old_journal.TABLE,
    "CREATE INDEX IF NOT EXISTS by_start ON records (started)",
    "CREATE INDEX IF NOT EXISTS by_name ON records (domain, started)",
    "CREATE INDEX IF NOT EXISTS by_end ON records (state, ended)",
    "DROP INDEX IF EXISTS by_start",
    "CREATE TABLE IF NOT EXISTS commands (id PRIMARY KEY, uri, uuid, domain, domain_id, argv, cwd, user, started, pid, "
    "pid_start, machine, namespace, started_uptime, ended_uptime, state, ended, command_pid, command_start, "
    'exit_status, "signal", error, trouble, jobs, following)',
    queued_dump.TABLE,
)
SCHEMA = len(_STEPS)
KEEP_NEWEST = 1000
"""Records that are kept however old they are."""
KEEP_DAYS = 90
"""Days for which a result is kept however many there are."""
_COLUMNS = [spec.name for spec in fields(JobRecord)]
_UPSERT = table.upsert("records", _COLUMNS)
_PENDING = (RecordState.STARTING, RecordState.RUNNING)
_RESULTS = (RecordState.COMPLETED, RecordState.FAILED, RecordState.CANCELLED)

T = TypeVar("T")


def own_name(what: str = "journal") -> str:
    """The name of this machine's file of that kind."""
    return f"{what}-{machine_id() or re.sub('[^A-Za-z0-9.-]', '_', socket.gethostname())}.db"


class Journal:
    """A SQLite file that any number of processes share. Every call opens it anew, so any thread may call.

    All methods raise JournalError where the file cannot be used. A damaged file is renamed, with the time in its name,
    and a new one is begun, with a JournalWarning that says so.
    """

    def __init__(self, path: Path | None = None) -> None:
        """`path`: that of a journal other than this user's own."""
        folder = state_folder() if path is None else path.parent
        self.path = path or folder / own_name()
        self._old = folder / old_journal.NAME if path is None else None
        self._file = Database(self.path, _STEPS, what="the journal", advice="XDG_STATE_HOME may name another folder")

    def write(self, record: JobRecord, queued: QueuedDump | None = None) -> None:
        """Keep `record`, in place of its earlier state. A new one takes the place of results that have had their time.

        Nothing without a result goes: its job may be running, and nobody has seen its end. `queued`: what it was in the
        queue, which it leaves in the same moment. NotInQueue, and nothing is kept, if it is not there any more.
        """
        try:
            codec.from_values(asdict(record))
        except InvalidRecord as error:
            raise JournalError(f"cannot keep a record of this in the journal: its {error}") from None

        def work(db: sqlite3.Connection) -> None:
            if queued is not None and not queued_dump.remove(db, queued):
                raise NotInQueue(f"the dump of {record.domain} was taken over, or forgotten, by another console")
            db.execute(_UPSERT, astuple(record))
            if record.state == RecordState.STARTING:
                _prune(db, time.time())

        self.use(work)

    def read(self, record_id: str) -> JobRecord | None:
        """The record with that id; None without one."""
        return next(iter(self._select("WHERE id = ?", record_id)), None)

    def read_all(self, ids: Sequence[str]) -> list[JobRecord]:
        """The records of those ids that there are, read at one moment."""
        return self._read(f"WHERE id IN ({', '.join('?' * len(ids))})", *ids)

    def history(
        self, uuid: str | None = None, *, name: str | None = None, uris: Sequence[str] = (), limit: int = 1000
    ) -> list[JobRecord]:
        """Records, the latest request first: of the domain with that uuid; of all that were ever recorded under that
        name, or uuid, with what is recorded under their other names; of those connections."""
        conditions, values = table.conditions("records", uuid=uuid, name=name, uris=uris)
        return self._select(f"WHERE {' AND '.join(conditions)} ORDER BY rowid DESC LIMIT ?", *values, limit)

    def count(self) -> int:
        """How many records there are."""
        [(number,)] = self.use(lambda db: db.execute("SELECT COUNT(*) FROM records").fetchall())
        return int(number)

    def names(self) -> list[str]:
        """The names of all domains with a record, the latest first."""
        command = "SELECT domain FROM records GROUP BY domain ORDER BY MAX(rowid) DESC"
        return [name for (name,) in self.use(lambda db: db.execute(command).fetchall()) if isinstance(name, str)]

    def pending(self, uuid: str | None = None) -> list[JobRecord]:
        """The records without a result yet, the latest request first; of one domain where named."""
        where, values = ("uuid = ? AND ", (uuid,)) if uuid is not None else ("", ())
        return self._select(f"WHERE {where}state IN (?, ?) ORDER BY rowid DESC", *values, *_PENDING)

    def _select(self, where: str, *values: object) -> list[JobRecord]:
        return process.settled(lambda: self._read(where, *values))

    def _read(self, where: str, *values: object) -> list[JobRecord]:
        command = f"SELECT {table.names(_COLUMNS)} FROM records {where}"
        rows = self.use(lambda db: db.execute(command, values).fetchall())
        return table.intact(rows, _from_row, "records", str(self.path))

    def use(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` returns for the open journal, in one transaction."""

        def with_old(db: sqlite3.Connection) -> T:
            if self._old is not None:
                old_journal.take_over(db, self._old, _COLUMNS)
            return work(db)

        return self._file.use(with_old)


def _from_row(row: tuple[object, ...]) -> JobRecord:
    return codec.from_values(dict(zip(_COLUMNS, row, strict=True)))


def _prune(db: sqlite3.Connection, now: float) -> None:
    db.execute(
        f"DELETE FROM records WHERE state IN ({', '.join('?' * len(_RESULTS))}) AND ended < ? "
        "AND rowid < (SELECT rowid FROM records ORDER BY rowid DESC LIMIT 1 OFFSET ?)",
        (*_RESULTS, now - KEEP_DAYS * 86400, KEEP_NEWEST - 1),
    )
