"""What proves the end of jobs that are no dumps."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend.events import JobEvent, Lifecycle
from backend.job_stats import JobStats, JobType
from backend.model import JobOperation
from backend.outcome import Evidence, Verdict
from backend.verdicts.attachment import Attachment
from backend.verdicts.observations import Observation, Sampled
from tests.unit.verdicts.observing import (
    BACK,
    GONE,
    KEY,
    LOST,
    lifecycle,
    stats,
    verdict_of,
)

PULLED = replace(stats(success=True), operation=JobOperation.BACKUP, disk_temp_used=0, disk_temp_total=1 << 28)
"""What a pull backup leaves: no error, and yet nobody knows what was read."""


@pytest.mark.parametrize(
    ("operation", "event", "verdict"),
    [
        (JobOperation.SAVE, lifecycle(Lifecycle.STOPPED, "saved"), Verdict.COMPLETED),
        (JobOperation.MIGRATION_OUT, lifecycle(Lifecycle.STOPPED, "migrated"), Verdict.COMPLETED),
        (JobOperation.MIGRATION_IN, lifecycle(Lifecycle.RESUMED, "migrated"), Verdict.COMPLETED),
        (JobOperation.MIGRATION_IN, lifecycle(Lifecycle.SUSPENDED, "paused"), Verdict.COMPLETED),
        (JobOperation.MIGRATION_IN, lifecycle(Lifecycle.STOPPED, "failed"), Verdict.FAILED),
        (JobOperation.MIGRATION_IN, lifecycle(Lifecycle.STOPPED, "destroyed"), Verdict.FAILED),
        (JobOperation.MIGRATION_IN, GONE, Verdict.UNPROVEN),
        (JobOperation.MIGRATION_OUT, lifecycle(Lifecycle.SUSPENDED, "migrated"), Verdict.FAILED),
        (JobOperation.SAVE, lifecycle(Lifecycle.STOPPED, "destroyed"), Verdict.FAILED),
        (JobOperation.SNAPSHOT, lifecycle(Lifecycle.RESUMED, "unpaused"), Verdict.UNPROVEN),
        (JobOperation.SAVE, GONE, Verdict.FAILED),
        (JobOperation.MIGRATION_OUT, GONE, Verdict.FAILED),
        (JobOperation.BACKUP, GONE, Verdict.UNPROVEN),
        (JobOperation.BACKUP, JobEvent(KEY, stats(success=True)), Verdict.COMPLETED),
        (JobOperation.BACKUP, JobEvent(KEY, stats(success=False, errmsg="no space")), Verdict.FAILED),
        (JobOperation.BACKUP, JobEvent(KEY, stats(success=False)), Verdict.FAILED),
        (JobOperation.BACKUP, JobEvent(KEY, stats(type=JobType.CANCELLED, success=False)), Verdict.CANCELLED),
        (JobOperation.BACKUP, JobEvent(KEY, stats(success=False, errmsg="Operation canceled")), Verdict.FAILED),
        (JobOperation.BACKUP, JobEvent(KEY, stats(success=True, errmsg="Operace zrušena")), Verdict.UNPROVEN),
        (JobOperation.BACKUP, JobEvent(KEY, PULLED), Verdict.UNPROVEN),
        (JobOperation.BACKUP, JobEvent(KEY, replace(PULLED, success=False)), Verdict.FAILED),
        (JobOperation.SNAPSHOT, JobEvent(KEY, stats(type=JobType.COMPLETED)), Verdict.UNPROVEN),
        (JobOperation.SNAPSHOT, lifecycle(Lifecycle.STOPPED, "destroyed"), Verdict.FAILED),
        (JobOperation.SNAPSHOT_REVERT, lifecycle(Lifecycle.STOPPED, "snapshot"), Verdict.UNPROVEN),
        (JobOperation.SNAPSHOT_REVERT, lifecycle(Lifecycle.STOPPED, "destroyed"), Verdict.FAILED),
        (JobOperation.RESTORE, lifecycle(Lifecycle.STOPPED, "failed"), Verdict.FAILED),
        (JobOperation(11), GONE, Verdict.UNPROVEN),
    ],
)
def test_what_proves_the_end_of_other_operations(operation: JobOperation, event: Observation, verdict: Verdict) -> None:
    running = Sampled(replace(stats(), operation=operation), 100.0)
    outcome = verdict_of(running, event, GONE, operation=operation)
    assert outcome is not None
    assert outcome.verdict is verdict


@pytest.mark.parametrize("operation", [JobOperation.SAVE, JobOperation.MIGRATION_OUT])
def test_an_aborted_job_whose_domain_is_still_here_is_cancelled(operation: JobOperation) -> None:
    running = Sampled(replace(stats(), operation=operation), 100.0)
    cancelled = Sampled(replace(stats(1050, 200, JobType.CANCELLED), operation=operation), 100.1)
    outcome = verdict_of(running, cancelled, GONE, operation=operation)
    assert outcome is not None
    assert (outcome.verdict, outcome.evidence) == (Verdict.CANCELLED, Evidence.STATS)


def test_an_abort_of_a_save_that_came_too_late_is_no_abort() -> None:
    cancelled = Sampled(replace(stats(1050, 200, JobType.CANCELLED), operation=JobOperation.SAVE), 100.1)
    saved = lifecycle(Lifecycle.STOPPED, "saved")
    outcome = verdict_of(cancelled, saved, operation=JobOperation.SAVE)
    assert outcome is not None
    assert outcome.verdict is Verdict.COMPLETED


def test_a_migration_that_a_dead_daemon_forgot_may_have_gone_over() -> None:
    running = Sampled(replace(stats(), operation=JobOperation.MIGRATION_OUT), 100.0)
    outcome = verdict_of(running, LOST, BACK, GONE, operation=JobOperation.MIGRATION_OUT)
    assert outcome is not None
    assert outcome.verdict is Verdict.UNPROVEN


def test_a_migration_in_that_nobody_looked_at_for_long_is_the_same_one() -> None:
    attachment = Attachment(KEY, JobOperation.MIGRATION_IN, None)
    arriving = JobStats(JobType.UNBOUNDED, JobOperation.MIGRATION_IN)
    for sent in (100.0, 130.0):
        attachment.observe(Sampled(arriving, sent), sent)
    assert not attachment.ended


def test_the_end_of_a_backup_is_its_own_after_an_answer_that_took_long() -> None:
    # A hypervisor that writes to a full disk is slow to answer, and says how long the job had lasted when it was asked.
    attachment = Attachment(KEY, JobOperation.BACKUP, None)
    attachment.observe(Sampled(replace(stats(1000), operation=JobOperation.BACKUP), 100.0), 102.0)
    attachment.observe(JobEvent(KEY, stats(3010, success=False, errmsg="no space")), 102.01)
    attachment.observe(GONE, 102.1)
    outcome = attachment.outcome(200.0)
    assert outcome is not None
    assert (outcome.verdict, outcome.error) == (Verdict.FAILED, "no space")


@pytest.mark.parametrize("elapsed", [900, 1500, 5000])
def test_what_is_told_of_an_earlier_backup_says_nothing_of_this_one(elapsed: int) -> None:
    running = Sampled(replace(stats(1000), operation=JobOperation.BACKUP), 100.0)
    outcome = verdict_of(running, JobEvent(KEY, stats(elapsed, success=True)), GONE, operation=JobOperation.BACKUP)
    assert outcome is not None
    assert outcome.verdict is Verdict.UNPROVEN
