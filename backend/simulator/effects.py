"""What the stages of a plan do to its domain, and what the hypervisor tells of it. Pure: no clock, no store."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace

from backend.events import DumpEvent, Event, JobEvent, Lifecycle, LifecycleEvent
from backend.model import DomainState, JobOperation, JobStats, JobType
from backend.simulator.machine import Machine
from backend.simulator.plan import Ending, Plan

Effect = tuple[Machine, list[Event]]

_PAUSES = {
    JobOperation.DUMP: "dumping",
    JobOperation.SAVE: "saving",
    JobOperation.SNAPSHOT: "creating snapshot",
}
_STARTS = {
    JobOperation.START: ("starting up", "booted"),
    JobOperation.RESTORE: ("starting up", "restored"),
    JobOperation.MIGRATION_IN: ("migrating", "migrated"),
}


def fits(operation: JobOperation, machine: Machine) -> bool:
    """Whether such a job can begin on the domain as it is."""
    return (machine.id is None) == (operation in _STARTS)


def begun(plan: Plan, machine: Machine, new_id: Callable[[], int]) -> Effect:
    """The job begins; a domain that is started by it gets one from `new_id`."""
    if plan.operation in _STARTS:
        reason, detail = _STARTS[plan.operation]
        machine = replace(machine, id=new_id()).paused(reason)
        return machine, [LifecycleEvent(machine.key, Lifecycle.STARTED, detail)]
    if plan.operation in _PAUSES and machine.running:
        machine = machine.paused(_PAUSES[plan.operation])
        return machine, [LifecycleEvent(machine.key, Lifecycle.SUSPENDED, "paused")]
    return machine, []


def stopped(plan: Plan, machine: Machine) -> Effect:
    """The work stops, done or not; the job is not over yet."""
    if plan.memory_only:
        killed = plan.ending is Ending.FAILED and plan.fate
        return machine, [] if killed or plan.hung else [DumpEvent(machine.key, plan.finished, _qemu_error(plan))]
    if plan.streamed and plan.finished and plan.operation not in _STARTS:
        # Said of a stream even if its file cannot be closed well.
        stats = plan.final_stats()
        return replace(machine, last=to_json(stats)), [JobEvent(machine.key, stats)]
    return machine, []


def over(plan: Plan, machine: Machine) -> Effect:
    """The job ends."""
    events: list[Event] = []
    completed = plan.ending is Ending.COMPLETED
    if plan.operation is JobOperation.BACKUP:
        error = "Operation canceled" if plan.ending is Ending.CANCELLED else plan.error
        elapsed = plan.elapsed(plan.end)
        ended = {Ending.COMPLETED: JobType.COMPLETED, Ending.CANCELLED: JobType.CANCELLED}
        stats = replace(
            plan.final_stats(),
            type=ended.get(plan.ending, JobType.FAILED),
            time_elapsed=elapsed,
            success=completed,
            errmsg=error or None,
        )
        machine = replace(machine, last=to_json(stats))
        events.append(JobEvent(machine.key, stats))
    if plan.fate:
        machine, event = machine.stopped(plan.fate)
        events.append(event)
    elif plan.operation in _STARTS:
        if completed:
            detail = "migrated" if plan.operation is JobOperation.MIGRATION_IN else "unpaused"
            machine = machine.resumed(_STARTS[plan.operation][1])
            events.append(LifecycleEvent(machine.key, Lifecycle.RESUMED, detail))
        else:
            machine, event = machine.stopped("failed")
            events.append(event)
    elif plan.was_running and machine.state is DomainState.PAUSED:
        machine = machine.resumed("unpaused")
        events.append(LifecycleEvent(machine.key, Lifecycle.RESUMED, "unpaused"))
    return machine, events


def to_json(stats: JobStats) -> str:
    return json.dumps({name: value for name, value in asdict(stats).items() if value is not None})


def from_json(text: str) -> JobStats:
    values = json.loads(text)
    return JobStats.from_params(values.pop("type"), values)


def _qemu_error(plan: Plan) -> str:
    return "" if plan.finished else "dump: failed to save memory: No space left on device"
