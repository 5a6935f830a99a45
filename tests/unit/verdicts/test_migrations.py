"""Verdicts on migrations: post-copy that failed, and the downtime at the end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend.events import JobEvent, Lifecycle
from backend.job_stats import JobStats, JobType, Postcopy
from backend.model import JobOperation
from backend.outcome import Evidence, Outcome, Verdict
from backend.verdicts.attachment import Attachment
from backend.verdicts.observations import Sampled
from backend.verdicts.phase import EVENT_LAG, RECOVERY_GRACE
from tests.unit.verdicts.observing import BACK, GONE, KEY, LOST, lifecycle, stats

OUT, IN = JobOperation.MIGRATION_OUT, JobOperation.MIGRATION_IN
BOTH = pytest.mark.parametrize("operation", [OUT, IN])
MIGRATED = {OUT: lifecycle(Lifecycle.STOPPED, "migrated"), IN: lifecycle(Lifecycle.RESUMED, "migrated")}


def sampled(at: float, postcopy: Postcopy | None = None, operation: JobOperation = OUT) -> Sampled:
    """A look at a migration that began at 99.0."""
    if operation is IN:
        return Sampled(JobStats(JobType.UNBOUNDED, IN, postcopy=postcopy), at)
    return Sampled(replace(stats(round((at - 99) * 1000)), operation=OUT, postcopy=postcopy), at)


def attached(operation: JobOperation = OUT, postcopy: Postcopy | None = None) -> Attachment:
    attachment = Attachment(KEY, operation, None)
    attachment.observe(sampled(100.0, postcopy, operation), 100.0)
    return attachment


def outcome_at(attachment: Attachment, now: float) -> Outcome:
    outcome = attachment.outcome(now)
    assert outcome is not None
    return outcome


@BOTH
def test_a_failed_post_copy_is_not_failed_and_is_not_waited_for_forever(operation: JobOperation) -> None:
    attachment = attached(operation, Postcopy.ACTIVE)
    attachment.observe(sampled(101.0, Postcopy.FAILED, operation), 101.0)
    attachment.observe(sampled(105.0, Postcopy.FAILED, operation), 105.0)
    assert attachment.due == 101.0 + RECOVERY_GRACE
    assert attachment.outcome(101.0 + RECOVERY_GRACE - 0.1) is None
    outcome = outcome_at(attachment, 101.0 + RECOVERY_GRACE)
    assert (outcome.verdict, outcome.evidence) == (Verdict.UNPROVEN, Evidence.NONE)
    assert "--postcopy-resume" in outcome.detail
    assert not outcome.left_paused


@BOTH
def test_one_that_was_broken_before_anyone_attached_is_told_all_the_same(operation: JobOperation) -> None:
    attachment = attached(operation, Postcopy.FAILED)
    assert outcome_at(attachment, 100.0 + RECOVERY_GRACE).verdict is Verdict.UNPROVEN


@BOTH
def test_one_that_is_recovered_is_waited_for(operation: JobOperation) -> None:
    attachment = attached(operation, Postcopy.FAILED)
    attachment.observe(sampled(104.0, Postcopy.ACTIVE, operation), 104.0)
    assert attachment.due is None
    assert attachment.outcome(200.0) is None
    attachment.observe(MIGRATED[operation], 201.0)
    assert outcome_at(attachment, 202.0).verdict is Verdict.COMPLETED


@BOTH
def test_one_whose_domain_is_destroyed_failed(operation: JobOperation) -> None:
    attachment = attached(operation, Postcopy.FAILED)
    attachment.observe(lifecycle(Lifecycle.STOPPED, "destroyed"), 104.0)
    assert outcome_at(attachment, 104.0).verdict is Verdict.FAILED


def test_a_lost_connection_does_not_put_off_what_is_said_of_a_failed_post_copy() -> None:
    attachment = attached(OUT, Postcopy.FAILED)
    attachment.observe(LOST, 101.0)
    assert outcome_at(attachment, 100.0 + RECOVERY_GRACE).verdict is Verdict.UNPROVEN


def test_a_migration_whose_daemon_is_back_without_it_stays_unproven() -> None:
    attachment = attached(OUT, Postcopy.FAILED)
    for at, observation in ((101.0, LOST), (102.0, BACK), (102.1, GONE)):
        attachment.observe(observation, at)
    assert outcome_at(attachment, 110.0).verdict is Verdict.UNPROVEN


def final(downtime: int | None, elapsed: int = 2000, operation: JobOperation = OUT) -> JobEvent:
    return JobEvent(KEY, replace(stats(elapsed), operation=operation, downtime=downtime))


def test_the_downtime_is_told_with_the_end() -> None:
    attachment = attached()
    attachment.observe(MIGRATED[OUT], 101.0)
    assert attachment.outcome(101.0) is None
    attachment.observe(final(163), 101.01)
    outcome = outcome_at(attachment, 101.01)
    assert (outcome.verdict, outcome.downtime) == (Verdict.COMPLETED, 163)


def test_the_end_does_not_wait_long_for_the_downtime() -> None:
    attachment = attached()
    attachment.observe(MIGRATED[OUT], 101.0)
    assert attachment.due == 101.0 + EVENT_LAG
    outcome = outcome_at(attachment, 101.0 + EVENT_LAG)
    assert (outcome.verdict, outcome.downtime) == (Verdict.COMPLETED, None)


@pytest.mark.parametrize("event", [final(163, elapsed=500), final(163, operation=JobOperation.SAVE)])
def test_the_downtime_of_another_job_is_not_told(event: JobEvent) -> None:
    attachment = attached()
    attachment.observe(MIGRATED[OUT], 101.0)
    attachment.observe(event, 101.01)
    assert outcome_at(attachment, 102.0).downtime is None


def test_a_migration_that_failed_has_no_downtime() -> None:
    attachment = attached()
    attachment.observe(final(163), 101.0)
    attachment.observe(GONE, 101.1)
    outcome = outcome_at(attachment, 101.1)
    assert (outcome.verdict, outcome.downtime) == (Verdict.FAILED, None)
