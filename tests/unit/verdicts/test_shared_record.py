"""What the shared record claims, held against what was seen."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend.dump_request import DumpFlags
from backend.events import DumpEvent
from backend.job_stats import JobType
from backend.model import JobOperation
from backend.outcome import Evidence, Verdict
from backend.records.record import RecordState
from backend.verdicts.attachment import Attachment
from backend.verdicts.observations import RecordSeen, Sampled
from backend.verdicts.phase import RUNNER_GRACE
from tests.unit.verdicts.observing import (
    GONE,
    HELD,
    KEY,
    RUNNING,
    checked,
    claimed,
    record,
    stats,
    verdict_of,
)


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        (RecordState.COMPLETED, Verdict.COMPLETED),
        (RecordState.FAILED, Verdict.FAILED),
    ],
)
def test_a_shared_result_is_told_as_what_it_is(state: RecordState, verdict: Verdict) -> None:
    streamed = {"flags": DumpFlags.NONE}  # One that can be aborted.
    told = claimed(state, error="why", **streamed)
    outcome = verdict_of(RUNNING, GONE, told, of_record=record(**streamed), shared=True)
    assert outcome is not None
    assert (outcome.verdict, outcome.evidence, outcome.error) == (verdict, Evidence.SHARED, "why")
    assert "The shared record of root@elsewhere says" in outcome.detail


def test_a_shared_result_is_given_the_time_for_what_speaks_against_it() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, record(), shared=True)
    for observation in (RUNNING, GONE, claimed()):
        attachment.observe(observation, 100.0)
    assert attachment.outcome(100.0) is None
    attachment.observe(DumpEvent(KEY, False, "disk full"), 100.1)
    assert attachment.due is not None and attachment.due - 100.0 < 1
    outcome = attachment.outcome(attachment.due)
    assert outcome is not None
    assert (outcome.verdict, outcome.evidence, outcome.error) == (Verdict.UNPROVEN, Evidence.SHARED, "disk full")
    assert "The dump call returned success. But: QEMU reported that the dump failed." in outcome.detail


def test_the_own_journal_is_asked_before_what_is_shared() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, record())
    for observation in (RUNNING, GONE, claimed()):
        attachment.observe(observation, 100.0)
    assert attachment.outcome(101.0) is None
    attachment.observe(RecordSeen(record(RecordState.FAILED), False), 101.0)
    outcome = attachment.outcome(101.0)
    assert outcome is not None
    assert (outcome.verdict, outcome.evidence) == (Verdict.FAILED, Evidence.RESULT)


def test_what_is_shared_serves_where_the_own_journal_never_gets_the_result() -> None:
    outcome = verdict_of(RUNNING, GONE, claimed(), of_record=record())
    assert outcome is not None
    assert (outcome.verdict, outcome.evidence) == (Verdict.COMPLETED, Evidence.SHARED)


def test_whoever_claims_the_end_of_a_job_that_still_runs_is_not_believed() -> None:
    still = Sampled(stats(1300, 200), 100.3)
    outcome = verdict_of(RUNNING, claimed(), still, GONE, claimed(), of_record=record(), shared=True)
    assert outcome is not None
    assert outcome.verdict is Verdict.UNPROVEN


def test_a_result_that_was_there_before_the_job_was_seen_is_not_its_own() -> None:
    outcome = verdict_of(RUNNING, GONE, of_record=record(RecordState.COMPLETED), shared=True)
    assert outcome is not None
    assert outcome.verdict is Verdict.UNPROVEN


def test_a_shared_result_does_not_outweigh_an_abort_that_was_seen() -> None:
    cancelled = Sampled(stats(1050, 200, JobType.CANCELLED), 100.1)
    outcome = verdict_of(RUNNING, cancelled, GONE, claimed(), of_record=record(), shared=True)
    assert outcome is not None
    assert (outcome.verdict, outcome.evidence) == (Verdict.UNPROVEN, Evidence.SHARED)


def test_a_shared_result_about_another_file_says_nothing() -> None:
    elsewhere = replace(record(), path="/dumps/elsewhere")
    told = (HELD, GONE, replace(claimed(), record=replace(claimed().record, path="/dumps/elsewhere")))
    told = (*told, checked(whole=None))
    outcome = verdict_of(RUNNING, *told, of_record=elsewhere, shared=True)
    assert outcome is not None
    assert outcome.verdict is Verdict.UNPROVEN


def test_a_dump_that_somebody_says_is_starting_is_not_waited_for_for_ever() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, record(), shared=True)
    attachment.observe(RecordSeen(record(), True, shared=True), 100.0)
    attachment.observe(GONE, 100.0)
    assert not attachment.ended
    attachment.observe(GONE, 100.0 + RUNNER_GRACE)
    assert attachment.ended


COMPLETE = (HELD, GONE, checked(whole=True))
"""The job's own file, held from before its end, is whole."""


