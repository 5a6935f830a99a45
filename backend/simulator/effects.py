"""What each stage of a domain's own job does to it, and the events it causes. Pure: no clock, no store."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace

from backend.events import DumpEvent, Event, JobBegan, JobEvent, Lifecycle, LifecycleEvent
from backend.job_stats import JobStats, JobType
from backend.model import DomainState, JobOperation, Operation
from backend.simulator.machine import Machine
from backend.simulator.plans.backup import CANCELED, PullBackup
from backend.simulator.plans.panic import PanicDump
from backend.simulator.plans.plan import Ending, Plan

Effect = tuple[Machine, list[Event]]
"""The domain afterwards, and the events in their order."""

IO_ERROR = "I/O error"
"""Why a guest is paused whose disk reported an error; the event of that has it as its detail."""

_PAUSE_REASONS: Mapping[Operation, str] = {
    JobOperation.DUMP: "dumping",
    JobOperation.SAVE: "saving",
    JobOperation.SNAPSHOT: "creating snapshot",
}
_STARTS: Mapping[Operation, tuple[str, str]] = {
    JobOperation.START: ("starting up", "booted"),
    JobOperation.RESTORE: ("starting up", "restored"),
    JobOperation.MIGRATION_IN: ("migrating", "migrated"),
}
"""Operations that start their domain: why it is paused meanwhile, and why it runs afterwards."""


def fits(operation: Operation, machine: Machine) -> bool:
    """Whether such a job can begin on the domain in its present state."""
    return machine.active != (operation in _STARTS)


def start(plan: Plan, machine: Machine, new_id: Callable[[], int]) -> Effect:
    """The job begins. If it starts the domain, the domain gets its running id from `new_id`."""
    events: list[Event] = []
    if plan.operation in _STARTS:
        reason, detail = _STARTS[plan.operation]
        machine = replace(machine, id=new_id()).paused(reason)
        events.append(LifecycleEvent(machine.key, Lifecycle.STARTED, detail))
    elif isinstance(plan, PanicDump):
        machine = replace(machine, state=DomainState.CRASHED, reason="panicked")
        events.append(LifecycleEvent(machine.key, Lifecycle.CRASHED, "panicked"))
    elif plan.operation in _PAUSE_REASONS and machine.running:
        machine = machine.paused(_PAUSE_REASONS[plan.operation])
        events.append(LifecycleEvent(machine.key, Lifecycle.SUSPENDED, "paused"))
    # QEMU does not report the start of a memory-only dump.
    return machine, events if plan.memory_only else [*events, JobBegan(machine.key, block=False)]


def last_phase(machine: Machine) -> Effect:
    """The last round of a migration begins, for which the guest stands still."""
    if not machine.running:
        return machine, []
    machine = machine.paused("migrating")
    return machine, [LifecycleEvent(machine.key, Lifecycle.SUSPENDED, "migrated")]


def start_postcopy(machine: Machine) -> Effect:
    """The guest runs on the other host from now on, and stands still here."""
    machine = machine.paused("post-copy")
    return machine, [LifecycleEvent(machine.key, Lifecycle.SUSPENDED, "post-copy")]


def break_postcopy(machine: Machine) -> Effect:
    """The link of a post-copy is cut; nobody may let the guest run on this side."""
    machine = machine.paused("post-copy failed")
    return machine, [LifecycleEvent(machine.key, Lifecycle.SUSPENDED, "post-copy error")]


def fail_io(machine: Machine) -> Effect:
    """The guest's disk reports an error, for which the hypervisor pauses it."""
    machine = machine.paused(IO_ERROR)
    return machine, [LifecycleEvent(machine.key, Lifecycle.SUSPENDED, IO_ERROR)]


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
        stats = _backup_stats(plan)
        machine = replace(machine, last=to_json(stats))
        events.append(JobEvent(machine.key, stats))
    if plan.fate:
        machine, event = machine.stopped(plan.fate)
        events.append(event)
    elif isinstance(plan, PanicDump):
        # Without its dump, the guest is left as it crashed.
        if completed and plan.restart:
            machine = machine.resumed("crashed")
            events.append(LifecycleEvent(machine.key, Lifecycle.RESUMED, "unpaused"))
        elif completed:
            machine, event = machine.stopped("crashed")
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


def _backup_stats(plan: Plan) -> JobStats:
    """What a backup leaves. An aborted pull backup counts as a success: its client may have read all it wanted."""
    ended = {Ending.COMPLETED: JobType.COMPLETED, Ending.CANCELLED: JobType.CANCELLED}
    job_type = ended.get(plan.ending, JobType.FAILED)
    error = plan.error
    if plan.ending is Ending.CANCELLED:
        error = CANCELED
        if isinstance(plan, PullBackup):
            job_type = JobType.COMPLETED
    return replace(
        plan.final_stats(),
        type=job_type,
        time_elapsed=plan.elapsed(plan.end),
        success=job_type is JobType.COMPLETED,
        errmsg=error or None,
    )


def to_json(stats: JobStats) -> str:
    """The statistics as text for the store; `from_json` reads it."""
    return json.dumps({name: value for name, value in asdict(stats).items() if value is not None})


def from_json(text: str) -> JobStats:
    values = json.loads(text)
    return JobStats.from_params(values.pop("type"), values)


def _qemu_error(plan: Plan) -> str:
    return "" if plan.finished else "dump: failed to save memory: No space left on device"
