"""The rules for the job of a disk: what proves its end, and that nothing else does."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import DomainNotRunning, NoConnection
from backend.events import BlockJobEvent, BlockJobStatus, Lifecycle
from backend.job_stats import JobStats
from backend.model import BlockOperation, DiskKey, DiskSource
from backend.outcome import Evidence, Outcome, Verdict
from backend.verdicts.block_attachment import BlockAttachment
from backend.verdicts.observations import DiskSeen, Observation, Sampled, SampleFailed
from backend.verdicts.phase import GRACE, RECONNECT_GRACE
from tests.unit.verdicts.observing import BACK, KEY, LOST, lifecycle

DISK = DiskKey(KEY, "vda")
OLD, NEW = DiskSource("/old", mirror="/new", index=1, mirror_index=2), DiskSource("/new", index=2)
KEPT = DiskSource("/old", index=1)
STOPPED = lifecycle(Lifecycle.STOPPED, "destroyed")
GONE = Sampled(None, 0.0)


def sampled(done: int = 50, ready: bool = False, operation: BlockOperation = BlockOperation.COPY) -> Sampled:
    return Sampled(JobStats.of_block_job("vda", operation, done, 100, ready), 0.0)


def event(status: BlockJobStatus, disk: str = "vda", operation: BlockOperation = BlockOperation.COPY) -> BlockJobEvent:
    return BlockJobEvent(KEY, disk, operation, status)


COMPLETED, FAILED = event(BlockJobStatus.COMPLETED), event(BlockJobStatus.FAILED)
CANCELED, READY = event(BlockJobStatus.CANCELED), event(BlockJobStatus.READY)


def outcome_of(*observations: Observation, operation: BlockOperation = BlockOperation.COPY) -> Outcome:
    attachment, now = BlockAttachment(DISK, operation, OLD), 100.0
    for observation in observations:
        attachment.observe(observation, now)
        now += 0.1
    outcome = attachment.outcome(now + GRACE)
    assert outcome is not None
    assert (outcome.disk, outcome.operation) == ("vda", operation)
    return outcome


@pytest.mark.parametrize(
    ("observations", "verdict", "evidence"),
    [
        ([sampled(), COMPLETED], Verdict.COMPLETED, Evidence.JOB_EVENT),
        ([sampled(), FAILED], Verdict.FAILED, Evidence.JOB_EVENT),
        ([sampled(), CANCELED], Verdict.CANCELLED, Evidence.JOB_EVENT),
        ([sampled(), GONE, COMPLETED], Verdict.COMPLETED, Evidence.JOB_EVENT),
        ([sampled(), STOPPED], Verdict.FAILED, Evidence.LIFECYCLE),
        ([sampled(), CANCELED, STOPPED], Verdict.CANCELLED, Evidence.JOB_EVENT),
        ([sampled(), SampleFailed(DomainNotRunning("off")), STOPPED], Verdict.FAILED, Evidence.LIFECYCLE),
        ([sampled(), SampleFailed(DomainNotRunning("off"))], Verdict.UNPROVEN, Evidence.NONE),
        ([sampled(), GONE], Verdict.UNPROVEN, Evidence.NONE),
        ([sampled(100, True), GONE], Verdict.UNPROVEN, Evidence.NONE),
        ([sampled(), GONE, DiskSeen(NEW)], Verdict.COMPLETED, Evidence.DISK),
        ([sampled(), GONE, DiskSeen(KEPT)], Verdict.UNPROVEN, Evidence.NONE),
        ([sampled(), GONE, DiskSeen(None)], Verdict.UNPROVEN, Evidence.NONE),
        ([sampled(), GONE, DiskSeen(DiskSource("/new"))], Verdict.UNPROVEN, Evidence.NONE),
        ([sampled(), GONE, DiskSeen(DiskSource("/new", index=3))], Verdict.UNPROVEN, Evidence.NONE),
        ([sampled(), LOST, BACK, STOPPED], Verdict.UNPROVEN, Evidence.NONE),
        ([sampled(), LOST, BACK, COMPLETED, GONE], Verdict.UNPROVEN, Evidence.NONE),
        ([sampled(), LOST, BACK, GONE, DiskSeen(NEW)], Verdict.COMPLETED, Evidence.DISK),
        ([sampled(), LOST, BACK, sampled(60), COMPLETED], Verdict.COMPLETED, Evidence.JOB_EVENT),
        ([sampled(), LOST, BACK, sampled(10), COMPLETED], Verdict.UNPROVEN, Evidence.NONE),
        ([sampled(100, True), LOST, BACK, sampled(100, False)], Verdict.UNPROVEN, Evidence.NONE),
        ([sampled(), sampled(60, operation=BlockOperation.PULL)], Verdict.UNPROVEN, Evidence.NONE),
    ],
)
def test_what_proves_an_end(observations: list[Observation], verdict: Verdict, evidence: Evidence) -> None:
    outcome = outcome_of(*observations)
    assert (outcome.verdict, outcome.evidence) == (verdict, evidence)


@pytest.mark.parametrize(
    "other",
    [
        event(BlockJobStatus.COMPLETED, disk="vdb"),
        event(BlockJobStatus.COMPLETED, operation=BlockOperation.PULL),
        event(BlockJobStatus.READY),
        event(BlockJobStatus(17)),
        DiskSeen(NEW),
    ],
)
def test_what_is_about_something_else_proves_nothing(other: Observation) -> None:
    attachment = BlockAttachment(DISK, BlockOperation.COPY, OLD)
    for observation in (sampled(), other):
        attachment.observe(observation, 100.0)
    assert attachment.outcome(1000.0) is None and not attachment.ended


def test_a_lost_connection_ends_the_wait_with_a_reason_and_no_verdict() -> None:
    attachment = BlockAttachment(DISK, BlockOperation.COPY, OLD)
    attachment.observe(sampled(), 100.0)
    attachment.observe(LOST, 101.0)
    assert attachment.outcome(100.0 + RECONNECT_GRACE) is None
    with pytest.raises(NoConnection, match="the job goes on"):
        attachment.outcome(102.0 + RECONNECT_GRACE)


@pytest.mark.parametrize("first", [READY, sampled(100, True)])
def test_ready_is_no_end_however_it_is_told(first: Observation) -> None:
    attachment = BlockAttachment(DISK, BlockOperation.COPY, OLD)
    for observation in (sampled(), first, sampled(100)):
        attachment.observe(observation, 100.0)
    assert attachment.ready and not attachment.ended
    assert attachment.last is not None and attachment.last.ready


def test_all_copied_is_not_ready() -> None:
    attachment = BlockAttachment(DISK, BlockOperation.COPY, OLD)
    attachment.observe(sampled(100), 100.0)
    assert not attachment.ready


def test_an_abort_of_what_was_ready_says_that_the_copy_is_whole() -> None:
    assert "whole" in outcome_of(sampled(), READY, CANCELED).detail
    assert "whole" not in outcome_of(sampled(), CANCELED).detail


def test_a_disk_on_the_layer_that_an_active_commit_led_to_does_not_prove_which_one_did() -> None:
    seen = [sampled(100, True, BlockOperation.ACTIVE_COMMIT), LOST, BACK, GONE, DiskSeen(NEW)]
    outcome = outcome_of(*seen, operation=BlockOperation.ACTIVE_COMMIT)
    assert (outcome.verdict, outcome.evidence) == (Verdict.UNPROVEN, Evidence.NONE)
    assert outcome.detail == "The disk reads and writes /new now, which another commit may have led to."


@dataclass(frozen=True)
class Story:
    """How a job really went, and what reaches the one who waits."""

    operation: BlockOperation
    ending: BlockJobStatus | None
    """None: the domain was stopped under it."""
    follows: BlockJobStatus | None
    """How another job of the same kind on the same disk ended, right after it."""
    outage: bool
    """Whether the connection is away from before its end until after all that."""
    looks: int
    """How often the disk's job is looked at after the end."""
    looks_at_disk: bool


