"""The fleet of a simulator: its initial domains, and the jobs that the simulator itself starts on some of them.

Everything follows from names and numbers, so every process generates the same fleet. On a *lively* machine the
simulator starts the next job after each one.
"""

from __future__ import annotations

import random
from dataclasses import replace

from backend.model import DomainState, JobOperation
from backend.simulator import demo
from backend.simulator.demo import DemoMachine
from backend.simulator.machine import Machine, new_machine
from backend.simulator.plans import domain_jobs
from backend.simulator.plans.migration import migration
from backend.simulator.plans.plan import Plan

DEFAULT_DOMAINS = 12
DEFAULT_GIB = 4
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


def machines(simulator: str, domains: int | None, jobs: int | None, memory: int | None) -> list[Machine]:
    """The fleet of the simulator of that name, in its order, without running ids.

    `memory` is in bytes. None stands for the default, which depends on the name.
    """
    templates = demo.MACHINES if simulator == demo.NAME else ()
    count = domains if domains is not None else len(templates) or DEFAULT_DOMAINS
    fleet = []
    for number in range(count):
        template = templates[number] if number < len(templates) else DemoMachine(f"vm-{number + 1:02}", DEFAULT_GIB)
        machine = new_machine(simulator, template.name, number, memory or int(template.gib * 2**30))
        lively = template.lively if jobs is None else number < jobs
        reason = template.reason or _REASONS[template.state]
        fleet.append(replace(machine, lively=lively, state=template.state, reason=reason))
    return fleet


def first_plans(machine: Machine, now: float) -> list[Plan]:
    """The first jobs of a lively machine in a new simulator; most have been running for a while."""
    chance, template = _chance(machine, 0), demo.machine_of(machine.name)
    if template is not None and template.scenes:
        return [scene.make(machine, now - scene.lead, chance) for scene in template.scenes.values()]
    kind = template.first if template and template.first else chance.choice(_RUNNING_KINDS)
    length = _length(kind, chance)
    return [_plan(machine, kind, now - chance.uniform(0.1, 0.7) * length, length, chance)]


def next_plan(machine: Machine, previous: Plan, after: float, now: float) -> Plan | None:
    """The job that follows `previous`, which ended at `after`, on a lively machine; None if none does."""
    chance, template = _chance(machine, previous.id or 0), demo.machine_of(machine.name)
    after = max(after, now - CATCH_UP)
    if template is not None and template.scenes and (machine.active or previous.disk):
        scene = template.scenes.get(previous.disk)
        return scene.make(machine, after + chance.uniform(*scene.pause), chance) if scene else None
    if previous.disk:
        return None
    kind = chance.choice(_RUNNING_KINDS) if machine.active else _RETURN_KINDS.get(machine.reason, JobOperation.START)
    pause = chance.uniform(1.0, 6.0) if template else 0.0
    return _plan(machine, kind, after + pause, _length(kind, chance), chance)


def _length(kind: JobOperation, chance: random.Random) -> float:
    length = chance.uniform(15.0, 45.0)
    return length / 3 if kind in (JobOperation.START, JobOperation.RESTORE, JobOperation.SNAPSHOT) else length


def _plan(machine: Machine, kind: JobOperation, begun: float, length: float, chance: random.Random) -> Plan:
    if kind is JobOperation.MIGRATION_OUT:
        return migration(machine, begun, length, chance.uniform(0.1, 0.6), machine.memory // 4)
    total = machine.memory * 5 if kind in (JobOperation.BACKUP, JobOperation.SNAPSHOT_DELETE) else machine.memory
    return domain_jobs.operation(machine, kind, begun, length, total)


def _chance(machine: Machine, turn: int) -> random.Random:
    return random.Random(f"{machine.uuid}/{turn}")
