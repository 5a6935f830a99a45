"""The records of the dumps that this user requested on this machine.

Every machine has a journal of its own, also where several share a home: SQLite's write-ahead log is only for one
machine, and what one of them puts aside another may be writing to.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import sqlite3
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, astuple, fields
from pathlib import Path
from typing import TypeVar

from backend.errors import JournalError, JournalWarning
from backend.records import codec, old_journal, process
from backend.records.codec import InvalidRecord
from backend.records.filesystem import is_local
from backend.records.folder import locked, private_file, state_folder
from backend.records.machine import machine_id
from backend.records.record import JobRecord, RecordState
from backend.text import clean

logger = logging.getLogger(__name__)

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
)
SCHEMA = len(_STEPS)
PATIENCE = 5.0
"""Seconds that a process waits for another process that holds the journal's lock."""
KEEP_NEWEST = 1000
"""Records that are kept however old they are."""
KEEP_DAYS = 90
"""Days for which a result is kept however many there are."""
_COLUMNS = [spec.name for spec in fields(JobRecord)]
_PENDING = (RecordState.STARTING, RecordState.RUNNING)
_RESULTS = (RecordState.COMPLETED, RecordState.FAILED, RecordState.CANCELLED)
_DAMAGED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
_FILES = ("", "-wal", "-shm")
_ROOM = 1 << 16
"""Bytes below which a disk is full for a journal."""

T = TypeVar("T")


