"""Simulated dumps that make no headway for as long as a test needs: the clock of their plans is held."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from dataclasses import replace
from pathlib import Path

from backend.simulator import plan as plans
from backend.simulator.options import MIB
from backend.simulator.plan import Plan, Stage
from backend.simulator.store import Store, path_of

RATE = 300
"""MiB a second that a dump writes once it is let go."""
HELD = 1000.0
"""Seconds that a dump takes while it is held: it has the first page after a tenth of one."""
_STOP = f"NEW.begun + (NEW.stop - NEW.begun) / NEW.length * {HELD}"
# In the transaction that a dump begins with. Later ones, such as that of an abort, find it held already.
_HOLD = f"""
CREATE TRIGGER "hold {{path}}" AFTER INSERT ON plans
WHEN NEW.path = '{{path}}' AND NEW.stage = {Stage.WORKING.value} AND NEW.length <> {HELD}
BEGIN
    UPDATE plans SET length = {HELD}, stop = {_STOP}, due = {_STOP}, "end" = {_STOP} + NEW."end" - NEW.stop
    WHERE id = NEW.id;
END"""
_RELEASE = 'DROP TRIGGER IF EXISTS "hold {path}"'


def hold(simulator: str, path: Path) -> None:
    """Hold the dump to `path` that begins from now on, in whichever process, soon after its begin."""
    _alter(simulator, _HOLD.format(path=path))


def let_go(simulator: str, path: Path, closing: bool = False) -> None:
    """Let it go on, to its end or no further than the `closing` of its file."""
    _alter(simulator, _RELEASE.format(path=path))
    store = Store(simulator)
    with store.transaction():
        for machine in store.machines():
            plan = store.plan(machine.uuid)
            if plan is not None and plan.path == str(path):
                store.put_plan(_going_on(plan, closing))
    store.close()


def _alter(simulator: str, statement: str) -> None:
    with contextlib.closing(sqlite3.connect(path_of(simulator), timeout=10)) as db:
        db.execute(statement)


def _going_on(plan: Plan, closing: bool) -> Plan:
    """The plan when it goes on at the simulator's own rate from now on, and fails where it would have."""
    now = time.time()
    if plan.stop <= now:
        return replace(plan, end=min(plan.end, now + plans.closing(plan.length)))
    # It may have begun just after its hold was lifted, or go on already.
    part = round((plan.stop - plan.begun) / plan.length, 3)
    length = (now - plan.begun) / part + plan.total / (RATE * MIB)
    stop = plan.begun + part * length
    return replace(plan, length=length, stop=stop, end=stop + (HELD if closing else plan.end - plan.stop))
