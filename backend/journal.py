"""The records of the dumps that this user asked for on this machine."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

import platformdirs

from backend.errors import JournalError
from backend.record import InvalidRecord, JobRecord, RecordState

SCHEMA = 1
_COLUMNS = [spec.name for spec in fields(JobRecord)]
_PENDING = (RecordState.STARTING, RecordState.RUNNING)


def state_folder() -> Path:
    """Where virt-jobs keeps its state; made for this user alone if it is not there. JournalError if it cannot be."""
    folder = Path(platformdirs.user_state_dir("virt-jobs"))
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise JournalError(
            f"cannot make the state folder {folder}: {error.strerror}; "
            "set XDG_STATE_HOME to a folder that can be written"
        ) from None
    return folder


class Journal:
    """A SQLite file that any number of processes share. Every call opens it anew, so any thread may call.

    All methods raise JournalError where the file cannot be used.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or state_folder() / "journal.db"

    def write(self, record: JobRecord) -> None:
        """Keep `record`, in place of an earlier state of the same one."""
        marks = ", ".join("?" * len(_COLUMNS))
        with self._open() as db:
            db.execute(f"INSERT OR REPLACE INTO records VALUES ({marks})", astuple(record))

    def read(self, id: str) -> JobRecord | None:
        """The record of that id."""
        return next(iter(self._select("WHERE id = ?", id)), None)

    def history(self, uri: str | None = None, uuid: str | None = None, limit: int = 1000) -> list[JobRecord]:
        """Records, newest first; of one connection or domain where named."""
        where = "WHERE uri = ifnull(?, uri) AND uuid = ifnull(?, uuid) ORDER BY started DESC LIMIT ?"
        return self._select(where, uri, uuid, limit)

    def pending(self, uuid: str | None = None) -> list[JobRecord]:
        """The records without a result yet, newest first; of one domain where named."""
        where = "WHERE uuid = ifnull(?, uuid) AND state IN (?, ?) ORDER BY started DESC"
        return self._select(where, uuid, *_PENDING)

    def _select(self, where: str, *values: object) -> list[JobRecord]:
        records = list(self._read(where, *values))
        if any(not record.over and record.runner_alive() is False for record in records):
            # A runner that has ended since it was read about has left its result by now, if it ever does.
            records = list(self._read(where, *values))
        return records

    def _read(self, where: str, *values: object) -> Iterator[JobRecord]:
        with self._open() as db:
            rows = db.execute(f"SELECT {', '.join(_COLUMNS)} FROM records {where}", values).fetchall()
        for row in rows:
            try:
                yield JobRecord.from_values(dict(zip(_COLUMNS, row, strict=True)))
            except InvalidRecord as error:
                raise JournalError(f"{self.path} holds a damaged record ({error}); move the file away") from None

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            db = self._connect()
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from None
        try:
            with db:
                yield db
        except sqlite3.Error as error:
            raise self._unusable(error) from None
        finally:
            db.close()

    def _connect(self) -> sqlite3.Connection:
        # The file is made here, not by SQLite, so that it is never readable by others; and only if it is missing,
        # as closing a file that another thread has open would drop the locks that this process holds on it.
        with suppress(FileExistsError):
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        db = sqlite3.connect(self.path, timeout=5)
        try:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version == 0:
                self._create(db)
            elif version != SCHEMA:
                raise sqlite3.DatabaseError(f"it was written by another version of virt-jobs (schema {version})")
        except BaseException:
            db.close()
            raise
        return db

    def _create(self, db: sqlite3.Connection) -> None:
        db.execute("PRAGMA journal_mode = WAL")
        columns = ", ".join(f"{name} PRIMARY KEY" if name == "id" else name for name in _COLUMNS)
        with db:
            db.execute(f"CREATE TABLE IF NOT EXISTS records ({columns})")
            db.execute(f"PRAGMA user_version = {SCHEMA}")

    def _unusable(self, error: Any) -> JournalError:
        return JournalError(f"cannot use the journal {self.path}: {getattr(error, 'strerror', None) or error}")