def own_name() -> str:
    """The file name of this machine's journal."""
    return f"journal-{machine_id() or re.sub('[^A-Za-z0-9.-]', '_', socket.gethostname())}.db"


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

    def write(self, record: JobRecord) -> None:
        """Keep `record`, in place of its earlier state. A new one takes the place of results that have had their time.

        Nothing without a result goes: its job may be running, and nobody has seen its end.
        """
        try:
            codec.from_values(asdict(record))
        except InvalidRecord as error:
            raise JournalError(f"cannot keep a record of this in the journal: its {error}") from None
        marks = ", ".join("?" * len(_COLUMNS))
        values = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS)
        # A row keeps its place, so that rows are in the order of the requests even if the clock was set.
        command = (
            f"INSERT INTO records ({', '.join(_COLUMNS)}) VALUES ({marks}) ON CONFLICT (id) DO UPDATE SET {values}"
        )

        def work(db: sqlite3.Connection) -> None:
            db.execute(command, astuple(record))
            if record.state == RecordState.STARTING:
                _prune(db, time.time())

        self._use(work)

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
        conditions, values = ["TRUE"], list[object]()
        if uuid is not None:
            conditions.append("uuid = ?")
            values.append(uuid)
        if name is not None:
            conditions.append("uuid IN (SELECT uuid FROM records WHERE domain IN (?, ?) OR uuid = ?)")
            values += [name, clean(name), name.lower()]
        if uris:
            conditions.append(f"uri IN ({', '.join('?' * len(uris))})")
            values += uris
        return self._select(f"WHERE {' AND '.join(conditions)} ORDER BY rowid DESC LIMIT ?", *values, limit)

    def count(self) -> int:
        """How many records there are."""
        [(number,)] = self._use(lambda db: db.execute("SELECT COUNT(*) FROM records").fetchall())
        return int(number)

    def names(self) -> list[str]:
        """The names of all domains with a record, the latest first."""
        command = "SELECT domain FROM records GROUP BY domain ORDER BY MAX(rowid) DESC"
        return [name for (name,) in self._use(lambda db: db.execute(command).fetchall()) if isinstance(name, str)]

    def pending(self, uuid: str | None = None) -> list[JobRecord]:
        """The records without a result yet, the latest request first; of one domain where named."""
        where, values = ("uuid = ? AND ", (uuid,)) if uuid is not None else ("", ())
        return self._select(f"WHERE {where}state IN (?, ?) ORDER BY rowid DESC", *values, *_PENDING)

    def _select(self, where: str, *values: object) -> list[JobRecord]:
        records = self._read(where, *values)
        if any(not record.over and process.runner_alive(record) is False for record in records):
            # A runner that has ended since it was read about has left its result by now, if it ever does.
            records = self._read(where, *values)
        return records

    def _read(self, where: str, *values: object) -> list[JobRecord]:
        command = f"SELECT {', '.join(_COLUMNS)} FROM records {where}"
        records, damaged = [], 0
        for row in self._use(lambda db: db.execute(command, values).fetchall()):
            try:
                records.append(codec.from_values(dict(zip(_COLUMNS, row, strict=True))))
            except InvalidRecord as error:
                logger.warning("a record in %s is damaged: %s", self.path, error)
                damaged += 1
        if damaged:
            warnings.warn(JournalWarning(f"left out what is damaged in {self.path}: {damaged} records"), stacklevel=2)
        return records

    def _use(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` returns for the open journal, in one transaction."""
        try:
            inode = _inode(self.path)
            try:
                return self._once(work)
            except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
                if not _is_damage(error):
                    raise
                self._put_aside(inode)
            return self._once(work)
        except (OSError, sqlite3.Error) as error:
            raise JournalError(f"cannot use the journal {self.path}: {self._reason(error)}") from None

    def _once(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with closing(self._connect()) as db:
            if self._old is not None:
                old_journal.take_over(db, self._old, _COLUMNS)
            with db:
                return work(db)

    def _connect(self) -> sqlite3.Connection:
        # Made here, not by SQLite, so that it is never readable by others; its side files get the same rights.
        private_file(self.path)
        db = sqlite3.connect(self.path, timeout=PATIENCE)
        db.text_factory = lambda text: text.decode("utf-8", "replace")
        try:
            version = _version(db)
            if version > SCHEMA:
                raise OSError(
                    0, f"it was written by a newer virt-jobs (schema {version}, this one knows {SCHEMA}); use that one"
                )
            local = is_local(self.path.parent)
            if version < SCHEMA or _has_wal(db) is not local:
                with locked(self.path):
                    _set_wal(db, local)
                    _migrate(db)
        except BaseException:
            db.close()
            raise
        return db

    def _put_aside(self, inode: int | None) -> None:
        """Rename the damaged file, which has that inode number, unless another process just has."""
        aside = Path(f"{self.path}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
        with locked(self.path):
            if _inode(self.path) != inode:
                return
            while aside.exists():
                aside = Path(f"{aside}+")
            for suffix in reversed(_FILES):
                with suppress(FileNotFoundError):
                    os.rename(f"{self.path}{suffix}", f"{aside}{suffix}")
        text = f"the journal {self.path} was damaged: it is kept as {aside}, and a new one is begun"
        warnings.warn(JournalWarning(text), stacklevel=2)

    def _reason(self, error: OSError | sqlite3.Error) -> str:
        """Why it cannot be used, and what to do."""
        match _code(error) if isinstance(error, sqlite3.Error) else None:
            case sqlite3.SQLITE_BUSY:
                return f"another process has held its lock for {PATIENCE:g} s; try again later"
            case sqlite3.SQLITE_ERROR:
                return f"{error}; move it away, and a new one is begun"
        reason = error.strerror if isinstance(error, OSError) else str(error)
        with suppress(OSError):
            room = os.statvfs(self.path.parent)
            if room.f_bavail * room.f_frsize < _ROOM:
                return f"its disk is full ({reason}); make room there, or set XDG_STATE_HOME to a folder elsewhere"
        return f"{reason} (XDG_STATE_HOME may name another folder)"


def _prune(db: sqlite3.Connection, now: float) -> None:
    db.execute(
        f"DELETE FROM records WHERE state IN ({', '.join('?' * len(_RESULTS))}) AND ended < ? "
        "AND rowid < (SELECT rowid FROM records ORDER BY rowid DESC LIMIT 1 OFFSET ?)",
        (*_RESULTS, now - KEEP_DAYS * 86400, KEEP_NEWEST - 1),
    )


def _has_wal(db: sqlite3.Connection) -> bool:
    (mode,) = db.execute("PRAGMA journal_mode").fetchone()
    return bool(mode == "wal")


def _set_wal(db: sqlite3.Connection, wanted: bool) -> None:
    """Have a write-ahead log, or none: it needs memory that all processes share, and thus one machine."""
    try:
        db.execute(f"PRAGMA journal_mode = {'WAL' if wanted else 'DELETE'}")
    except sqlite3.OperationalError as error:
        if _code(error) != sqlite3.SQLITE_BUSY:
            raise
        logger.debug("the journal is in use; its mode is changed later")


def _migrate(db: sqlite3.Connection) -> None:
    if _version(db) == SCHEMA:
        return
    db.execute("BEGIN IMMEDIATE")
    with db:
        for step in _STEPS[_version(db) :]:
            db.execute(step)
        db.execute(f"PRAGMA user_version = {SCHEMA}")


def _version(db: sqlite3.Connection) -> int:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    return int(version)


def _inode(path: Path) -> int | None:
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return None


def _is_damage(error: sqlite3.Error | UnicodeDecodeError) -> bool:
    # SQLite quotes damaged content as it is in the file, which may not be text.
    return isinstance(error, UnicodeDecodeError) or _code(error) in _DAMAGED


def _code(error: sqlite3.Error) -> int | None:
    """SQLite's primary result code."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF
