"""The rules of verdicts: by example for what proves what, by property for what must never happen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.attachment import FILE_GRACE, GRACE, ORPHAN_GRACE, RECONNECT_GRACE, RUNNER_GRACE, Attachment
from backend.dumpfile import DumpFile
from backend.errors import BackendError, DomainNotRunning, NoConnection, NoSuchDomain, NotAnswering, OperationFailed
from backend.events import ConnectionEvent, DumpEvent, JobEvent, Lifecycle, LifecycleEvent, RecordEvent
from backend.model import Domain, DomainKey, DomainState, DumpFlags, DumpFormat, JobOperation, JobStats, JobType
from backend.observations import FileChecked, FileHeld, Observation, RecordSeen, Sampled, SampleFailed, StateSeen
from backend.record import JobRecord, RecordState
from backend.verdict import Evidence, Outcome, Verdict

KEY = DomainKey("6d5e3a05-590e-4843-9af4-d4b2ecfa4b83", 7, "db-01")
TOTAL = 1000


def stats(elapsed: int = 1000, processed: int = 100, type: JobType = JobType.UNBOUNDED, **others: object) -> JobStats:
    values: dict[str, object] = {
        "memory_total": TOTAL,
        "memory_processed": processed,
        "memory_remaining": TOTAL - processed,
    }
    return JobStats(type, JobOperation.DUMP, time_elapsed=elapsed, **(values | others))  # type: ignore[arg-type]


def record(state: RecordState = RecordState.RUNNING, **others: object) -> JobRecord:
    values: dict[str, object] = {"ended": 1020.0} if state not in ("starting", "running") else {}
    return JobRecord(
        id="a",
        uri="qemu:///system",
        uuid=KEY.uuid,
        domain=KEY.name,
        domain_id=KEY.id,
        path="/dumps/db-01",
        format=DumpFormat.RAW,
        flags=DumpFlags.MEMORY_ONLY,
        user="root@elsewhere",
        started=1000.0,
        state=state,
        **(values | others),  # type: ignore[arg-type]
    )


def checked(whole: bool | None, linked: bool = True, size: int = 10, untouched: float = 0.0) -> FileChecked:
    return FileChecked(DumpFile("/dumps/db-01", "ELF core", size, whole, "As looked at."), linked, untouched)


def seen(state: DomainState) -> StateSeen:
    return StateSeen(Domain(KEY, state))


def lifecycle(event: Lifecycle, detail: str) -> LifecycleEvent:
    return LifecycleEvent(replace(KEY, id=None), event, detail)


def verdict_of(
    *observations: Observation,
    operation: JobOperation = JobOperation.DUMP,
    of_record: JobRecord | None = None,
    shared: bool = False,
) -> Outcome | None:
    """The outcome once all was observed, 0.1 s apart, and every grace is over."""
    attachment = Attachment(KEY, operation, of_record, shared)
    now = 100.0
    for observation in observations:
        attachment.observe(observation, now)
        now += 0.1
    try:
        return attachment.outcome(now + FILE_GRACE)
    except NoConnection:
        return None


RUNNING = Sampled(stats(), 100.0)
GONE = Sampled(None, 100.1)
CLOSING = Sampled(stats(1100, TOTAL, JobType.COMPLETED), 100.1)


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


def claimed(state: RecordState = RecordState.COMPLETED, **others: object) -> RecordSeen:
    """What the domain's shared record says in the end."""
    return RecordSeen(record(state, **others), None, shared=True)


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        (RecordState.COMPLETED, Verdict.COMPLETED),
        (RecordState.FAILED, Verdict.FAILED),
        (RecordState.CANCELLED, Verdict.CANCELLED),
    ],
)
def test_a_shared_result_is_told_as_what_it_is(state: RecordState, verdict: Verdict) -> None:
    outcome = verdict_of(RUNNING, GONE, claimed(state, error="why"), of_record=record(), shared=True)
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
    assert (outcome.verdict, outcome.evidence, outcome.error) == (Verdict.FAILED, Evidence.HYPERVISOR, "disk full")
    assert "claims that it completed" in outcome.detail


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
    told = (FileHeld(), GONE, replace(claimed(), record=replace(claimed().record, path="/dumps/elsewhere")))
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


def test_the_result_of_another_record_says_nothing() -> None:
    other = replace(record(RecordState.COMPLETED), id="b")
    outcome = verdict_of(RUNNING, RecordSeen(other, False), GONE, of_record=record())
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


def test_a_domain_destroyed_after_it_went_on_is_not_a_failed_dump() -> None:
    outcome = verdict_of(RUNNING, lifecycle(Lifecycle.RESUMED, "unpaused"), lifecycle(Lifecycle.STOPPED, "destroyed"))
    assert outcome is not None
    assert outcome.verdict is Verdict.UNPROVEN


def test_why_a_domain_is_gone_is_waited_for() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    for observation in (RUNNING, FileHeld(), SampleFailed(NoSuchDomain("gone")), checked(whole=False, linked=False)):
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
        (JobOperation.BACKUP, JobEvent(KEY, stats(success=False, errmsg="Operation canceled")), Verdict.CANCELLED),
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


@pytest.mark.parametrize("elapsed", [900, 5000])
def test_what_is_told_of_an_earlier_backup_says_nothing_of_this_one(elapsed: int) -> None:
    running = Sampled(replace(stats(1000), operation=JobOperation.BACKUP), 100.0)
    outcome = verdict_of(running, JobEvent(KEY, stats(elapsed, success=True)), GONE, operation=JobOperation.BACKUP)
    assert outcome is not None
    assert outcome.verdict is Verdict.UNPROVEN


def test_a_job_that_follows_at_once_is_another_job() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    attachment.observe(Sampled(stats(5000, 900), 100.0), 100.0)
    attachment.observe(Sampled(stats(20, 10), 100.1), 100.1)
    attachment.observe(DumpEvent(KEY, False, "the other's"), 100.2)
    outcome = attachment.outcome(100.1 + GRACE)
    assert outcome is not None
    assert outcome.verdict is Verdict.UNPROVEN


def test_a_job_that_began_while_nobody_looked_is_another_job() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    attachment.observe(Sampled(stats(5000, 900), 100.0), 100.0)
    attachment.observe(Sampled(stats(6000, 950), 130.0), 130.0)
    assert attachment.ended


def test_a_slow_answer_does_not_make_it_another_job() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    attachment.observe(Sampled(stats(5000, 900), 100.0), 100.0)
    attachment.observe(Sampled(stats(5100, 910), 100.1), 104.0)
    attachment.observe(Sampled(stats(9500, 950), 104.5), 104.5)
    assert not attachment.ended


def test_a_clock_that_was_set_back_does_not_make_it_another_job() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    attachment.observe(Sampled(stats(5000, 500), 100.0), 100.0)
    attachment.observe(Sampled(stats(0, 510), 100.1), 100.1)
    assert not attachment.ended


def test_an_event_of_another_domain_says_nothing() -> None:
    other = replace(KEY, uuid="other")
    outcome = verdict_of(RUNNING, DumpEvent(other, False, "no"), GONE)
    assert outcome is not None
    assert outcome.verdict is Verdict.UNPROVEN


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


def test_a_whole_file_proves_the_end() -> None:
    outcome = verdict_of(RUNNING, FileHeld(), GONE, checked(whole=True))
    assert outcome is not None
    assert (outcome.verdict, outcome.evidence, outcome.path) == (Verdict.COMPLETED, Evidence.FILE, "/dumps/db-01")


def test_the_verdict_waits_for_the_file_that_is_held() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    for observation in (RUNNING, FileHeld(), GONE):
        attachment.observe(observation, 100.0)
    assert attachment.outcome(100.0 + FILE_GRACE - 1) is None
    attachment.observe(checked(whole=True), 159.5)
    assert attachment.outcome(159.5) is not None


@pytest.mark.parametrize(
    ("file", "verdict"),
    [
        (checked(whole=False, linked=False), Verdict.FAILED),
        (checked(whole=False), Verdict.FAILED),
        (checked(whole=True, linked=False), Verdict.UNPROVEN),
        (checked(whole=None), Verdict.UNPROVEN),
        (checked(whole=None, linked=False), Verdict.UNPROVEN),
    ],
)
def test_what_a_file_that_is_not_whole_or_gone_proves(file: FileChecked, verdict: Verdict) -> None:
    outcome = verdict_of(RUNNING, FileHeld(), GONE, file)
    assert outcome is not None
    assert outcome.verdict is verdict


def test_a_whole_file_outweighs_a_domain_that_was_destroyed_after_it() -> None:
    outcome = verdict_of(RUNNING, FileHeld(), lifecycle(Lifecycle.STOPPED, "destroyed"), checked(whole=True))
    assert outcome is not None
    assert outcome.verdict is Verdict.COMPLETED


def test_a_whole_file_does_not_outweigh_qemus_own_failure() -> None:
    outcome = verdict_of(RUNNING, FileHeld(), DumpEvent(KEY, False, "no"), GONE, checked(whole=True))
    assert outcome is not None
    assert outcome.verdict is Verdict.FAILED


FOLLOWED = (Sampled(stats(5000, 900), 100.0), FileHeld(), Sampled(stats(20, 10), 100.1))


def test_a_file_that_the_next_dump_writes_to_proves_nothing() -> None:
    for whole in (True, False):
        outcome = verdict_of(*FOLLOWED, checked(whole))
        assert outcome is not None
        assert outcome.verdict is Verdict.UNPROVEN


def test_a_file_that_was_whole_before_the_next_dump_began_proves_the_end() -> None:
    outcome = verdict_of(*FOLLOWED, checked(whole=True, untouched=1.0))
    assert outcome is not None
    assert (outcome.verdict, outcome.evidence) == (Verdict.COMPLETED, Evidence.FILE)


LOST = ConnectionEvent(False, "the daemon died")
BACK = ConnectionEvent(True)


def test_a_dump_whose_daemon_died_goes_on_while_its_domain_stays_paused() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    for observation in (RUNNING, FileHeld(), LOST, BACK, GONE, seen(DomainState.PAUSED)):
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
    outcome = verdict_of(RUNNING, FileHeld(), LOST, checked(whole=False), checked(whole=True))
    assert outcome is not None
    assert (outcome.verdict, outcome.evidence) == (Verdict.COMPLETED, Evidence.FILE)


def test_a_file_that_is_not_whole_while_there_is_no_connection_proves_nothing() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    for observation in (RUNNING, FileHeld(), LOST, checked(whole=False)):
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
        st.just(FileHeld()),
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
    "file removed": [FileHeld(), checked(whole=False, linked=False, untouched=1000.0)],
    "file cut short": [FileHeld(), checked(whole=False, untouched=1000.0)],
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
    for observation in (RUNNING, *(() if of_the_file else contradiction)):
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
