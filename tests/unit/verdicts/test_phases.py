"""The phases of an attachment, until when each waits, and the ledger that it keeps."""

from __future__ import annotations

import pytest

from backend.model import DomainState, JobOperation
from backend.outcome import Evidence, Verdict
from backend.records.record import JobRecord, RecordState
from backend.verdicts.attachment import Attachment
from backend.verdicts.claims import RecordEvidence
from backend.verdicts.ledger import Ledger, Sign, last_remark, proof_by, proof_by_signs
from backend.verdicts.observations import RecordSeen, Sampled
from backend.verdicts.phase import (
    EVENT_LAG,
    FILE_GRACE,
    GRACE,
    ORPHAN_GRACE,
    RECONNECT_GRACE,
    RECOVERY_GRACE,
    RUNNER_GRACE,
    Broken,
    Closing,
    Ended,
    Link,
    Orphaned,
    Phase,
    Running,
    Starting,
    Succeeded,
    deadline,
)
from tests.unit.verdicts.observing import BACK, GONE, KEY, LOST, record, seen, stats

UP = Link()
DOWN = Link(lost_at=100.0, gap=True)
COMPLETED = record(RecordState.COMPLETED)


@pytest.mark.parametrize(
    ("phase", "link", "of_record", "shared", "alive", "awaited", "due"),
    [
        (Starting(), UP, None, False, None, False, None),
        (Running(), UP, None, False, None, False, None),
        (Closing(), UP, None, False, None, False, None),
        (Running(), DOWN, None, False, None, False, 100 + RECONNECT_GRACE),
        (Running(), DOWN, record(), False, True, False, None),
        (Running(), DOWN, record(), False, False, False, 100 + RECONNECT_GRACE),
        (Orphaned(150.0), UP, None, False, None, False, 150 + ORPHAN_GRACE),
        (Orphaned(150.0), DOWN, record(), False, True, True, 150 + ORPHAN_GRACE),
        (Broken(150.0), UP, None, False, None, False, 150 + RECOVERY_GRACE),
        (Broken(150.0), DOWN, None, False, None, False, 150 + RECOVERY_GRACE),
        (Ended(150.0), UP, None, False, None, False, 150 + GRACE),
        (Ended(150.0), DOWN, None, False, None, False, 150 + GRACE),
        (Ended(150.0), UP, record(), False, True, False, 150 + RUNNER_GRACE),
        (Ended(150.0), UP, record(), False, True, True, 150 + FILE_GRACE),
        (Ended(150.0), UP, COMPLETED, True, None, False, 150 + EVENT_LAG),
        (Succeeded(150.0, 149.0), UP, None, False, None, False, 150 + GRACE),
    ],
)
def test_until_when_a_phase_waits(
    phase: Phase, link: Link, of_record: JobRecord | None, shared: bool, alive: bool | None, awaited: bool, due: float
) -> None:
    assert deadline(phase, link, RecordEvidence(of_record, shared, alive), awaited) == due


def sign(evidence: Evidence, verdict: Verdict, detail: str = "") -> Sign:
    return Sign(100.0, evidence, verdict, detail)


def test_the_ledger_keeps_everything_but_repetitions() -> None:
    ledger = Ledger()
    first, second = sign(Evidence.STATS, Verdict.FAILED, "a"), sign(Evidence.STATS, Verdict.FAILED, "b")
    for entry in (first, first, second, second, first):
        ledger.add(entry)
    assert list(ledger.signs) == [first, second, first]


def test_the_best_kind_of_proof_counts_and_of_one_kind_the_first() -> None:
    stats_said = sign(Evidence.STATS, Verdict.CANCELLED)
    written = sign(Evidence.HYPERVISOR, Verdict.UNPROVEN)
    early, late = sign(Evidence.LIFECYCLE, Verdict.FAILED, "early"), sign(Evidence.LIFECYCLE, Verdict.COMPLETED, "late")
    assert proof_by_signs([stats_said, written]) is stats_said
    assert proof_by_signs([stats_said, written, early, late]) is early
    assert proof_by([written], Evidence.HYPERVISOR) is None
    assert proof_by_signs([]) is None


def test_the_latest_remark_describes_the_end() -> None:
    remarks = [sign(Evidence.NONE, Verdict.UNPROVEN, words) for words in ("It was closing.", "It was stopped.")]
    last = last_remark([*remarks, sign(Evidence.HYPERVISOR, Verdict.UNPROVEN, "QEMU finished.")])
    assert last is not None and last.detail == "It was stopped."
    assert last_remark([]) is None


def test_a_dump_that_was_given_up_and_is_seen_again_is_running() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, record())
    for observation in (LOST, BACK, GONE, seen(DomainState.PAUSED)):
        attachment.observe(observation, 100.0)
    assert attachment.orphaned
    attachment.observe(Sampled(stats(5000, 100), 101.0), 101.0)
    assert not attachment.orphaned
    assert attachment.outcome(101.0 + ORPHAN_GRACE) is None


def test_whether_a_runner_lives_comes_from_outside() -> None:
    alive = Attachment(KEY, JobOperation.DUMP, record(), runner_alive=True)
    unknown = Attachment(KEY, JobOperation.DUMP, record())
    for attachment in (alive, unknown):
        attachment.observe(GONE, 100.0)
    assert (alive.ended, unknown.ended) == (False, True)
    alive.observe(RecordSeen(record(), False), 100.1)
    alive.observe(GONE, 100.2)
    assert alive.ended


def test_a_dump_whose_runner_has_not_begun_is_starting() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, record(RecordState.STARTING))
    attachment.observe(GONE, 100.0)
    attachment.observe(GONE, 101.0)
    assert not attachment.ended
    attachment.observe(RecordSeen(record(), True), 102.0)
    attachment.observe(Sampled(stats(), 103.0), 103.0)
    assert attachment.outcome(103.0 + RUNNER_GRACE) is None


def test_a_dump_whose_runner_never_begins_is_over_after_a_while() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, record(RecordState.STARTING))
    for now in (100.0, 100.0 + RUNNER_GRACE):
        attachment.observe(GONE, now)
    outcome = attachment.outcome(100.0 + RUNNER_GRACE + GRACE)
    assert outcome is not None
    assert outcome.verdict is Verdict.UNPROVEN


def test_a_shared_record_without_a_runner_keeps_nobody_waiting() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, record(RecordState.STARTING), shared=True)
    attachment.observe(GONE, 100.0)
    assert attachment.ended
