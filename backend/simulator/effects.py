"""What each stage of a plan does to its domain, and the events it causes. Pure: no clock, no store."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace

from backend.events import DumpEvent, Event, JobEvent, Lifecycle, LifecycleEvent
from backend.model import DomainState, JobOperation, JobStats, JobType
from backend.simulator.machine import Machine
from backend.simulator.plan import Ending, Plan

Effect = tuple[Machine, list[Event]]
"""The domain afterwards, and the events in their order."""

_PAUSE_REASONS = {
    JobOperation.DUMP: "dumping",
    JobOperation.SAVE: "saving",
    JobOperation.SNAPSHOT: "creating snapshot",
}
_STARTS = {
    JobOperation.START: ("starting up", "booted"),
    JobOperation.RESTORE: ("starting up", "restored"),
    JobOperation.MIGRATION_IN: ("migrating", "migrated"),
}
"""Operations that start their domain: why it is paused meanwhile, and why it runs afterwards."""


def fits(operation: JobOperation, machine: Machine) -> bool:
    """Whether such a job can begin on the domain in its present state."""
    return machine.active != (operation in _STARTS)


def start(plan: Plan, machine: Machine, new_id: Callable[[], int]) -> Effect:
    """The job begins. If it starts the domain, the domain gets its running id from `new_id`."""
    if plan.operation in _STARTS:
        reason, detail = _STARTS[plan.operation]
        machine = replace(machine, id=new_id()).paused(reason)
        return machine, [LifecycleEvent(machine.key, Lifecycle.STARTED, detail)]
    if plan.operation in _PAUSE_REASONS and machine.running:
        machine = machine.paused(_PAUSE_REASONS[plan.operation])
        return machine, [LifecycleEvent(machine.key, Lifecycle.SUSPENDED, "paused")]
    return machine, []


def stop(plan: Plan, machine: Machine) -> Effect:
    """The work stops, finished or not. The job still exists while its file is closed."""
    if plan.memory_only:
        killed = plan.ending is Ending.FAILED and plan.fate
        return machine, [] if killed or plan.hung else [DumpEvent(machine.key, plan.finished, _qemu_error(plan))]
    if plan.streamed and plan.finished and plan.operation not in _STARTS:
        # libvirt reports a stream as completed even if closing its file then fails.
        stats = plan.final_stats()
        return replace(machine, last=to_json(stats)), [JobEvent(machine.key, stats)]
    return machine, []


def end(plan: Plan, machine: Machine) -> Effect:
    """The job ends, and the domain resumes, stops or stays as it is."""
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
    """The statistics as text for the store; `from_json` reads it."""
    return json.dumps({name: value for name, value in asdict(stats).items() if value is not None})


def from_json(text: str) -> JobStats:
    values = json.loads(text)
    return JobStats.from_params(values.pop("type"), values)


def _qemu_error(plan: Plan) -> str:
    return "" if plan.finished else "dump: failed to save memory: No space left on device"
