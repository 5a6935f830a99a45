"""What must never happen, whatever is observed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.dump_request import DumpFlags
from backend.errors import BackendError, DomainNotRunning, NoConnection, NoSuchDomain, NotAnswering, OperationFailed
from backend.events import ConnectionEvent, DumpEvent, JobEvent, Lifecycle, RecordEvent
from backend.job_stats import JobType
from backend.model import DomainState, JobOperation
from backend.outcome import Evidence, Verdict
from backend.records.record import RecordState
from backend.verdicts.attachment import Attachment
from backend.verdicts.ledger import word_of_hypervisor
from backend.verdicts.observations import FileChecked, FileHeld, Observation, RecordSeen, Sampled, SampleFailed
from backend.verdicts.phase import FILE_GRACE, ORPHAN_GRACE, RUNNER_GRACE
from tests.unit.verdicts.observing import (
    GONE,
    HELD,
    KEY,
    RUNNING,
    TOTAL,
    checked,
    claimed,
    lifecycle,
    record,
    seen,
    stats,
)


def events() -> st.SearchStrategy[Observation]:
    """Anything that may be seen of a dump, short of its record's result or the event that proves success."""
    details = st.sampled_from(["destroyed", "failed", "shutdown", "paused", "unpaused", "saved", "migrated", "booted"])
    samples = st.builds(
        stats,
        st.integers(0, 60_000),
        st.integers(0, TOTAL),
        st.sampled_from([JobType(number) for number in range(1, 6)]),
    )
    errors: list[BackendError] = [
        OperationFailed("dump query failed, status=3", code=9),
        NoSuchDomain("gone"),
        DomainNotRunning("not running"),
        NotAnswering("5 s"),
        NoConnection("lost"),
    ]
    pending = st.sampled_from([RecordState.STARTING, RecordState.RUNNING, RecordState.LOST])
    return st.one_of(
        st.builds(Sampled, st.one_of(st.none(), samples), st.floats(90, 200)),
        st.builds(SampleFailed, st.sampled_from(errors)),
        st.builds(lifecycle, st.sampled_from(Lifecycle), details),
        st.builds(DumpEvent, st.just(KEY), st.booleans(), st.just("error")),
        st.builds(JobEvent, st.just(KEY), samples),
        st.builds(ConnectionEvent, st.booleans()),
        st.just(RecordEvent(KEY)),
        st.builds(FileHeld, st.floats(90, 200)),
        st.builds(checked, st.sampled_from([False, None]), st.booleans(), st.integers(0, 3)),
        st.builds(seen, st.sampled_from([DomainState.PAUSED, DomainState.RUNNING])),
        st.builds(RecordSeen, st.builds(record, pending), st.sampled_from([True, False, None])),
    )


histories = st.lists(st.tuples(events(), st.floats(0, 5)), max_size=30)


@given(histories, st.booleans())
def test_never_completed_without_a_proof(history: list[tuple[Observation, float]], recorded: bool) -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, record() if recorded else None)
    now = 100.0
    for observation, delay in history:
        now += delay
        attachment.observe(observation, now)
    attachment.observe(GONE, now)
    try:
        outcome = attachment.outcome(now + RUNNER_GRACE)
    except NoConnection:
        return
    assert outcome is None or outcome.verdict is not Verdict.COMPLETED


@given(histories)
def test_once_the_job_has_ended_and_the_grace_is_over_there_is_a_verdict(
    history: list[tuple[Observation, float]],
) -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    attachment.observe(RUNNING, 100.0)
    now = 100.0
    for observation, delay in history:
        now += delay
        attachment.observe(observation, now)
    attachment.observe(GONE, now)
    attachment.outcome(now + ORPHAN_GRACE)
    assert attachment.outcome(now + ORPHAN_GRACE + FILE_GRACE) is not None


CONTRADICTIONS: dict[str, list[Observation]] = {
    "QEMU's word": [DumpEvent(KEY, False, "disk full")],
    "job stats": [SampleFailed(OperationFailed("dump query failed, status=3", code=9))],
    "file removed": [checked(whole=False, linked=False, untouched=1000.0)],
    "file cut short": [checked(whole=False, untouched=1000.0)],
}


