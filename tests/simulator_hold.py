"""Simulated jobs that make no headway, and connections that stay lost, for as long as a test needs."""

from __future__ import annotations

import contextlib
import math
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from backend.model import DiskKey, DomainKey
from backend.simulator import options
from backend.simulator.options import MIB
from backend.simulator.plans import plan as plans
from backend.simulator.plans.block_job import BlockJob
from backend.simulator.plans.plan import Plan, Stage
from backend.simulator.store import Store, path_of

RATE = 300
"""MiB a second that a dump writes once it is let go."""
HELD = 1000.0
"""Seconds that a dump takes while it is held: it has the first page after a tenth of one."""
SOON = 0.5
"""Seconds that the whole work of a disk's job takes once it is let go."""
_NOW = "(julianday('now') - 2440587.5) * 86400.0"
# A job of the simulator's own begins somewhere in its middle, and stays there.
_BEGUN = f"CASE WHEN NEW.path = '' THEN {_NOW} - ({_NOW} - NEW.begun) / NEW.length * {HELD} ELSE NEW.begun END"
_STOP = f"{_BEGUN} + (NEW.stop - NEW.begun) / NEW.length * {HELD}"
# In the transaction that a job begins with. Later ones, such as that of an abort, find it held already. A job that ends
# only when someone asks for it needs no hold.
_HOLD = f"""
CREATE TRIGGER "hold {{path}}" AFTER INSERT ON plans
WHEN {{which}} AND NEW.disk = '' AND NEW.stop < 9e999 AND NEW.stage = {Stage.WORKING.value} AND NEW.length <> {HELD}
BEGIN
    UPDATE plans SET begun = {_BEGUN}, length = {HELD}, stop = {_STOP}, due = {_STOP},
    "end" = {_STOP} + NEW."end" - NEW.stop
    WHERE id = NEW.id;
END"""
_RELEASE = 'DROP TRIGGER IF EXISTS "hold {path}"'


class Hold:
    """Inside of ``with`` or ``async with``, the simulator's dump to `path` that begins there makes no headway.

    Without `path`, that is every job of the simulator. A dump that is held ends soon after `release`, or after the end
    of the block; a job that the simulator has made up stays where it is.
    """

    def __init__(self, uri: str, path: Path | None = None) -> None:
        self._simulator = options.parse(uri).name
        self._path = path

    def __enter__(self) -> Self:
        Store(self._simulator).close()  # Which makes the file where nobody has used the simulator yet.
        which = "TRUE" if self._path is None else f"NEW.path = '{self._path}'"
        self._alter(_HOLD.format(path=self._path, which=which))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def release(self, closing: bool = False) -> None:
        """Let it go on, to its end or no further than the `closing` of its file."""
        self._alter(_RELEASE.format(path=self._path))
        with contextlib.closing(Store(self._simulator)) as store, store.transaction():
            for plan in store.plans(machine.uuid for machine in store.machines()):
                if plan.path and plan.stage is not Stage.PENDING and self._path in (None, Path(plan.path)):
                    store.put_plan(_going_on(plan, closing))

    def _alter(self, statement: str) -> None:
        with contextlib.closing(sqlite3.connect(path_of(self._simulator), timeout=10)) as db:
            db.execute(statement)


def release_block_job(uri: str, key: DiskKey) -> None:
    """Let a job of a disk that was begun to last `HELD` seconds go on, to its end or until it is ready; soon."""
    with contextlib.closing(Store(options.parse(uri).name)) as store, store.transaction():
        plan = store.plan(key.domain.uuid, key.disk)
        if isinstance(plan, BlockJob) and plan.stage is Stage.WORKING and plan.length == HELD:
            now = time.time()
            if now < plan.stop:
                store.put_plan(_sooner(plan, now))


def finish_soon(uri: str, name: str) -> None:
    """Let the domain's own job, which the simulator has made up, come to its end now."""
    with contextlib.closing(Store(options.parse(uri).name)) as store, store.transaction():
        plan = store.plan(next(machine.uuid for machine in store.machines() if machine.name == name))
        assert plan is not None
        store.put_plan(_with_rest(plan, SOON))


@contextmanager
def hanging(uri: str, domain: DomainKey) -> Iterator[None]:
    """Inside of ``with``, the domain, which has a job of its own, does not answer."""
    store = Store(options.parse(uri).name)
    try:
        _set_hung(store, domain, True)
        yield
        _set_hung(store, domain, False)
    finally:
        store.close()


def _set_hung(store: Store, domain: DomainKey, hung: bool) -> None:
    with store.transaction():
        plan = store.plan(domain.uuid)
        assert plan is not None
        store.put_plan(replace(plan, hung=hung))


@contextmanager
def outage(uri: str) -> Iterator[None]:
    """Inside of ``with``, connections to the simulator are lost whose URI says ``fail=disconnect``."""
    store = Store(options.parse(uri).name)
    try:
        store.set_outage(0.0, math.inf)
        yield
    finally:
        store.set_outage(0.0, 0.0)
        store.close()


def _sooner(plan: BlockJob, now: float) -> BlockJob:
    """The plan when it has got as far as it has, and goes on much faster."""
    plan = replace(plan, begun=now - (now - plan.begun) / HELD * SOON, length=SOON)
    if plan.mirror:
        return plan
    stop = plan.begun + SOON
    return replace(plan, stop=stop, end=stop + plan.end - plan.stop)


def _going_on(plan: Plan, closing: bool) -> Plan:
    """The plan when it goes on at the simulator's own rate from now on, and fails where it would have."""
    now = time.time()
    if plan.stop <= now:
        return replace(plan, end=min(plan.end, now + plans.closing(plan.length)))
    # It may have begun just after its hold was lifted, or go on already.
    plan = _with_rest(plan, plan.total / (RATE * MIB))
    return replace(plan, end=plan.stop + HELD) if closing else plan


def _with_rest(plan: Plan, seconds: float) -> Plan:
    """The plan when its whole work takes so much longer than it has taken so far."""
    part = round((plan.stop - plan.begun) / plan.length, 3)
    length = (time.time() - plan.begun) / part + seconds
    stop = plan.begun + part * length
    return replace(plan, length=length, stop=stop, end=stop + plan.end - plan.stop)
