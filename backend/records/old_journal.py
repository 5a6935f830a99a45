"""The journal of earlier versions, which was one for all machines that share a home.

It stays where it is: a runner or a console of an earlier version, on this machine or another, may still write to it.
What it has is taken over into this machine's own journal, and again whenever it changes.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import stat
import time
import warnings
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from backend.errors import JournalWarning
from backend.records.table import upsert

logger = logging.getLogger(__name__)

NAME = "journal.db"
TABLE = "CREATE TABLE IF NOT EXISTS taken_over (signature)"
"""Has the signature of the old journal, once all its records are taken over."""
_SETTLED = 2.0
"""Seconds after which a write to a file surely gives it another time than the write before."""
_PROGRESS = "CASE {}.state WHEN 'starting' THEN 0 WHEN 'running' THEN 1 WHEN 'lost' THEN 2 ELSE 3 END"
"""How much a row says: it is replaced only by one that says more."""


def take_over(db: sqlite3.Connection, path: Path, columns: Sequence[str]) -> None:
    """Copy what the old journal at `path` has to say into the open journal `db`, unless that was done."""
    files = [status for suffix in ("", "-wal") if (status := _status(f"{path}{suffix}")) is not None and status.st_size]
    if not files or any(not stat.S_ISREG(file.st_mode) or file.st_uid != os.geteuid() for file in files):
        return
    signature = repr([(file.st_ino, file.st_size, file.st_mtime_ns) for file in files])
    if db.execute("SELECT 1 FROM taken_over WHERE signature = ?", (signature,)).fetchone():
        return
    done = max(file.st_mtime for file in files) < time.time() - _SETTLED
    try:
        present, rows = _read(path, columns)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF == sqlite3.SQLITE_BUSY:
            logger.warning("the old journal %s is read later: %s", path, error)
            return
        text = f"the journal {path} of an earlier version is damaged; it is left there, without its records here"
        warnings.warn(JournalWarning(text), stacklevel=2)
        present, rows, done = [], [], True
    db.execute("BEGIN IMMEDIATE")
    with db:
        if rows:
            db.executemany(_merge(present), rows)
        db.execute("DELETE FROM taken_over")
        if done:
            db.execute("INSERT INTO taken_over VALUES (?)", (signature,))


def _read(path: Path, columns: Sequence[str]) -> tuple[list[str], list[tuple[object, ...]]]:
    """Those of `columns` that it has, and its rows of them. It is opened to read, so it is not even tidied up."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as old:
        old.text_factory = lambda text: text.decode("utf-8", "replace")
        existing = {name for _, name, *_ in old.execute("PRAGMA table_info(records)")}
        present = [name for name in columns if name in existing]
        return present, _rows(old, present)


def _rows(old: sqlite3.Connection, present: list[str]) -> list[tuple[object, ...]]:
    if not present:
        return []
    order = "started" if "started" in present else "rowid"
    return old.execute(f"SELECT {', '.join(present)} FROM records ORDER BY {order}").fetchall()


def _merge(columns: Sequence[str]) -> str:
    return f"{upsert('records', columns)} WHERE {_PROGRESS.format('excluded')} > {_PROGRESS.format('records')}"


def _status(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except OSError:
        return None
