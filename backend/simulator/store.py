"""The state of one simulator: a SQLite file that any number of processes share. It stores; it knows no rules."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backend.errors import NoConnection
from backend.events import Event
from backend.model import Domain
from backend.records.filesystem import is_local
from backend.records.folder import locked, private_file, private_folder, state_folder
from backend.simulator import rows
from backend.simulator.machine import Machine
from backend.simulator.plans.plan import Plan, Stage
from backend.simulator.rows import MACHINE_COLUMNS, PLAN_COLUMNS

SCHEMA = 3
HISTORY = 10_000
"""How many events and ended plans are kept for processes that have not read them yet."""
FIRST_DEFINED = 1_000_000
"""The place in the list of the first domain that is not part of the fleet."""

_DOMAINS = (
    "SELECT m.uuid, m.id, m.name, m.state, m.reason, m.memory, ifnull(p.hung, 0) FROM machines m "
    "LEFT JOIN plans p ON p.uuid = m.uuid AND p.due IS NOT NULL AND p.hung AND p.stage = ?"
)
"""Rows for `rows.domain_of`; the value is that of Stage.WORKING."""
_MACHINE_NAMES, _PLAN_NAMES = ", ".join(MACHINE_COLUMNS), ", ".join(PLAN_COLUMNS)


def path_of(name: str) -> Path:
    """The file of the simulator of that name."""
    return state_folder() / "simulators" / f"{name}.db"


class Store:
    """One connection to a simulator's file, for one thread. All methods raise NoConnection if the file is unusable."""

    def __init__(self, name: str) -> None:
        self.path = path_of(name)
        with self._usable():
            self._db = self._connect()

    def close(self) -> None:
        self._db.close()

    def panic_dump(self, name: str) -> Path:
        """Where libvirt itself dumps the domain of that name; the next dump overwrites it, lest they pile up."""
        return self.path.with_name(f"{self.path.stem}-dumps") / name.replace("/", "_")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes inside take effect, or none; no other connection writes meanwhile."""
        self._do("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._do("ROLLBACK")
            raise
        self._do("COMMIT")

    def version(self) -> int:
        """A number that changes whenever another connection, in any process, has changed the file."""
        return int(self._value("PRAGMA data_version"))

    def domains(self) -> list[Domain]:
        """All domains, in their order."""
        return [rows.domain_of(row) for row in self._all(f"{_DOMAINS} ORDER BY number", Stage.WORKING)]

    def some_domains(self, uuids: Iterable[str]) -> dict[str, Domain]:
        """Those that exist of these, by uuid."""
        sql = f"{_DOMAINS} WHERE m.uuid IN (SELECT value FROM json_each(?))"
        matches = self._all(sql, Stage.WORKING, json.dumps(list(uuids)))
        return {domain.key.uuid: domain for domain in map(rows.domain_of, matches)}

    def machines(self) -> list[Machine]:
        """All machines, in their order."""
        return [rows.machine_of(row) for row in self._all(f"SELECT {_MACHINE_NAMES} FROM machines ORDER BY number")]

    def ids(self, uuids: Iterable[str]) -> dict[str, int | None]:
        """The running id of each domain that exists, by uuid; None if it is shut off."""
        sql = "SELECT uuid, id FROM machines WHERE uuid IN (SELECT value FROM json_each(?))"
        return dict(self._all(sql, json.dumps(list(uuids))))

    def machine(self, uuid: str) -> Machine | None:
        row = self._first(f"SELECT {_MACHINE_NAMES} FROM machines WHERE uuid = ?", uuid)
        return rows.machine_of(row) if row else None

    def put_machines(self, machines: Iterable[Machine]) -> None:
        """Store new machines or the new states of machines."""
        marks = ", ".join("?" * len(MACHINE_COLUMNS))
        with self._usable():
            sql = f"INSERT OR REPLACE INTO machines VALUES ({marks})"
            self._db.executemany(sql, map(rows.machine_values, machines))

    def remove(self, uuid: str) -> None:
        """Delete a domain and its plans."""
        self._do("DELETE FROM plans WHERE uuid = ?", uuid)
        self._do("DELETE FROM machines WHERE uuid = ?", uuid)

    def plan(self, uuid: str, disk: str = "") -> Plan | None:
        """The domain's own job, or that of the disk, that is not over; it may be planned only. None without one."""
        sql = f"SELECT {_PLAN_NAMES} FROM plans WHERE uuid = ? AND disk = ? AND due IS NOT NULL"
        row = self._first(sql, uuid, disk)
        return rows.plan_of(row) if row else None

    def plans(self, uuids: Iterable[str]) -> list[Plan]:
        """The jobs of many domains and their disks that are not over; they may be planned only."""
        matches = self._all(
            f"SELECT {_PLAN_NAMES} FROM plans INDEXED BY one_job "
            "WHERE uuid IN (SELECT value FROM json_each(?)) AND due IS NOT NULL",
            json.dumps(list(uuids)),
        )
        return [rows.plan_of(row) for row in matches]

    def plan_by_number(self, number: int) -> Plan | None:
        row = self._first(f"SELECT {_PLAN_NAMES} FROM plans WHERE id = ?", number)
        return rows.plan_of(row) if row else None

    def first_due(self) -> float | None:
        """When the next stage of any plan is due, in seconds since the epoch; None if no job is planned."""
        due = self._value("SELECT min(due) FROM plans WHERE due IS NOT NULL")
        return None if due is None else float(due)

    def next_due(self, now: float) -> Plan | None:
        """The plan whose next stage has been due longest; None if nothing is due."""
        row = self._first(
            f"SELECT {_PLAN_NAMES} FROM plans WHERE due <= ? AND due IS NOT NULL ORDER BY due LIMIT 1", now
        )
        return rows.plan_of(row) if row else None

    def put_plan(self, plan: Plan) -> int:
        """Store a new plan or the new state of one; returns its number."""
        marks = ", ".join("?" * (len(PLAN_COLUMNS) + 1))
        with self._usable():
            cursor = self._db.execute(
                f"INSERT OR REPLACE INTO plans VALUES ({marks})", (*rows.plan_values(plan), plan.due)
            )
            return int(cursor.lastrowid or 0)

    def remove_plan(self, plan: Plan) -> None:
        self._do("DELETE FROM plans WHERE id = ?", plan.id)

    def add_events(self, events: Iterable[Event]) -> None:
        """Append to the events that every process reads."""
        with self._usable():
            self._db.executemany(
                "INSERT INTO events (body) VALUES (?)", [(rows.event_text(event),) for event in events]
            )

    def last_event(self) -> int:
        """The number of the latest event; 0 before the first."""
        return int(self._value("SELECT ifnull(max(seq), 0) FROM events"))

    def events_after(self, seq: int) -> list[tuple[int, Event]]:
        """The later events in their order, each with its number."""
        later = self._all("SELECT seq, body FROM events WHERE seq > ? ORDER BY seq", seq)
        return [(row[0], rows.event_of(row[1])) for row in later]

    def prune(self) -> None:
        """Delete events and ended plans that are too old for anyone to need."""
        self._do("DELETE FROM events WHERE seq <= (SELECT max(seq) FROM events) - ?", HISTORY)
        self._do("DELETE FROM plans WHERE due IS NULL AND id <= (SELECT max(id) FROM plans) - ?", HISTORY)

    def next_running_id(self) -> int:
        """A running id that no domain had before."""
        return self._count("last id", 0)

    def next_number(self) -> int:
        """The place in the list of the next domain that is not part of the fleet."""
        return self._count("last number", FIRST_DEFINED)

    def outage(self) -> tuple[float, float] | None:
        """When connections are lost and when they come back, in seconds since the epoch; None: they never are."""
        begin, end = self.setting("outage begun"), self.setting("outage end")
        return None if begin is None or end is None else (begin, end)

    def set_outage(self, begin: float, end: float) -> None:
        self.set("outage begun", begin)
        self.set("outage end", end)

    def setting(self, name: str) -> float | None:
        row = self._first("SELECT value FROM settings WHERE name = ?", name)
        return row[0] if row else None

    def set(self, name: str, value: float | None) -> None:
        self._do("INSERT OR REPLACE INTO settings VALUES (?, ?)", name, value)

    def text(self, name: str) -> str:
        """A text that was kept under that name; empty without one."""
        row = self._first("SELECT value FROM settings WHERE name = ?", name)
        return str(row[0]) if row else ""

    def put_text(self, name: str, text: str) -> None:
        self._do("INSERT OR REPLACE INTO settings VALUES (?, ?)", name, text)

    def _count(self, setting: str, before_first: int) -> int:
        number = int(self.setting(setting) or before_first) + 1
        self.set(setting, number)
        return number

    def _do(self, sql: str, *values: object) -> None:
        with self._usable():
            self._db.execute(sql, values)

    def _all(self, sql: str, *values: object) -> list[Any]:
        with self._usable():
            return self._db.execute(sql, values).fetchall()

    def _first(self, sql: str, *values: object) -> Any:
        return next(iter(self._all(sql, *values)), None)

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
                raise sqlite3.DatabaseError(f"another version of virt-jobs wrote it (schema {version}); remove it")
            # A simulator that a power cut damages is no loss worth waiting for the disk.
            db.execute("PRAGMA synchronous = OFF")
            if version == 0:
                with locked(self.path):
                    self._create(db)
        except BaseException:
            db.close()
            raise
        return db

    def _create(self, db: sqlite3.Connection) -> None:
        if is_local(self.path.parent):  # SQLite's write-ahead log is for one machine.
            db.execute("PRAGMA journal_mode = WAL")
        machine = ", ".join(f"{name} PRIMARY KEY" if name == "uuid" else name for name in MACHINE_COLUMNS)
        plan = ", ".join(f"{name} INTEGER PRIMARY KEY AUTOINCREMENT" if name == "id" else name for name in PLAN_COLUMNS)
        for statement in (
            "BEGIN IMMEDIATE",
            f"CREATE TABLE IF NOT EXISTS machines ({machine})",
            f"CREATE TABLE IF NOT EXISTS plans ({plan}, due REAL)",
            "CREATE INDEX IF NOT EXISTS by_due ON plans (due) WHERE due IS NOT NULL",
            # A domain has at most one job of its own, and one for each disk.
            "CREATE UNIQUE INDEX IF NOT EXISTS one_job ON plans (uuid, disk) WHERE due IS NOT NULL",
            "CREATE TABLE IF NOT EXISTS events (seq INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT)",
            "CREATE TABLE IF NOT EXISTS settings (name PRIMARY KEY, value)",
            f"PRAGMA user_version = {SCHEMA}",
            "COMMIT",
        ):
            db.execute(statement)
