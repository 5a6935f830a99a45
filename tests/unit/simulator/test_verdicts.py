"""Every operation of the simulator is judged as its like on real QEMU is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend.errors import DomainNotRunning, OperationFailed
from backend.events import Event
from backend.model import DomainState, JobOperation, MigrationLimits
from backend.outcome import Evidence, Verdict
from backend.simulator import effects
from backend.simulator.machine import Machine, new_machine
from backend.simulator.options import MIB, Fail
from backend.simulator.plans import backup, domain_jobs, migration
from backend.simulator.plans import plan as plans
from backend.simulator.plans.panic import panic_dump
from backend.simulator.plans.plan import Plan
from backend.verdicts.attachment import Attachment
from backend.verdicts.observations import Sampled, SampleFailed
from backend.verdicts.phase import FILE_GRACE

BEGUN = 1000.0
OFF = new_machine("test", "vm", 1, 64 * MIB)
RUNNING = replace(OFF, id=7, state=DomainState.RUNNING, reason="booted")


def verdict_of(plan: Plan, machine: Machine) -> tuple[Verdict, Evidence]:
    """What someone learns who attaches when the job begins and is told everything."""
    machine, _ = effects.start(plan, machine, lambda: 8)
    attachment = Attachment(machine.key, plan.operation, None)

    def watch(begin: float, end: float) -> None:
        for step in range(10):
            now = begin + (end - begin) * step / 10
            try:
                stats = plan.stats(now)
            except OperationFailed as error:
                attachment.observe(SampleFailed(error), now)
            else:
                if stats is not None:
                    attachment.observe(Sampled(stats, now), now)

    def hear(events: list[Event], now: float) -> None:
        for event in events:
            attachment.observe(event, now)

    watch(plan.begun, plan.stop)
    machine, events = effects.stop(plan, machine)
    hear(events, plan.stop)
    watch(plan.stop, plan.end)
    machine, events = effects.end(plan, machine)
    hear(events, plan.end)
    gone = Sampled(None, plan.end) if machine.id else SampleFailed(DomainNotRunning("not running"))
    attachment.observe(gone, plan.end)
    outcome = attachment.outcome(plan.end + FILE_GRACE)
    assert outcome is not None
    return outcome.verdict, outcome.evidence


def planned(kind: JobOperation) -> tuple[Plan, Machine]:
    machine = OFF if effects.fits(kind, OFF) else RUNNING
    return domain_jobs.operation(machine, kind, BEGUN, 10, 64 * MIB), machine


COMPLETED = (Verdict.COMPLETED, Evidence.LIFECYCLE)
FAILED = (Verdict.FAILED, Evidence.LIFECYCLE)
CANCELLED = (Verdict.CANCELLED, Evidence.STATS)
UNPROVEN = (Verdict.UNPROVEN, Evidence.NONE)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (JobOperation.SAVE, COMPLETED),
        (JobOperation.MIGRATION_OUT, COMPLETED),
        (JobOperation.MIGRATION_IN, COMPLETED),
        (JobOperation.BACKUP, (Verdict.COMPLETED, Evidence.JOB_EVENT)),
        (JobOperation.SNAPSHOT, UNPROVEN),
        (JobOperation.SNAPSHOT_DELETE, UNPROVEN),
        (JobOperation.START, UNPROVEN),
        (JobOperation.RESTORE, UNPROVEN),
    ],
)
def test_one_that_is_done(kind: JobOperation, expected: tuple[Verdict, Evidence]) -> None:
    assert verdict_of(*planned(kind)) == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (JobOperation.SAVE, CANCELLED),
        (JobOperation.MIGRATION_OUT, CANCELLED),
        (JobOperation.MIGRATION_IN, FAILED),
        (JobOperation.BACKUP, (Verdict.CANCELLED, Evidence.JOB_EVENT)),
        (JobOperation.SNAPSHOT, CANCELLED),
    ],
)
def test_one_that_is_aborted(kind: JobOperation, expected: tuple[Verdict, Evidence]) -> None:
    plan, machine = planned(kind)
    assert verdict_of(plans.aborted(plan, BEGUN + 5), machine) == expected


@pytest.mark.parametrize(
    "kind", [JobOperation.SAVE, JobOperation.MIGRATION_OUT, JobOperation.SNAPSHOT, JobOperation.MIGRATION_IN]
)
def test_one_whose_domain_is_destroyed(kind: JobOperation) -> None:
    plan, machine = planned(kind)
    assert verdict_of(plans.cut_short(plan, BEGUN + 5, "destroyed"), machine) == FAILED


def test_a_backup_whose_domain_is_destroyed() -> None:
    plan, machine = planned(JobOperation.BACKUP)
    assert verdict_of(plans.cut_short(plan, BEGUN + 5, "destroyed"), machine)[0] is Verdict.FAILED


@pytest.mark.parametrize("kind", [JobOperation.SAVE, JobOperation.MIGRATION_OUT])
def test_an_abort_that_comes_too_late(kind: JobOperation) -> None:
    plan, machine = planned(kind)
    assert verdict_of(plans.aborted(plan, (plan.stop + plan.end) / 2), machine) == COMPLETED


def test_a_migration_that_is_helped() -> None:
    plan = migration.migration(RUNNING, BEGUN, 10, load=2, working_set=32 * MIB)
    plan = migration.limited(plan, BEGUN + 100, MigrationLimits(max_downtime=10_000))
    assert verdict_of(plan, RUNNING) == COMPLETED


def test_a_pull_backup_that_is_aborted_proves_nothing() -> None:
    plan = plans.aborted(backup.pull(RUNNING, BEGUN, 10, 64 * MIB), BEGUN + 5)
    assert verdict_of(plan, RUNNING)[0] is Verdict.UNPROVEN


@pytest.mark.parametrize(("restart", "expected"), [(True, (Verdict.UNPROVEN, Evidence.HYPERVISOR)), (False, COMPLETED)])
def test_a_dump_by_libvirt_is_not_failed_by_what_follows_it(restart: bool, expected: tuple[Verdict, Evidence]) -> None:
    assert verdict_of(panic_dump(RUNNING, BEGUN, 10, restart), RUNNING) == expected


def test_a_dump_by_libvirt_into_a_full_disk_has_failed() -> None:
    plan = panic_dump(RUNNING, BEGUN, 10, restart=False, fail=Fail.DISK_FULL)
    assert verdict_of(plan, RUNNING)[0] is Verdict.FAILED