@pytest.mark.parametrize("contradiction", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
@given(before=histories, after=histories, own=st.booleans())
def test_no_shared_record_makes_good_what_was_seen_to_fail(
    contradiction: list[Observation],
    before: list[tuple[Observation, float]],
    after: list[tuple[Observation, float]],
    own: bool,
) -> None:
    of_the_file = isinstance(contradiction[-1], FileChecked)
    attachment = Attachment(KEY, JobOperation.DUMP, record(), shared=not own)
    now = 100.0
    for observation in (RUNNING, *((HELD,) if of_the_file else contradiction)):
        attachment.observe(observation, now)
    for observation, delay in [*before, (claimed(), 0.0), *after, (GONE, 0.0), (claimed(), 0.0)]:
        now += delay
        attachment.observe(observation, now)
    for observation in contradiction if of_the_file else ():
        attachment.observe(observation, now)
    try:
        outcome = attachment.outcome(now + FILE_GRACE)
    except NoConnection:
        return
    assert outcome is None or outcome.verdict is not Verdict.COMPLETED


SUCCESSES: dict[str, list[Observation]] = {
    "QEMU's word": [DumpEvent(KEY, True, "")],
    "complete file": [checked(whole=True, untouched=1000.0)],
}


@pytest.mark.parametrize("success", SUCCESSES.values(), ids=SUCCESSES)
@given(
    before=histories,
    after=histories,
    own=st.booleans(),
    state=st.sampled_from([RecordState.FAILED, RecordState.CANCELLED]),
    flags=st.sampled_from([DumpFlags.NONE, DumpFlags.MEMORY_ONLY]),
)
def test_no_shared_record_spoils_what_was_seen_to_succeed(
    success: list[Observation],
    before: list[tuple[Observation, float]],
    after: list[tuple[Observation, float]],
    own: bool,
    state: RecordState,
    flags: DumpFlags,
) -> None:
    of_the_file = isinstance(success[-1], FileChecked)
    attachment = Attachment(KEY, JobOperation.DUMP, record(flags=flags), shared=not own)
    now = 100.0
    for observation in (RUNNING, *((HELD,) if of_the_file else success)):
        attachment.observe(observation, now)
    claim = claimed(state, flags=flags)
    # The file of another dump would be no contradiction.
    history = [*before, (claim, 0.0), *after, (GONE, 0.0), (claim, 0.0)]
    for observation, delay in [step for step in history if not isinstance(step[0], FileHeld | FileChecked)]:
        now += delay
        attachment.observe(observation, now)
    for observation in success if of_the_file else ():
        attachment.observe(observation, now)
    known_as_its_own = not of_the_file or attachment._file.checked is not None
    heard = of_the_file or word_of_hypervisor(attachment._ledger.signs) is not None
    try:
        outcome = attachment.outcome(now + FILE_GRACE)
    except NoConnection:
        return
    if outcome is not None and outcome.evidence is Evidence.SHARED and known_as_its_own and heard:
        assert outcome.verdict is Verdict.UNPROVEN


@given(histories)
def test_the_record_has_the_last_word_whatever_else_was_seen(history: list[tuple[Observation, float]]) -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, record())
    now = 100.0
    for observation, delay in history:
        if isinstance(observation, RecordSeen):
            continue
        now += delay
        attachment.observe(observation, now)
    attachment.observe(RecordSeen(record(RecordState.COMPLETED), False), now)
    outcome = attachment.outcome(now)
    assert outcome is not None
    assert (outcome.verdict, outcome.evidence) == (Verdict.COMPLETED, Evidence.RESULT)


@given(histories)
def test_a_dump_that_goes_on_is_never_called_failed_by_what_fails_around_it(
    history: list[tuple[Observation, float]],
) -> None:
    harmless = (ConnectionEvent, RecordEvent)
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    now, elapsed = 100.0, 1000.0
    for observation, delay in history:
        now += delay
        elapsed += delay * 1000
        if isinstance(observation, harmless) or (
            isinstance(observation, SampleFailed) and isinstance(observation.error, NotAnswering | NoConnection)
        ):
            attachment.observe(observation, now)
        attachment.observe(Sampled(stats(int(elapsed), 500), now), now)
    assert attachment.outcome(now) is None
