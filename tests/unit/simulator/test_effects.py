"""What jobs do to their domains, and what is told of it: as libvirt does (LIBVIRT.md)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend.dump_request import DumpFlags, DumpFormat, DumpRequest
from backend.events import DumpEvent, Event, JobEvent, Lifecycle, LifecycleEvent
from backend.job_stats import JobType
from backend.model import DomainState, JobOperation
from backend.simulator import effects
from backend.simulator.machine import Machine, new_machine
from backend.simulator.options import MIB, Fail
from backend.simulator.plans import domain_jobs
from backend.simulator.plans import plan as plans
from backend.simulator.plans.plan import Plan

OFF = new_machine("test", "vm", 1, 64 * MIB)
RUNNING = replace(OFF, id=7, state=DomainState.RUNNING, reason="booted", record="<job/>")
PAUSED = replace(RUNNING, state=DomainState.PAUSED, reason="user")
BEGUN = 1000.0


def dump(machine: Machine, flags: DumpFlags = DumpFlags.MEMORY_ONLY, fail: Fail = Fail.NONE) -> Plan:
    request = DumpRequest(machine.key, "/dump", DumpFormat.RAW, flags)
    return domain_jobs.dump(machine, request, True, BEGUN, MIB, fail)


def operation(machine: Machine, kind: JobOperation) -> Plan:
    return domain_jobs.operation(machine, kind, BEGUN, 10, 64 * MIB)


def told(events: list[Event]) -> list[object]:
    """The events in short."""
    short: list[object] = []
    for event in events:
        match event:
            case LifecycleEvent(event=kind, detail=detail):
                short.append((kind, detail))
            case DumpEvent(completed=completed):
                short.append(("dump", completed))
            case JobEvent(stats=stats):
                short.append(("job", stats.operation, stats.success))
    return short


def lived(plan: Plan, machine: Machine) -> tuple[Machine, list[object]]:
    """The domain after the whole plan, and all that was told."""
    everything: list[Event] = []
    machine, events = effects.start(plan, machine, lambda: 8)
    everything += events
    machine, events = effects.stop(plan, machine)
    everything += events
    machine, events = effects.end(plan, machine)
    return machine, told(everything + events)


def test_a_running_guest_is_paused_for_its_dump() -> None:
    machine, events = effects.start(dump(RUNNING), RUNNING, lambda: 8)
    assert (machine.state, machine.reason) == (DomainState.PAUSED, "dumping")
    assert told(events) == [(Lifecycle.SUSPENDED, "paused")]


def test_a_memory_only_dump_from_begin_to_end() -> None:
    machine, events = lived(dump(RUNNING), RUNNING)
    assert (machine.state, machine.reason, machine.last) == (DomainState.RUNNING, "unpaused", "")
    assert events == [(Lifecycle.SUSPENDED, "paused"), ("dump", True), (Lifecycle.RESUMED, "unpaused")]


def test_a_paused_guest_stays_paused_and_nothing_is_told_of_it() -> None:
    machine, events = lived(dump(PAUSED), PAUSED)
    assert (machine.state, machine.reason) == (DomainState.PAUSED, "user")
    assert events == [("dump", True)]


def test_a_stream_leaves_stats_behind() -> None:
    machine, events = lived(dump(RUNNING, DumpFlags.NONE), RUNNING)
    assert ("job", JobOperation.DUMP, None) in events
    assert effects.from_json(machine.last).type is JobType.COMPLETED


def test_a_stream_into_a_full_disk_leaves_the_same() -> None:
    machine, events = lived(dump(RUNNING, DumpFlags.NONE, Fail.DISK_FULL), RUNNING)
    assert ("job", JobOperation.DUMP, None) in events
    assert effects.from_json(machine.last).type is JobType.COMPLETED


def test_an_aborted_stream_leaves_nothing() -> None:
    plan = plans.aborted(dump(RUNNING, DumpFlags.NONE), BEGUN + 1)
    machine, events = lived(plan, RUNNING)
    assert machine.last == ""
    assert events == [(Lifecycle.SUSPENDED, "paused"), (Lifecycle.RESUMED, "unpaused")]


def test_qemu_tells_of_its_own_failure() -> None:
    _, events = lived(dump(RUNNING, fail=Fail.DISK_FULL), RUNNING)
    assert events == [(Lifecycle.SUSPENDED, "paused"), ("dump", False), (Lifecycle.RESUMED, "unpaused")]


def test_a_crash_dump_stops_its_domain_and_takes_the_record_with_it() -> None:
    machine, events = lived(dump(RUNNING, DumpFlags.MEMORY_ONLY | DumpFlags.CRASH), RUNNING)
    assert (machine.id, machine.state, machine.reason, machine.record) == (None, DomainState.SHUTOFF, "crashed", "")
    assert events[-1] == (Lifecycle.STOPPED, "crashed")


def test_a_crash_dump_that_fails_lets_its_domain_run_on() -> None:
    machine, _ = lived(dump(RUNNING, DumpFlags.MEMORY_ONLY | DumpFlags.CRASH, Fail.DISK_FULL), RUNNING)
    assert machine.state is DomainState.RUNNING


@pytest.mark.parametrize(
    ("fail", "detail", "reason"), [(Fail.DESTROYED, "destroyed", "destroyed"), (Fail.CRASH, "failed", "crashed")]
)
def test_a_domain_that_dies_under_its_dump(fail: Fail, detail: str, reason: str) -> None:
    machine, events = lived(dump(RUNNING, fail=fail), RUNNING)
    assert (machine.state, machine.reason) == (DomainState.SHUTOFF, reason)
    assert events == [(Lifecycle.SUSPENDED, "paused"), (Lifecycle.STOPPED, detail)]


@pytest.mark.parametrize(
    ("kind", "events"),
    [
        (
            JobOperation.SAVE,
            [(Lifecycle.SUSPENDED, "paused"), ("job", JobOperation.SAVE, None), (Lifecycle.STOPPED, "saved")],
        ),
        (JobOperation.MIGRATION_OUT, [("job", JobOperation.MIGRATION_OUT, None), (Lifecycle.STOPPED, "migrated")]),
        (JobOperation.BACKUP, [("job", JobOperation.BACKUP, True)]),
        (JobOperation.SNAPSHOT_DELETE, []),
    ],
)
def test_what_proves_the_end_of_other_operations(kind: JobOperation, events: list[object]) -> None:
    assert lived(operation(RUNNING, kind), RUNNING)[1] == events


@pytest.mark.parametrize("kind", [JobOperation.SAVE, JobOperation.MIGRATION_OUT])
def test_an_aborted_operation_leaves_the_domain_running(kind: JobOperation) -> None:
    machine, _ = lived(plans.aborted(operation(RUNNING, kind), BEGUN + 1), RUNNING)
    assert machine.state is DomainState.RUNNING


def test_an_aborted_backup_says_why() -> None:
    plan = plans.aborted(operation(RUNNING, JobOperation.BACKUP), BEGUN + 1)
    machine, events = lived(plan, RUNNING)
    assert events == [("job", JobOperation.BACKUP, False)]
    assert effects.from_json(machine.last).errmsg == "Operation canceled"


@pytest.mark.parametrize(
    ("kind", "first", "last"),
    [
        (JobOperation.START, "booted", "unpaused"),
        (JobOperation.RESTORE, "restored", "unpaused"),
        (JobOperation.MIGRATION_IN, "migrated", "migrated"),
    ],
)
def test_a_domain_that_comes_up_gets_a_new_id(kind: JobOperation, first: str, last: str) -> None:
    machine, events = lived(operation(OFF, kind), OFF)
    assert (machine.id, machine.state) == (8, DomainState.RUNNING)
    assert events == [(Lifecycle.STARTED, first), (Lifecycle.RESUMED, last)]


@pytest.mark.parametrize("kind", [JobOperation.START, JobOperation.MIGRATION_IN])
def test_a_domain_that_fails_to_come_up_is_off(kind: JobOperation) -> None:
    machine, events = lived(plans.aborted(operation(OFF, kind), BEGUN + 1), OFF)
    assert (machine.id, machine.state) == (None, DomainState.SHUTOFF)
    assert events[-1] == (Lifecycle.STOPPED, "failed")
