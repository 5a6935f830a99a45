"""An SQLite file that any number of processes share: renamed where it is damaged, left alone where it is newer."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

from backend.errors import JournalError, JournalTooNew, JournalWarning
from backend.records.filesystem import is_local
from backend.records.folder import locked, private_file

logger = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds that a process waits for another process that holds the file's lock."""
_DAMAGED = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
_FILES = ("", "-journal", "-wal", "-shm")
_ROOM = 1 << 16
"""Bytes below which a disk is full for such a file."""

T = TypeVar("T")
Signature = tuple[tuple[int, int, int] | None, ...]


def signature(path: Path) -> Signature:
    """Which files make up the one at `path`, how long they are, and when they were written to: it changes with what is
    in them. Other processes' changes to such a file are not announced, and this costs next to nothing."""
    return tuple(_identity(f"{path}{suffix}") for suffix in ("", "-wal"))


class Database:
    """The file at `path`, with the schema that `steps` make, one after the other: a newer version only adds some.

    `what` it is goes into messages (``the journal``), `advice` after the reason why it cannot be used. Every call opens
    it anew, so any thread may call. A damaged file is renamed, with the time in its name, and a new one is begun, with
    a JournalWarning that says so.
    """

    def __init__(
        self,
        path: Path,
        steps: Sequence[str],
        *,
        what: str,
        advice: str,
        create: Callable[[Path], None] = private_file,
        shared_log: bool = True,
        durable: bool = True,
    ) -> None:
        """`create` makes the file where it is missing, and refuses one that is not to be trusted (OSError).

        `shared_log`: have a write-ahead log where all processes that use it are on this machine. Who may only read the
        file cannot use that. `durable`: what was written survives a power failure, too, which takes the time of a disk.
        """
        self.path = path
        self._steps = steps
        self._what = what
        self._advice = advice
        self._create = create
        self._shared_log = shared_log
        self._durable = durable

    def use(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` returns for the open file, in one transaction. JournalError where it cannot be used."""
        try:
            inode = _inode(self.path)
            try:
                return self._once(work)
            except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
                if not _is_damage(error):
                    raise
                self.put_aside(inode)
            return self._once(work)
        except (OSError, sqlite3.Error) as error:
            raise self._error(error) from None

    def read(self, work: Callable[[sqlite3.Connection], T], check: Callable[[Path], None]) -> T:
        """What `work` returns for a file that this user may only read; nothing is created.

        `check` refuses a file that is not to be trusted (OSError). FileNotFoundError without one, JournalError where it
        cannot be read.
        """
        try:
            check(self.path)
            db = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True, timeout=PATIENCE)
            with closing(db):
                db.text_factory = _text
                self._check_version(_version(db))
                with db:
                    return work(db)
        except FileNotFoundError:
            raise
        except (OSError, sqlite3.Error, UnicodeDecodeError) as error:
            raise self._error(error) from None

    def put_aside(self, inode: int | None) -> None:
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
        text = f"{self._what} {self.path} was damaged: it is kept as {aside}, and a new one is begun"
        warnings.warn(JournalWarning(text), stacklevel=2)

    def _once(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with closing(self._connect()) as db, db:
            return work(db)

    def _connect(self) -> sqlite3.Connection:
        # Made here, not by SQLite, so that it never has other rights; its side files get the same ones.
        self._create(self.path)
        db = sqlite3.connect(self.path, timeout=PATIENCE)
        db.text_factory = _text
        try:
            version = _version(db)
            self._check_version(version)
            wanted = self._shared_log and is_local(self.path.parent)
            if version < len(self._steps) or _has_wal(db) is not wanted:
                with locked(self.path):
                    _set_wal(db, wanted)
                    self._migrate(db)
            if not self._durable:
                db.execute("PRAGMA synchronous = NORMAL")
        except BaseException:
            db.close()
            raise
        return db

    def _check_version(self, version: int) -> None:
        if version > len(self._steps):
            raise JournalTooNew(
                f"cannot use {self._what} {self.path}: it was written by a newer virt-jobs (schema {version}, this one "
                f"knows {len(self._steps)}); use that one"
            )

    def _migrate(self, db: sqlite3.Connection) -> None:
        if _version(db) == len(self._steps):
            return
        db.execute("BEGIN IMMEDIATE")
        with db:
            for step in self._steps[_version(db) :]:
                db.execute(step)
            db.execute(f"PRAGMA user_version = {len(self._steps)}")

    def _error(self, error: OSError | sqlite3.Error | UnicodeDecodeError) -> JournalError:
        return JournalError(f"cannot use {self._what} {self.path}: {self._reason(error)}")

    def _reason(self, error: OSError | sqlite3.Error | UnicodeDecodeError) -> str:
        """Why it cannot be used, and what to do."""
        match _code(error) if isinstance(error, sqlite3.Error) else None:
            case sqlite3.SQLITE_BUSY:
                return f"another process has held its lock for {PATIENCE:g} s; try again later"
            case sqlite3.SQLITE_READONLY:
                return "a write to it was interrupted; its writer repairs that when it starts again"
            case sqlite3.SQLITE_ERROR:
                return f"{error}; move it away, and a new one is begun"
        reason = error.strerror if isinstance(error, OSError) else str(error)
        with suppress(OSError):
            room = os.statvfs(self.path.parent)
            if room.f_bavail * room.f_frsize < _ROOM:
                return f"its disk is full ({reason}); make room there, or {self._advice}"
        return f"{reason} ({self._advice})"


def _text(text: bytes) -> str:
    return text.decode("utf-8", "replace")


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
        logger.debug("the file is in use; its mode is changed later")


def _version(db: sqlite3.Connection) -> int:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    return int(version)


def _identity(path: str) -> tuple[int, int, int] | None:
    try:
        file = os.stat(path)
    except OSError:
        return None
    return file.st_ino, file.st_size, file.st_mtime_ns


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
