"""The commands that this user has run as jobs on this machine: a table of its own in the file of the journal."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from backend.errors import JournalError
from backend.records import entry_fields, process, table
from backend.records.codec import InvalidRecord, converted, count, flag, moment, short_text
from backend.records.command import CommandRecord
from backend.records.entry import JobEntry
from backend.records.folder import is_missing
from backend.records.journal import Journal
from backend.records.record import RecordState

ARGUMENTS_LIMIT = 1 << 20
"""Characters of a command line, as JSON."""
KEEP_NEWEST = 200
"""Commands that are kept, each with its output; more while they run."""
FOLDER = "runs"
"""What holds the outputs, beside the journal: a folder for each command, named by its id."""
CHANGED = "changed"
"""A file in there that is touched whenever a record changes, for others to notice."""

logger = logging.getLogger(__name__)

_COLUMNS = tuple(spec.name for spec in fields(CommandRecord))
_UPSERT = table.upsert("commands", _COLUMNS)
_PENDING = (RecordState.STARTING, RecordState.RUNNING)


class Commands:
    """All methods raise JournalError where the file cannot be used. Any thread may call."""

    def __init__(self, journal: Journal | None = None) -> None:
        """`journal`: another one than this user's own."""
        self._journal = journal or Journal()
        self.folder = self._journal.path.parent / FOLDER

    def output_of(self, record: CommandRecord) -> Path:
        """The folder of the command's output."""
        return self.folder / record.id

    def write(self, record: CommandRecord) -> None:
        """Keep `record`, in place of its earlier state. A new one takes the place of the oldest with a result."""
        row = _to_row(record)
        try:
            _from_row(row)
        except InvalidRecord as error:
            raise JournalError(f"cannot keep a record of this in the journal: its {error}") from None

        def work(db: sqlite3.Connection) -> None:
            db.execute(_UPSERT, row)
            if record.state is RecordState.STARTING:
                _prune(db)

        self._journal.use(work)
        self._tell()

    def read(self, record_id: str) -> CommandRecord | None:
        """The record with that id; None without one."""
        return next(iter(self._select("WHERE id = ?", record_id)), None)

    def history(
        self, uuid: str | None = None, *, name: str | None = None, uris: Sequence[str] = (), limit: int = 1000
    ) -> list[CommandRecord]:
        """Records, the latest first: of the domain with that uuid; of all that were ever recorded under that name, or
        uuid; of those connections."""
        conditions, values = table.conditions("commands", uuid=uuid, name=name, uris=uris)
        return self._select(f"WHERE {' AND '.join(conditions)} ORDER BY rowid DESC LIMIT ?", *values, limit)

    def pending(self) -> list[CommandRecord]:
        """The records without a result yet, the latest first."""
        return self._select("WHERE state IN (?, ?) ORDER BY rowid DESC", *_PENDING)

    def ids(self) -> set[str]:
        """The ids of all records."""
        rows = self._journal.use(lambda db: db.execute("SELECT id FROM commands").fetchall())
        return {str(record_id) for (record_id,) in rows}

    def _select(self, where: str, *values: object) -> list[CommandRecord]:
        return process.settled(lambda: self._read(where, *values))

    def _read(self, where: str, *values: object) -> list[CommandRecord]:
        command = f"SELECT {table.names(_COLUMNS)} FROM commands {where}"
        rows = self._journal.use(lambda db: db.execute(command, values).fetchall())
        return table.intact(rows, _from_row, "commands", str(self._journal.path))

    def _tell(self) -> None:
        """Let those notice who watch the folder."""
        try:
            if not is_missing(self.folder):
                descriptor = os.open(self.folder / CHANGED, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
                try:
                    os.utime(descriptor)
                finally:
                    os.close(descriptor)
        except OSError as error:
            logger.debug("nobody notices that a command's record has changed: %s", error)


def to_json(record: CommandRecord) -> dict[str, Any]:
    """Plain values under the fields' names; `argv` is a list, jobs are as in a history."""
    values: dict[str, Any] = {
        name: getattr(record, name)
        for name in (
            *("id", "uri", "uuid", "domain", "domain_id", "cwd", "user", "started", "ended", "state", "exit_status"),
            *("error", "trouble", "pid", "command_pid"),
        )
    }
    jobs = [entry_fields.to_json(job) for job in record.jobs]
    return values | {"argv": list(record.argv), "signal": record.signal, "jobs": jobs}


def _to_row(record: CommandRecord) -> tuple[object, ...]:
    values = {name: getattr(record, name) for name in _COLUMNS}
    # As JSON in ASCII: SQLite keeps no text that is not valid.
    values["argv"] = json.dumps(record.argv)
    values["cwd"] = json.dumps(record.cwd)
    values["state"] = str(record.state)
    names = entry_fields.COLUMNS
    values["jobs"] = json.dumps([dict(zip(names, entry_fields.to_row(job), strict=True)) for job in record.jobs])
    return tuple(values[name] for name in _COLUMNS)


def _from_row(row: tuple[object, ...]) -> CommandRecord:
    """InvalidRecord for a row that is none."""
    values = converted(dict(zip(_COLUMNS, row, strict=True)), _CONVERTERS)
    return CommandRecord(**{"domain_id": None} | values)


def _arguments(value: Any) -> tuple[str, ...]:
    if len(str(value)) > ARGUMENTS_LIMIT:
        raise ValueError("too long")
    arguments = json.loads(value)
    if not arguments or not all(isinstance(argument, str) for argument in arguments):
        raise ValueError("no command line")
    return tuple(arguments)


def _path(value: Any) -> str:
    return short_text(json.loads(value))


def _jobs(value: Any) -> tuple[JobEntry, ...]:
    jobs = json.loads(value)
    if not all(isinstance(job, Mapping) for job in jobs):
        raise ValueError("no jobs")
    return tuple(entry_fields.from_values(job) for job in jobs)


def _prune(db: sqlite3.Connection) -> None:
    db.execute(
        f"DELETE FROM commands WHERE state NOT IN ({', '.join('?' * len(_PENDING))}) "
        "AND rowid < (SELECT rowid FROM commands ORDER BY rowid DESC LIMIT 1 OFFSET ?)",
        (*_PENDING, KEEP_NEWEST - 1),
    )


# Each field: how a value of SQLite becomes its value, and whether it is required.
_CONVERTERS: dict[str, tuple[Callable[[Any], Any], bool]] = {
    "id": (short_text, True),
    "uri": (short_text, True),
    "uuid": (short_text, True),
    "domain": (short_text, True),
    "domain_id": (count, False),
    "argv": (_arguments, True),
    "cwd": (_path, True),
    "user": (short_text, True),
    "started": (moment, True),
    "pid": (count, False),
    "pid_start": (short_text, False),
    "machine": (short_text, False),
    "namespace": (count, False),
    "started_uptime": (moment, False),
    "ended_uptime": (moment, False),
    "state": (RecordState, True),
    "ended": (moment, False),
    "command_pid": (count, False),
    "command_start": (short_text, False),
    "exit_status": (count, False),
    "signal": (count, False),
    "error": (short_text, False),
    "trouble": (short_text, False),
    "jobs": (_jobs, False),
    "following": (flag, False),
}