@pytest.mark.parametrize("state", [RecordState.FAILED, RecordState.CANCELLED])
@pytest.mark.parametrize("flags", [DumpFlags.MEMORY_ONLY, DumpFlags.NONE], ids=["memory-only", "raw"])
def test_a_claimed_failure_does_not_outweigh_a_complete_file(state: RecordState, flags: DumpFlags) -> None:
    told = claimed(state, error="forged", flags=flags)
    outcome = verdict_of(RUNNING, *COMPLETE, told, of_record=record(flags=flags), shared=True)
    assert outcome is not None
    assert (outcome.verdict, outcome.evidence) == (Verdict.UNPROVEN, Evidence.SHARED)
    assert "The shared record of root@elsewhere says" in outcome.detail
    assert "Its file is whole" in outcome.detail or "cannot be aborted" in outcome.detail


@pytest.mark.parametrize("state", [RecordState.FAILED, RecordState.CANCELLED])
def test_a_claimed_failure_does_not_outweigh_qemus_own_report(state: RecordState) -> None:
    outcome = verdict_of(RUNNING, DumpEvent(KEY, True, ""), GONE, claimed(state), of_record=record(), shared=True)
    assert outcome is not None
    assert (outcome.verdict, outcome.evidence) == (Verdict.UNPROVEN, Evidence.SHARED)


def test_a_claimed_abort_of_a_dump_that_cannot_be_aborted_proves_nothing() -> None:
    outcome = verdict_of(RUNNING, GONE, claimed(RecordState.CANCELLED), of_record=record(), shared=True)
    assert outcome is not None
    assert outcome.verdict is Verdict.UNPROVEN
    assert "cannot be aborted" in outcome.detail


@pytest.mark.parametrize("seen", [True, False], ids=["an abort that was seen", "no abort was seen"])
def test_a_claimed_abort_agrees_with_a_file_that_was_removed_if_one_was_seen(seen: bool) -> None:
    # A dump that failed leaves the same behind.
    streamed = {"flags": DumpFlags.NONE}
    aborted = [Sampled(stats(1050, 200, JobType.CANCELLED), 100.1)] if seen else []
    removed = (HELD, GONE, checked(whole=False, linked=False))
    told = claimed(RecordState.CANCELLED, **streamed)
    outcome = verdict_of(RUNNING, *aborted, *removed, told, of_record=record(**streamed), shared=True)
    assert outcome is not None
    assert (outcome.verdict, outcome.evidence) == (Verdict.CANCELLED if seen else Verdict.UNPROVEN, Evidence.SHARED)


def test_a_claim_does_not_outweigh_ones_own_journal_that_says_that_the_result_was_lost() -> None:
    lost = RecordSeen(record(RecordState.LOST), False)
    outcome = verdict_of(RUNNING, GONE, lost, claimed(), of_record=record())
    assert outcome is not None
    assert (outcome.verdict, outcome.evidence) == (Verdict.UNPROVEN, Evidence.SHARED)
    assert "journal says that the result was lost" in outcome.detail


def test_a_claimed_failure_agrees_with_a_complete_file_that_was_removed() -> None:
    removed = (HELD, GONE, checked(whole=True, linked=False))
    outcome = verdict_of(RUNNING, *removed, claimed(RecordState.FAILED), of_record=record(), shared=True)
    assert outcome is not None
    assert (outcome.verdict, outcome.evidence) == (Verdict.FAILED, Evidence.SHARED)