stories = st.builds(
    Story,
    st.sampled_from([BlockOperation.COPY, BlockOperation.PULL, BlockOperation.COMMIT, BlockOperation.ACTIVE_COMMIT]),
    st.sampled_from([BlockJobStatus.COMPLETED, BlockJobStatus.FAILED, BlockJobStatus.CANCELED, None]),
    st.sampled_from([BlockJobStatus.COMPLETED, BlockJobStatus.FAILED, BlockJobStatus.CANCELED, None]),
    st.booleans(),
    st.integers(0, 2),
    st.booleans(),
)


def truth_of(story: Story) -> Verdict:
    if story.ending is None:
        return Verdict.FAILED
    return {0: Verdict.COMPLETED, 1: Verdict.FAILED, 2: Verdict.CANCELLED}[int(story.ending)]


@given(stories)
def test_the_verdict_is_the_truth_or_unproven(story: Story) -> None:
    operation, mirrors = story.operation, story.operation.becomes_ready
    seen: list[Observation] = [sampled(50, operation=operation)]
    said: list[Observation] = []
    if story.ending is not None:
        said.append(event(story.ending, operation=operation))
        if story.follows is not None:
            said.append(event(story.follows, operation=operation))
    else:
        said.append(STOPPED)
    seen += [LOST, BACK] if story.outage else said
    seen += [GONE] * story.looks
    # The job that followed copies to the same place.
    pivoted = mirrors and story.ending == BlockJobStatus.COMPLETED
    now_at = NEW if pivoted else KEPT
    if mirrors and story.ending is not None and story.follows == BlockJobStatus.COMPLETED:
        # A copy has a new number; a layer that is committed to has the one that it always had.
        now_at = DiskSource("/new", index=3) if operation == BlockOperation.COPY else NEW
    if story.looks_at_disk:
        seen.append(DiskSeen(now_at))
    attachment, now = BlockAttachment(DISK, operation, OLD if mirrors else DiskSource("/old")), 100.0
    for observation in seen:
        attachment.observe(observation, now)
        now += 0.1
    outcome = attachment.outcome(now + GRACE)
    if outcome is None:
        assert story.outage and not story.looks
        return
    assert outcome.verdict in (truth_of(story), Verdict.UNPROVEN)
    if not story.outage:
        assert outcome.verdict is truth_of(story)
