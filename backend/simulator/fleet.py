"""Which domains a simulator begins with, and the jobs that keep it lively.

All of it follows from names and numbers alone, so that every process makes the same fleet. A job that the
simulator runs of its own accord is followed by the next on the same domain, for as long as someone looks.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from backend.model import DomainState, JobOperation
from backend.simulator import plan as plans
from backend.simulator.machine import Machine, new_machine
from backend.simulator.options import MIB
from backend.simulator.plan import Plan

DEMO = "demo"
DEFAULT_DOMAINS = 12
DEFAULT_MEMORY = 4096 * MIB
CATCH_UP = 30.0
"""Seconds of the jobs that nobody saw that are played through when someone looks again."""

_RUNNING_KINDS = (
    JobOperation.BACKUP,
    JobOperation.MIGRATION_OUT,
    JobOperation.SNAPSHOT,
    JobOperation.DUMP,
    JobOperation.SAVE,
    JobOperation.BACKUP,
    JobOperation.SNAPSHOT_DELETE,
)
_RETURNS = {
    "saved": JobOperation.RESTORE,
    "migrated": JobOperation.MIGRATION_IN,
}
_REASONS = {DomainState.RUNNING: "booted", DomainState.PAUSED: "user", DomainState.SHUTOFF: "shutdown"}


@dataclass(frozen=True, slots=True)
class _Part:
    """One machine of the demonstration: what it is and, for a lively one, what it is first seen doing."""

    name: str
    gib: float
    state: DomainState = DomainState.RUNNING
    first: JobOperation | None = None


_DEMO = (
    _Part("db-01", 4),
    _Part("db-02", 6, first=JobOperation.BACKUP),
    _Part("web-01", 2),
    _Part("web-02", 2, first=JobOperation.MIGRATION_OUT),
    _Part("web-03", 2, DomainState.PAUSED),
    _Part("cache-01", 3, first=JobOperation.DUMP),
    _Part("mail-01", 4, first=JobOperation.SNAPSHOT),
    _Part("build-01", 8, first=JobOperation.SAVE),
    _Part("build-02", 8, DomainState.SHUTOFF),
    _Part("gitlab [ci/runner]", 4),
    _Part("we[ir]d [/x] ünïcode", 1),
    _Part("経理サーバー", 4),
    _Part("שרת-דואר", 2),
    _Part("win-2022", 8),
)


def machines(simulator: str, domains: int | None, jobs: int | None, memory: int | None) -> list[Machine]:
    """The fleet of the simulator of that name, in order, without ids; None stands for what its name implies."""
    parts = _DEMO if simulator == DEMO else ()
    count = domains if domains is not None else len(parts) or DEFAULT_DOMAINS
    fleet = []
    for number in range(count):
        part = parts[number] if number < len(parts) else _Part(f"vm-{number + 1:02}", DEFAULT_MEMORY / 2**30)
        machine = new_machine(simulator, part.name, number, memory or int(part.gib * 2**30))
        lively = part.first is not None if jobs is None else number < jobs
        fleet.append(replace(machine, lively=lively, state=part.state, reason=_REASONS[part.state]))
    return fleet


def first_plan(machine: Machine, now: float) -> Plan:
    """What a lively machine of a new simulator is doing: some of it is done already."""
    chance = _chance(machine, 0)
    part = _part(machine)
    kind = part.first if part and part.first else chance.choice(_RUNNING_KINDS)
    plan = _plan(machine, kind, now, chance)
    return _moved(plan, -chance.uniform(0.1, 0.7) * plan.length)


def next_plan(machine: Machine, turn: int, after: float, now: float) -> Plan:
    """The job that follows on a lively machine whose last one ended at `after`; `turn` tells it from others."""
    chance = _chance(machine, turn)
    kind = chance.choice(_RUNNING_KINDS) if machine.id is not None else _RETURNS.get(machine.reason, JobOperation.START)
    pause = chance.uniform(1.0, 6.0) if _part(machine) else 0.0
    return _plan(machine, kind, max(after, now - CATCH_UP) + pause, chance)


def _plan(machine: Machine, kind: JobOperation, begun: float, chance: random.Random) -> Plan:
    length = chance.uniform(15.0, 45.0)
    if kind in (JobOperation.START, JobOperation.RESTORE, JobOperation.SNAPSHOT):
        length /= 3
    total = machine.memory * 5 if kind in (JobOperation.BACKUP, JobOperation.SNAPSHOT_DELETE) else machine.memory
    return plans.operation(machine, kind, begun, length, total)


def _part(machine: Machine) -> _Part | None:
    return next((part for part in _DEMO if part.name == machine.name), None)


def _moved(plan: Plan, seconds: float) -> Plan:
    return replace(plan, begun=plan.begun + seconds, stop=plan.stop + seconds, end=plan.end + seconds)


def _chance(machine: Machine, turn: int) -> random.Random:
    return random.Random(f"{machine.uuid}/{turn}")
