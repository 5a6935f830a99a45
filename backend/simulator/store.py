"""The state of one simulator: a SQLite file that any number of processes share. Rows in and out, no rules."""

from __future__ import annotations

import functools
import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from operator import attrgetter
from pathlib import Path
from typing import Any

from backend.errors import NoConnection
from backend.events import DumpEvent, Event, JobEvent, Lifecycle, LifecycleEvent, RecordEvent
from backend.model import Domain, DomainKey, DomainState, DumpFlags, DumpFormat, JobOperation
from backend.records.folder import locked, private_file, private_folder, state_folder
from backend.simulator.effects import from_json, to_json
from backend.simulator.machine import Machine
from backend.simulator.plan import Ending, Plan, Stage

SCHEMA = 1
KEPT = 10_000
"""How many events and ended plans are kept for those who have yet to read them."""

_MACHINE = [spec.name for spec in fields(Machine)]
_PLAN = [spec.name for spec in fields(Plan)]
# dataclasses.astuple would copy each value.
_machine_values, _plan_values = attrgetter(*_MACHINE), attrgetter(*_PLAN)
_CONVERTERS: dict[str, Any] = {
    "operation": JobOperation,
    "ending": Ending,
    "format": DumpFormat,
    "flags": DumpFlags,
    "stage": Stage,
    "hung": bool,
    "created": bool,
    "was_running": bool,
}


def path_of(name: str) -> Path:
    return state_folder() / "simulators" / f"{name}.db"


class Store:
    """One connection to a simulator's file, for one thread. Methods raise NoConnection where it cannot be used."""

    def __init__(self, name: str) -> None:
        self.path = path_of(name)
        with self._usable():
            self._db = self._connect()

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of what is done inside, or nothing; nobody else writes meanwhile."""
        self._do("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._do("ROLLBACK")
            raise
        self._do("COMMIT")

    def changes(self) -> int:
        """A number that differs once another connection, of this process or of any, has changed something."""
        return int(self._value("PRAGMA data_version"))

    def domains(self) -> list[Domain]:
        """Every domain as it is listed, in order."""
        return [
            _domain(row)
            for row in self._all(
                "SELECT m.uuid, m.id, m.name, m.state, m.reason, m.memory, ifnull(p.hung, 0) FROM machines m "
                "LEFT JOIN plans p ON p.uuid = m.uuid AND p.due IS NOT NULL AND p.hung AND p.stage = ? "
                "ORDER BY number",
                Stage.WORKING,
            )
        ]

    def machines(self) -> list[Machine]:
        return [_machine(row) for row in self._all(f"SELECT {_names(_MACHINE)} FROM machines ORDER BY number")]

    def ids(self, uuids: Iterable[str]) -> dict[str, int | None]:
        """The running ids of those of the domains that there are, by uuid."""
        named = json.dumps(list(uuids))
        return dict(self._all("SELECT uuid, id FROM machines WHERE uuid IN (SELECT value FROM json_each(?))", named))

    def machine(self, uuid: str) -> Machine | None:
        rows = self._all(f"SELECT {_names(_MACHINE)} FROM machines WHERE uuid = ?", uuid)
        return _machine(rows[0]) if rows else None

    def put_machines(self, machines: Iterable[Machine]) -> None:
        marks = ", ".join("?" * len(_MACHINE))
        with self._usable():
            self._db.executemany(f"INSERT OR REPLACE INTO machines VALUES ({marks})", map(_machine_values, machines))

    def remove(self, uuid: str) -> None:
        """Forget a domain and its plans."""
        self._do("DELETE FROM plans WHERE uuid = ?", uuid)
        self._do("DELETE FROM machines WHERE uuid = ?", uuid)

    def plan(self, uuid: str) -> Plan | None:
        """The domain's job that is not over, which may be one that has yet to begin."""
        rows = self._all(f"SELECT {_names(_PLAN)} FROM plans WHERE uuid = ? AND due IS NOT NULL", uuid)
        return _plan(rows[0]) if rows else None

    def plans(self, uuids: Iterable[str]) -> dict[str, Plan]:
        """The jobs of those domains that are not over, by their uuids."""
        named = json.dumps(list(uuids))
        rows = self._all(
            f"SELECT {_names(_PLAN)} FROM plans INDEXED BY one_job "
            "WHERE uuid IN (SELECT value FROM json_each(?)) AND due IS NOT NULL",
            named,
        )
        return {row[0]: _plan(row) for row in rows}

    def plan_by_id(self, id: int) -> Plan | None:
        rows = self._all(f"SELECT {_names(_PLAN)} FROM plans WHERE id = ?", id)
        return _plan(rows[0]) if rows else None

    def first_due(self) -> float | None:
        """When the next stage of any plan is to come to pass."""
        due = self._value("SELECT min(due) FROM plans WHERE due IS NOT NULL")
        return None if due is None else float(due)

    def next_due(self, now: float) -> Plan | None:
        """The plan whose next stage should have come to pass longest ago."""
        rows = self._all(
            f"SELECT {_names(_PLAN)} FROM plans WHERE due <= ? AND due IS NOT NULL ORDER BY due LIMIT 1", now
        )
        return _plan(rows[0]) if rows else None

    def put_plan(self, plan: Plan) -> int:
        """Keep a new plan or the new state of one; its number."""
        marks = ", ".join("?" * (len(_PLAN) + 1))
        with self._usable():
            cursor = self._db.execute(f"INSERT OR REPLACE INTO plans VALUES ({marks})", (*_plan_values(plan), plan.due))
            return int(cursor.lastrowid or 0)

    def remove_plan(self, plan: Plan) -> None:
        self._do("DELETE FROM plans WHERE id = ?", plan.id)

    def tell(self, events: Iterable[Event]) -> None:
        """Add to what the hypervisor tells; every process reads it."""
        with self._usable():
            self._db.executemany("INSERT INTO events (body) VALUES (?)", [(_event_text(event),) for event in events])

    def last_event(self) -> int:
        """The number of the last event there was."""
        return int(self._value("SELECT ifnull(max(seq), 0) FROM events"))

    def events_after(self, seq: int) -> list[tuple[int, Event]]:
        rows = self._all("SELECT seq, body FROM events WHERE seq > ? ORDER BY seq", seq)
        return [(row[0], _event(row[1])) for row in rows]

    def forget_the_old(self) -> None:
        """Let go of what nobody can still be waiting for."""
        self._do("DELETE FROM events WHERE seq <= (SELECT max(seq) FROM events) - ?", KEPT)
        self._do("DELETE FROM plans WHERE due IS NULL AND id <= (SELECT max(id) FROM plans) - ?", KEPT)

    def setting(self, name: str) -> float | None:
        rows = self._all("SELECT value FROM settings WHERE name = ?", name)
        return rows[0][0] if rows else None

    def set(self, name: str, value: float | None) -> None:
        self._do("INSERT OR REPLACE INTO settings VALUES (?, ?)", name, value)

    def _do(self, sql: str, *values: object) -> None:
        with self._usable():
            self._db.execute(sql, values)

    def _all(self, sql: str, *values: object) -> list[Any]:
        with self._usable():
            return self._db.execute(sql, values).fetchall()

    def _value(self, sql: str) -> Any:
        return self._all(sql)[0][0]

    @contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            reason = getattr(error, "strerror", None) or error
            raise NoConnection(f"cannot use the simulator's file {self.path}: {reason}") from None

    def _connect(self) -> sqlite3.Connection:
        private_folder(self.path.parent)
        private_file(self.path)
        db = sqlite3.connect(self.path, timeout=10, isolation_level=None, check_same_thread=False)
        try:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version not in (0, SCHEMA):
                raise sqlite3.DatabaseError(f"it was written by another version of virt-jobs (schema {version})")
            # What a power cut may cost a simulator is not worth waiting for the disk.
            db.execute("PRAGMA synchronous = OFF")
            if version == 0:
                with locked(self.path):
                    self._create(db)
        except BaseException:
            db.close()
            raise
        return db

    def _create(self, db: sqlite3.Connection) -> None:
        db.execute("PRAGMA journal_mode = WAL")
        machine = ", ".join(f"{name} PRIMARY KEY" if name == "uuid" else name for name in _MACHINE)
        plan = ", ".join(f"{name} INTEGER PRIMARY KEY AUTOINCREMENT" if name == "id" else name for name in _PLAN)
        for statement in (
            "BEGIN IMMEDIATE",
            f"CREATE TABLE IF NOT EXISTS machines ({machine})",
            f"CREATE TABLE IF NOT EXISTS plans ({plan}, due REAL)",
            "CREATE INDEX IF NOT EXISTS by_due ON plans (due) WHERE due IS NOT NULL",
            # No domain ever has two jobs.
            "CREATE UNIQUE INDEX IF NOT EXISTS one_job ON plans (uuid) WHERE due IS NOT NULL",
            "CREATE TABLE IF NOT EXISTS events (seq INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT)",
            "CREATE TABLE IF NOT EXISTS settings (name PRIMARY KEY, value)",
            f"PRAGMA user_version = {SCHEMA}",
            "COMMIT",
        ):
            db.execute(statement)


