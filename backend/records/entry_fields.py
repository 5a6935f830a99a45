"""Entries as rows, as JSON and as XML. What is read may have been written by anybody: it is checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any

from backend.model import BlockOperation, JobOperation, Operation
from backend.outcome import Evidence, Verdict
from backend.records.codec import TEXT_LIMIT, InvalidRecord, converted, count, flag, moment, short_text
from backend.records.entry import JobEntry

COLUMNS = tuple(spec.name for spec in fields(JobEntry))
_PRIVATE = ("pid", "pid_start", "machine", "boot", "began_uptime", "ended_uptime", "exact", "namespace")
"""What tells virt-jobs which job an entry means, and nobody else."""


_MOST = 2**63 - 1
"""The largest number that SQLite keeps."""


def to_row(entry: JobEntry) -> tuple[object, ...]:
    """The values of `COLUMNS`, as SQLite takes them."""
    return tuple(plain(getattr(entry, name)) for name in COLUMNS)


def from_row(row: tuple[object, ...]) -> JobEntry:
    """The entry in such a row. InvalidRecord if it is none."""
    return from_values(dict(zip(COLUMNS, row, strict=True)))


def from_values(values: Mapping[str, Any]) -> JobEntry:
    """The entry in a mapping of field names to texts or numbers. InvalidRecord if one does not fit."""
    entry = JobEntry(**{"domain_id": None, "disk": None} | converted(values, _CONVERTERS))
    if (entry.verdict is None) != (entry.ended is None):
        raise InvalidRecord("ended and verdict do not fit together")
    return entry


def to_json(entry: JobEntry) -> dict[str, Any]:
    """Plain values under the fields' names, the operation in words."""
    values = asdict(entry) | {"operation": entry.operation.label}
    for name in _PRIVATE:
        del values[name]
    return values


def plain(value: object) -> object:
    """A field's value as SQLite takes it, and `from_row` after it: what is too long is cut."""
    match value:
        case JobOperation():
            return f"job {int(value)}"
        case BlockOperation():
            return f"block {int(value)}"
        case bool():
            return int(value)
        case int():
            return min(value, _MOST)
        case str():
            return str(value)[:TEXT_LIMIT]
    return value


def _operation(value: Any) -> Operation:
    kind, number = str(value).split()
    kinds: dict[str, type[JobOperation] | type[BlockOperation]] = {"job": JobOperation, "block": BlockOperation}
    return kinds[kind](count(number))


# Each field: how a text or number becomes its value, and whether it is required.
_CONVERTERS: dict[str, tuple[Callable[[Any], Any], bool]] = {
    "id": (short_text, True),
    "uri": (short_text, True),
    "uuid": (short_text, True),
    "domain": (short_text, True),
    "domain_id": (count, False),
    "operation": (_operation, True),
    "disk": (short_text, False),
    "began": (moment, True),
    "exact": (flag, True),
    "observer": (short_text, True),
    "requester": (short_text, False),
    "record": (short_text, False),
    "machine": (short_text, False),
    "boot": (short_text, False),
    "began_uptime": (moment, False),
    "pid": (count, False),
    "pid_start": (short_text, False),
    "path": (short_text, False),
    "format": (short_text, False),
    "ended": (moment, False),
    "ended_uptime": (moment, False),
    "verdict": (Verdict, False),
    "evidence": (Evidence, False),
    "detail": (short_text, False),
    "error": (short_text, False),
    "bytes": (count, False),
    "time_elapsed": (count, False),
    "left_paused": (flag, False),
    "downtime": (count, False),
    "namespace": (count, False),
}
