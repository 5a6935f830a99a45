"""A dump that waits for its turn in a console: what is kept of it, so that it outlives the console."""

from __future__ import annotations

import sqlite3
import time
import uuid
from collections.abc import Callable
from dataclasses import asdict, astuple, dataclass, fields
from typing import Any

from backend.dump_request import DumpFlags, DumpFormat, DumpRequest
from backend.records import table
from backend.records.codec import converted, count, flag, moment, short_text
from backend.records.record import OwnedDump


@dataclass(frozen=True, slots=True)
class QueuedDump(OwnedDump):
    """One dump that a console is to start when its turn comes; the fields mean what they mean in a JobRecord."""

    id: str
    """That of its record, too, once it has begun."""
    uri: str
    uuid: str
    domain: str
    domain_id: int | None
    path: str
    format: DumpFormat
    flags: DumpFlags
    overwrite: bool
    """Whether it may replace a file."""
    publish: bool
    """Whether its record is shared through the hypervisor."""
    user: str
    queued: float
    """When it was queued, in seconds since the epoch."""
    pid: int = 0
    """The console's process; what else tells it from others is as in a JobRecord."""
    pid_start: str = ""
    machine: str = ""
    namespace: int = 0


COLUMNS = tuple(spec.name for spec in fields(QueuedDump))
TABLE = (
    "CREATE TABLE IF NOT EXISTS queued (id PRIMARY KEY, uri, uuid, domain, domain_id, path, format, flags, overwrite, "
    'publish, "user", queued, pid, pid_start, machine, namespace)'
)
UPSERT = table.upsert("queued", COLUMNS)
_AS_GIVEN = "id = ? AND pid = ? AND pid_start = ? AND namespace = ?"


def new_queued(request: DumpRequest, uri: str, overwrite: bool, publish: bool, user: str) -> QueuedDump:
    """A dump that `user` queues now; no process owns it yet."""
    domain = request.domain
    return QueuedDump(
        id=uuid.uuid4().hex,
        uri=uri,
        uuid=domain.uuid,
        domain=domain.name,
        domain_id=domain.id,
        path=request.path,
        format=request.format,
        flags=request.flags,
        overwrite=overwrite,
        publish=publish,
        user=user,
        queued=time.time(),
    )


def to_row(dump: QueuedDump) -> tuple[object, ...]:
    """Its values for UPSERT. InvalidRecord if one of them could not be read again."""
    converted(asdict(dump), _CONVERTERS)
    return astuple(dump)


def from_row(row: tuple[object, ...]) -> QueuedDump:
    """The dump in a row of COLUMNS. InvalidRecord for a row that is none."""
    return QueuedDump(**{"domain_id": None} | converted(dict(zip(COLUMNS, row, strict=True)), _CONVERTERS))


def remove(db: sqlite3.Connection, dump: QueuedDump) -> bool:
    """Take it out of the queue, unless another process has taken it over; whether it was there."""
    return db.execute(f"DELETE FROM queued WHERE {_AS_GIVEN}", _owner(dump)).rowcount > 0


def hand_over(db: sqlite3.Connection, dump: QueuedDump, owner: QueuedDump) -> bool:
    """Give it the owner that it has as `owner`, unless another process took it over first; whether it has that now."""
    values = (owner.pid, owner.pid_start, owner.machine, owner.namespace, *_owner(dump))
    command = f"UPDATE queued SET pid = ?, pid_start = ?, machine = ?, namespace = ? WHERE {_AS_GIVEN}"
    return db.execute(command, values).rowcount > 0


def _owner(dump: QueuedDump) -> tuple[object, ...]:
    return dump.id, dump.pid, dump.pid_start, dump.namespace


# Each field: how a value of SQLite becomes its value, and whether it is required.
_CONVERTERS: dict[str, tuple[Callable[[Any], Any], bool]] = {
    "id": (short_text, True),
    "uri": (short_text, True),
    "uuid": (short_text, True),
    "domain": (short_text, True),
    "domain_id": (count, False),
    "path": (short_text, True),
    "format": (lambda value: DumpFormat(count(value)), True),
    "flags": (lambda value: DumpFlags(count(value)), True),
    "overwrite": (flag, True),
    "publish": (flag, True),
    "user": (short_text, True),
    "queued": (moment, True),
    "pid": (count, False),
    "pid_start": (short_text, False),
    "machine": (short_text, False),
    "namespace": (count, False),
}
