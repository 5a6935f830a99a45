"""The fleet of a simulator: its initial domains, and the jobs that the simulator itself starts on some of them.

Everything follows from names and numbers, so every process generates the same fleet. On a *lively* machine the
simulator starts the next job after each one.
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
"""How many seconds back jobs are generated when nobody has read the simulator for longer."""

_RUNNING_KINDS = (
    JobOperation.BACKUP,
    JobOperation.MIGRATION_OUT,
    JobOperation.SNAPSHOT,
    JobOperation.DUMP,
    JobOperation.SAVE,
    JobOperation.BACKUP,
    JobOperation.SNAPSHOT_DELETE,
)
_RETURN_KINDS = {
    "saved": JobOperation.RESTORE,
    "migrated": JobOperation.MIGRATION_IN,
}
_REASONS = {DomainState.RUNNING: "booted", DomainState.PAUSED: "user", DomainState.SHUTOFF: "shutdown"}


@dataclass(frozen=True, slots=True)
class _DemoMachine:
    """A machine of the demonstration, and the operation of its first job if it is lively."""

    name: str
    gib: float
    state: DomainState = DomainState.RUNNING
    first: JobOperation | None = None


_DEMO = (
    _DemoMachine("db-01", 4),
    _DemoMachine("db-02", 6, first=JobOperation.BACKUP),
    _DemoMachine("web-01", 2),
    _DemoMachine("web-02", 2, first=JobOperation.MIGRATION_OUT),
    _DemoMachine("web-03", 2, DomainState.PAUSED),
    _DemoMachine("cache-01", 3, first=JobOperation.DUMP),
    _DemoMachine("mail-01", 4, first=JobOperation.SNAPSHOT),
    _DemoMachine("build-01", 8, first=JobOperation.SAVE),
    _DemoMachine("build-02", 8, DomainState.SHUTOFF),
    _DemoMachine("gitlab [ci/runner]", 4),
    _DemoMachine("we[ir]d [/x] ünïcode", 1),
    _DemoMachine("経理サーバー", 4),
    _DemoMachine("שרת-דואר", 2),
    _DemoMachine("win-2022", 8),
)


def machines(simulator: str, domains: int | None, jobs: int | None, memory: int | None) -> list[Machine]:
    """The fleet of the simulator of that name, in its order, without running ids.

    `memory` is in bytes. None stands for the default, which depends on the name.
    """
    demo = _DEMO if simulator == DEMO else ()
    count = domains if domains is not None else len(demo) or DEFAULT_DOMAINS
    fleet = []
    for number in range(count):
        template = demo[number] if number < len(demo) else _DemoMachine(f"vm-{number + 1:02}", DEFAULT_MEMORY / 2**30)
        machine = new_machine(simulator, template.name, number, memory or int(template.gib * 2**30))
        lively = template.first is not None if jobs is None else number < jobs
        fleet.append(replace(machine, lively=lively, state=template.state, reason=_REASONS[template.state]))
    return fleet


def first_plan(machine: Machine, now: float) -> Plan:
    """The first job of a lively machine in a new simulator; it has been running for a while."""
    chance = _chance(machine, 0)
    demo = _demo_machine(machine)
    kind = demo.first if demo and demo.first else chance.choice(_RUNNING_KINDS)
    plan = _plan(machine, kind, now, chance)
    return _moved(plan, -chance.uniform(0.1, 0.7) * plan.length)


def next_plan(machine: Machine, turn: int, after: float, now: float) -> Plan:
    """The next job of a lively machine whose last one ended at `after`; `turn` differs for each job."""
    chance = _chance(machine, turn)
    kind = chance.choice(_RUNNING_KINDS) if machine.active else _RETURN_KINDS.get(machine.reason, JobOperation.START)
    pause = chance.uniform(1.0, 6.0) if _demo_machine(machine) else 0.0
    return _plan(machine, kind, max(after, now - CATCH_UP) + pause, chance)


def _plan(machine: Machine, kind: JobOperation, begun: float, chance: random.Random) -> Plan:
    length = chance.uniform(15.0, 45.0)
    if kind in (JobOperation.START, JobOperation.RESTORE, JobOperation.SNAPSHOT):
        length /= 3
    total = machine.memory * 5 if kind in (JobOperation.BACKUP, JobOperation.SNAPSHOT_DELETE) else machine.memory
    return plans.operation(machine, kind, begun, length, total)


def _demo_machine(machine: Machine) -> _DemoMachine | None:
    return next((demo for demo in _DEMO if demo.name == machine.name), None)


def _moved(plan: Plan, seconds: float) -> Plan:
    return replace(plan, begun=plan.begun + seconds, stop=plan.stop + seconds, end=plan.end + seconds)


def _chance(machine: Machine, turn: int) -> random.Random:
    return random.Random(f"{machine.uuid}/{turn}")
