"""The records of the dumps that this user requested on this machine."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import asdict, astuple, fields
from pathlib import Path
from typing import TypeVar

from backend.errors import JournalError
from backend.records import codec, process
from backend.records.codec import InvalidRecord
from backend.records.folder import locked, private_file, state_folder
from backend.records.record import JobRecord, RecordState

logger = logging.getLogger(__name__)

# What each version of the schema added to the one before it.
_STEPS = (
    "CREATE TABLE IF NOT EXISTS records (id PRIMARY KEY, uri, uuid, domain, domain_id, path, format, flags, user, "
    "started, operation, pid, pid_start, state, ended, error, code, bytes)",
    "CREATE INDEX IF NOT EXISTS by_domain ON records (uuid, started)",
)
SCHEMA = len(_STEPS)
PATIENCE = 5.0
"""Seconds that a process waits for another process that holds the journal's lock."""
_COLUMNS = [spec.name for spec in fields(JobRecord)]
_PENDING = (RecordState.STARTING, RecordState.RUNNING)
_DAMAGED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
_FILES = ("", "-wal", "-shm")
_ROOM = 1 << 16
"""Bytes below which a disk is full for a journal."""

T = TypeVar("T")


class JournalWarning(UserWarning):
    """Something about the journal that its user should know, in one line; the call succeeds all the same."""


class Journal:
    """A SQLite file that any number of processes share. Every call opens it anew, so any thread may call.

    All methods raise JournalError where the file cannot be used. A damaged file is renamed, with the time in its name,
    and a new one is begun, with a JournalWarning that says so.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or state_folder() / "journal.db"

    def write(self, record: JobRecord) -> None:
        """Keep `record`, in place of its earlier state."""
        try:
            codec.from_values(asdict(record))
        except InvalidRecord as error:
            raise JournalError(f"cannot keep a record of this in the journal: its {error}") from None
        marks = ", ".join("?" * len(_COLUMNS))
        command = f"INSERT OR REPLACE INTO records ({', '.join(_COLUMNS)}) VALUES ({marks})"
        self._use(lambda db: db.execute(command, astuple(record)))

    def read(self, record_id: str) -> JobRecord | None:
        """The record with that id; None without one."""
        return next(iter(self._select("WHERE id = ?", record_id)), None)

    def read_all(self, ids: Sequence[str]) -> list[JobRecord]:
        """The records of those ids that there are, read at one moment."""
        return self._read(f"WHERE id IN ({', '.join('?' * len(ids))})", *ids)

    def history(self, uri: str | None = None, uuid: str | None = None, limit: int = 1000) -> list[JobRecord]:
        """Records, newest first; of one connection or domain where named."""
        values = {column: value for column, value in (("uri", uri), ("uuid", uuid)) if value is not None}
        where = " AND ".join(f"{column} = ?" for column in values) or "TRUE"
        return self._select(f"WHERE {where} ORDER BY started DESC LIMIT ?", *values.values(), limit)

    def pending(self, uuid: str | None = None) -> list[JobRecord]:
        """The records without a result yet, newest first; of one domain where named."""
        where, values = ("uuid = ? AND ", (uuid,)) if uuid is not None else ("", ())
        return self._select(f"WHERE {where}state IN (?, ?) ORDER BY started DESC", *values, *_PENDING)

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
        with closing(self._connect()) as db, db:
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
            if version < SCHEMA:
                with locked(self.path):
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


def _migrate(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA journal_mode = WAL")
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
