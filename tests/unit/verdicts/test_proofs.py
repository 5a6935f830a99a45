"""What proves the end of a dump, and what does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend.errors import NoConnection, NoSuchDomain, NotAnswering, OperationFailed
from backend.events import ConnectionEvent, DumpEvent, Lifecycle
from backend.job_stats import JobType
from backend.model import DomainState, JobOperation
from backend.outcome import Evidence, Verdict
from backend.records.record import RecordState
from backend.verdicts.attachment import Attachment
from backend.verdicts.observations import Observation, RecordSeen, Sampled, SampleFailed
from backend.verdicts.phase import GRACE, ORPHAN_GRACE, RECONNECT_GRACE
from tests.unit.verdicts.observing import (
    BACK,
    CLOSING,
    GONE,
    HELD,
    KEY,
    LOST,
    RUNNING,
    TOTAL,
    checked,
    lifecycle,
    record,
    seen,
    stats,
    verdict_of,
)


def test_a_job_that_is_merely_gone_is_unproven() -> None:
    outcome = verdict_of(RUNNING, GONE)
    assert outcome is not None
    assert (outcome.verdict, outcome.evidence) == (Verdict.UNPROVEN, Evidence.NONE)


def test_a_job_that_was_seen_closing_and_is_gone_is_unproven() -> None:
    outcome = verdict_of(RUNNING, CLOSING, GONE)
    assert outcome is not None
    assert outcome.verdict is Verdict.UNPROVEN
    assert "closing" in outcome.detail


def test_qemus_own_completed_is_told_and_proves_nothing() -> None:
    outcome = verdict_of(RUNNING, DumpEvent(KEY, True, ""), GONE)
    assert outcome is not None
    assert (outcome.verdict, outcome.evidence) == (Verdict.UNPROVEN, Evidence.HYPERVISOR)


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        (RecordState.COMPLETED, Verdict.COMPLETED),
        (RecordState.FAILED, Verdict.FAILED),
        (RecordState.CANCELLED, Verdict.CANCELLED),
    ],
)
def test_the_records_result_is_the_verdict_at_once(state: RecordState, verdict: Verdict) -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, record())
    attachment.observe(RUNNING, 100.0)
    assert attachment.outcome(100.0) is None
    attachment.observe(RecordSeen(record(state, error="why"), False), 100.1)
    outcome = attachment.outcome(100.1)
    assert outcome is not None
    assert (outcome.verdict, outcome.evidence, outcome.error) == (verdict, Evidence.RESULT, "why")


def test_the_result_of_another_record_says_nothing() -> None:
    other = replace(record(RecordState.COMPLETED), id="b")
    outcome = verdict_of(RUNNING, RecordSeen(other, False), GONE, of_record=record())
    assert outcome is not None
    assert outcome.verdict is Verdict.UNPROVEN


def test_a_dump_whose_result_was_lost_before_its_job_was_seen_is_not_starting_for_ever() -> None:
    # Its runner writes that down and ends: it may be seen alive and yet have nothing more to tell.
    outcome = verdict_of(RecordSeen(record(RecordState.LOST), True), GONE, of_record=record())
    assert outcome is not None
    assert outcome.verdict is Verdict.UNPROVEN


def test_a_record_that_lost_its_result_says_nothing() -> None:
    outcome = verdict_of(RUNNING, RecordSeen(record(RecordState.LOST), False), GONE, of_record=record())
    assert outcome is not None
    assert outcome.verdict is Verdict.UNPROVEN


@pytest.mark.parametrize(
    "proof",
    [
        DumpEvent(KEY, False, "disk full"),
        SampleFailed(OperationFailed("dump query failed, status=3", code=9)),
        Sampled(stats(1050, 200, JobType.FAILED), 100.1),
        lifecycle(Lifecycle.STOPPED, "destroyed"),
        lifecycle(Lifecycle.STOPPED, "failed"),
    ],
)
def test_what_proves_a_failure(proof: Observation) -> None:
    outcome = verdict_of(RUNNING, proof, GONE)
    assert outcome is not None
    assert outcome.verdict is Verdict.FAILED


def test_a_domain_destroyed_when_the_hypervisor_had_finished_is_unproven() -> None:
    outcome = verdict_of(RUNNING, DumpEvent(KEY, True, ""), lifecycle(Lifecycle.STOPPED, "destroyed"))
    assert outcome is not None
    assert outcome.verdict is Verdict.UNPROVEN


@pytest.mark.parametrize(
    ("left", "dump_events", "verdict"),
    [
        (900, False, Verdict.FAILED),
        (3, False, Verdict.UNPROVEN),
        (3, True, Verdict.FAILED),
        (0, True, Verdict.UNPROVEN),
    ],
)
def test_a_domain_destroyed_under_a_dump_that_may_have_been_done(
    left: int, dump_events: bool, verdict: Verdict
) -> None:
    # Nobody writes 900 GiB in a tenth of a second, but maybe 3; unless the hypervisor would have told of that.
    attachment = Attachment(KEY, JobOperation.DUMP, None, dump_events=dump_events)
    attachment.observe(Sampled(stats(1000, TOTAL - left), 100.0), 100.0)
    attachment.observe(lifecycle(Lifecycle.STOPPED, "destroyed"), 100.1)
    outcome = attachment.outcome(100.1 + GRACE)
    assert outcome is not None
    assert outcome.verdict is verdict


def test_a_domain_destroyed_after_it_went_on_is_not_a_failed_dump() -> None:
    outcome = verdict_of(RUNNING, lifecycle(Lifecycle.RESUMED, "unpaused"), lifecycle(Lifecycle.STOPPED, "destroyed"))
    assert outcome is not None
    assert outcome.verdict is Verdict.UNPROVEN


@pytest.mark.parametrize("operation", [JobOperation.DUMP, JobOperation.BACKUP])
def test_a_domain_destroyed_after_an_outage_is_unproven(operation: JobOperation) -> None:
    # The job may have ended in the outage, and what told of it was lost.
    running = Sampled(replace(stats(), operation=operation), 100.0)
    outcome = verdict_of(running, LOST, BACK, lifecycle(Lifecycle.STOPPED, "destroyed"), operation=operation)
    assert outcome is not None
    assert (outcome.verdict, outcome.evidence) == (Verdict.UNPROVEN, Evidence.NONE)


@pytest.mark.parametrize(
    ("outage", "verdict"), [((), Verdict.COMPLETED), ((LOST, BACK), Verdict.UNPROVEN)], ids=["seen", "after an outage"]
)
def test_a_domain_stopped_as_crashed_when_the_hypervisor_had_finished(
    outage: tuple[Observation, ...], verdict: Verdict
) -> None:
    # After an outage, the dump may have failed in its last step, and the guest have crashed by itself.
    outcome = verdict_of(RUNNING, CLOSING, *outage, lifecycle(Lifecycle.STOPPED, "crashed"))
    assert outcome is not None
    assert outcome.verdict is verdict


def test_a_domain_destroyed_after_an_outage_in_which_the_job_was_seen_again_has_failed() -> None:
    again = Sampled(stats(1200, 120), 100.3)
    outcome = verdict_of(RUNNING, LOST, BACK, again, lifecycle(Lifecycle.STOPPED, "destroyed"))
    assert outcome is not None
    assert outcome.verdict is Verdict.FAILED


def test_why_a_domain_is_gone_is_waited_for() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    for observation in (RUNNING, HELD, SampleFailed(NoSuchDomain("gone")), checked(whole=False, linked=False)):
        attachment.observe(observation, 100.0)
    assert attachment.outcome(100.0) is None
    attachment.observe(lifecycle(Lifecycle.STOPPED, "destroyed"), 100.1)
    outcome = attachment.outcome(100.1)
    assert outcome is not None
    assert (outcome.verdict, outcome.evidence) == (Verdict.FAILED, Evidence.LIFECYCLE)


def test_a_domain_that_went_on_before_it_was_gone_is_not_a_failed_dump() -> None:
    gone, went_on = SampleFailed(NoSuchDomain("gone")), lifecycle(Lifecycle.RESUMED, "unpaused")
    outcome = verdict_of(RUNNING, gone, went_on, lifecycle(Lifecycle.STOPPED, "destroyed"))
    assert outcome is not None
    assert outcome.verdict is Verdict.UNPROVEN


def test_type_cancelled_proves_an_abort() -> None:
    outcome = verdict_of(RUNNING, Sampled(stats(1050, 200, JobType.CANCELLED), 100.1), GONE)
    assert outcome is not None
    assert (outcome.verdict, outcome.evidence) == (Verdict.CANCELLED, Evidence.STATS)


def test_an_abort_that_came_too_late_is_decided_by_the_result() -> None:
    cancelled = Sampled(stats(1050, 200, JobType.CANCELLED), 100.1)
    outcome = verdict_of(RUNNING, cancelled, GONE, RecordSeen(record(RecordState.COMPLETED), False), of_record=record())
    assert outcome is not None
    assert outcome.verdict is Verdict.COMPLETED


def test_a_lost_connection_is_no_end_until_it_stays_away() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    attachment.observe(RUNNING, 100.0)
    attachment.observe(ConnectionEvent(False, "gone"), 100.1)
    assert attachment.outcome(100.1 + RECONNECT_GRACE - 1) is None
    with pytest.raises(NoConnection):
        attachment.outcome(100.1 + RECONNECT_GRACE)


def test_a_job_that_is_still_there_after_the_connection_is_back_goes_on() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    attachment.observe(Sampled(stats(1000, 100), 100.0), 100.0)
    attachment.observe(ConnectionEvent(False, "gone"), 100.1)
    attachment.observe(ConnectionEvent(True), 140.0)
    attachment.observe(Sampled(stats(41000, 700), 140.0), 140.0)
    assert attachment.outcome(1000.0) is None


def test_what_went_wrong_in_asking_ends_nothing() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    attachment.observe(RUNNING, 100.0)
    attachment.observe(SampleFailed(NotAnswering("5 s")), 105.0)
    assert attachment.outcome(1000.0) is None


def test_a_dump_whose_daemon_died_goes_on_while_its_domain_stays_paused() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    for observation in (RUNNING, HELD, LOST, BACK, GONE, seen(DomainState.PAUSED)):
        attachment.observe(observation, 100.0)
    assert attachment.orphaned
    for second in range(1, 100):
        attachment.observe(checked(whole=False, size=second), 100.0 + second)
        assert attachment.outcome(100.0 + second) is None
    attachment.observe(checked(whole=True, size=100), 200.0)
    outcome = attachment.outcome(200.0)
    assert outcome is not None
    assert (outcome.verdict, outcome.evidence, outcome.left_paused) == (Verdict.COMPLETED, Evidence.FILE, True)


def test_a_file_that_is_whole_while_there_is_no_connection_proves_the_end() -> None:
    outcome = verdict_of(RUNNING, HELD, LOST, checked(whole=False), checked(whole=True))
    assert outcome is not None
    assert (outcome.verdict, outcome.evidence) == (Verdict.COMPLETED, Evidence.FILE)
    assert "left paused" in outcome.detail


def test_a_file_that_is_not_whole_while_there_is_no_connection_proves_nothing() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    for observation in (RUNNING, HELD, LOST, checked(whole=False)):
        attachment.observe(observation, 100.0)
    assert attachment.outcome(110.0) is None


def test_a_dump_whose_daemon_died_and_of_which_nothing_is_heard_is_unproven() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    for observation in (RUNNING, LOST, BACK, GONE, seen(DomainState.PAUSED)):
        attachment.observe(observation, 100.0)
    assert attachment.outcome(100.0 + ORPHAN_GRACE - 1) is None
    outcome = attachment.outcome(100.0 + ORPHAN_GRACE)
    assert outcome is not None
    assert (outcome.verdict, outcome.left_paused) == (Verdict.UNPROVEN, True)


def test_a_dump_whose_domain_runs_again_after_the_daemon_is_over() -> None:
    outcome = verdict_of(RUNNING, LOST, BACK, GONE, seen(DomainState.RUNNING))
    assert outcome is not None
    assert (outcome.verdict, outcome.left_paused) == (Verdict.UNPROVEN, False)


def test_only_what_says_that_the_dump_failed_is_taken_for_its_failure() -> None:
    outcome = verdict_of(RUNNING, SampleFailed(OperationFailed("internal error", code=1)), GONE)
    assert outcome is not None
    assert outcome.verdict is Verdict.UNPROVEN


def test_the_word_of_qemu_on_a_second_dump_is_not_about_the_first() -> None:
    first, second = DumpEvent(KEY, True, ""), DumpEvent(KEY, False, "the other's")
    outcome = verdict_of(RUNNING, first, GONE, second)
    assert outcome is not None
    assert (outcome.verdict, outcome.evidence) == (Verdict.UNPROVEN, Evidence.HYPERVISOR)