def _names(columns: list[str]) -> str:
    return ", ".join(columns)


def _machine(row: Any) -> Machine:
    uuid, name, number, memory, id, state, reason, lively, record, last = row
    return Machine(uuid, name, number, memory, id, DomainState(state), reason, bool(lively), record, last)


# Few rows change between two looks, and making 10,000 objects takes longer than reading their rows.
@functools.lru_cache(maxsize=20_000)
def _domain(row: Any) -> Domain:
    uuid, id, name, state, reason, memory, hung = row
    return Domain(DomainKey(uuid, id, name), DomainState(state), reason, memory, not hung)


@functools.lru_cache(maxsize=20_000)
def _plan(row: Any) -> Plan:
    values = dict(zip(_PLAN, row, strict=True))
    return Plan(**{name: _CONVERTERS[name](value) if name in _CONVERTERS else value for name, value in values.items()})


def _event_text(event: Event) -> str:
    values: dict[str, Any] = {"kind": type(event).__name__}
    match event:
        case LifecycleEvent(event=kind, detail=detail):
            values.update(event=int(kind), detail=detail)
        case JobEvent(stats=stats):
            values.update(stats=to_json(stats))
        case DumpEvent(completed=completed, error=error):
            values.update(completed=completed, error=error)
        case RecordEvent():
            pass
        case _:
            raise TypeError(f"{event} is not shared")
    domain = event.domain
    return json.dumps({**values, "uuid": domain.uuid, "id": domain.id, "name": domain.name})


def _event(text: str) -> Event:
    values = json.loads(text)
    domain = DomainKey(values["uuid"], values["id"], values["name"])
    match values["kind"]:
        case "LifecycleEvent":
            return LifecycleEvent(domain, Lifecycle(values["event"]), values["detail"])
        case "JobEvent":
            return JobEvent(domain, from_json(values["stats"]))
        case "DumpEvent":
            return DumpEvent(domain, values["completed"], values["error"])
        case _:
            return RecordEvent(domain)
