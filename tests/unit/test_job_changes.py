"""The begin and the end of each job, once, whoever saw it."""

from __future__ import annotations

from dataclasses import replace

from backend.dump_request import DumpFlags, DumpFormat
from backend.model import BlockOperation, JobOperation
from backend.observing.job_changes import JobChange, JobChanges, unless_remembered
from backend.outcome import Verdict
from backend.records.entry import JobEntry
from backend.records.record import JobRecord, RecordState
from backend.verdicts.job_sources import merge_sources
from tests.unit.test_history import DOMAIN, ended, entry


def shown(changes: list[JobChange]) -> list[tuple[str, str]]:
    return [("ended" if change.ended else "began", change.entry.id) for change in changes]


def record(state: RecordState) -> JobRecord:
    """Of a dump that was requested, and whose call has not returned."""
    return JobRecord(
        *("r1", "qemu:///system", DOMAIN.uuid, DOMAIN.name, DOMAIN.id, "/core", DumpFormat.RAW, DumpFlags.MEMORY_ONLY),
        user="root@hv1",
        started=990.0,
        state=state,
    )


def recalled(known: JobChanges, *entries: JobEntry) -> list[JobChange]:
    """What one's own history changes."""
    jobs = merge_sources([], list(reversed(entries)))
    return [change for job in reversed(jobs) for change in known.recall(job)]


def test_a_job_begins_once_and_ends_once() -> None:
    known, job = JobChanges(), entry()
    assert shown(known.see(job)) == [("began", job.id)]
    assert known.see(job) == []
    assert [job.entry for job in known.open()] == [job]
    [end] = known.see(ended(job))
    assert (end.ended, end.entry.verdict, end.at) == (True, Verdict.COMPLETED, 1005.0)
    assert known.see(ended(job)) == []
    assert known.open() == []


def test_what_is_known_of_the_end_is_not_told_with_the_begin() -> None:
    begin, end = recalled(JobChanges(), ended(entry()))
    assert (begin.entry.verdict, begin.entry.ended, begin.entry.detail, begin.entry.bytes) == (None, None, "", None)
    assert (begin.at, end.at) == (1000.0, 1005.0)
    assert end.entry.verdict is Verdict.COMPLETED


def test_what_an_observer_before_left_without_an_end_is_not_told_as_if_it_happened_now() -> None:
    known, job = JobChanges(), ended(entry())
    assert known.see(job) == known.see(job) == known.open() == []


def test_the_end_alone_is_enough_to_recognize_a_job_that_others_remember() -> None:
    [remembered] = merge_sources([], [ended(entry(1000.0))])
    reported = entry(1005.6, exact=False)
    seen = [reported, ended(reported, after=0.0)]
    assert unless_remembered(seen, [remembered]) == []
    assert unless_remembered(seen, []) == seen
    later = entry(1008.0, exact=False)
    seen = [later, ended(later, after=0.0)]
    assert unless_remembered(seen, [remembered]) == seen


def test_another_observer_of_the_same_job_tells_nothing_new() -> None:
    known, job = JobChanges(), entry(1000.0)
    other = entry(1000.2, observer="root@hv1 (console)")
    assert shown(recalled(known, job)) == [("began", job.id)]
    assert known.see(other) == []
    assert shown(known.see(ended(other))) == [("ended", job.id)]
    assert recalled(known, ended(job)) == []


def test_a_job_that_follows_is_another_one() -> None:
    known, first = JobChanges(), entry(1000.0)
    second = entry(1006.0)
    known.see(first)
    known.see(ended(first))
    assert shown(known.see(second)) == [("began", second.id)]
    # However late somebody else tells of the first one.
    assert recalled(known, ended(replace(first, id="late"))) == []
    assert shown(known.see(ended(second))) == [("ended", second.id)]


def test_so_is_that_of_another_disk_or_of_the_next_run() -> None:
    known = JobChanges()
    copies = [entry(operation=BlockOperation.COPY, disk=disk, exact=False) for disk in ("vda", "vdb")]
    later = entry(domain_id=8)
    assert shown([change for job in (entry(id="own"), *copies, later) for change in known.see(job)]) == [
        ("began", "own"),
        ("began", copies[0].id),
        ("began", copies[1].id),
        ("began", later.id),
    ]


def test_a_job_of_a_disk_whose_begin_nobody_knows_is_the_one_that_runs() -> None:
    known = JobChanges()
    recalled(known, entry(1000.0, BlockOperation.COPY, disk="vda", exact=False))
    assert known.see(entry(1500.0, BlockOperation.COPY, disk="vda", exact=False)) == []
    recalled(known, ended(entry(1000.0, BlockOperation.PULL, disk="vdb", exact=False)))
    assert shown(known.see(entry(1500.0, BlockOperation.PULL, disk="vdb", exact=False, id="new"))) == [("began", "new")]


def test_a_remembered_job_is_recognized_by_any_of_those_who_saw_it() -> None:
    known, own, host = JobChanges(), ended(entry(1000.0)), ended(entry(1000.25))
    [job] = merge_sources([], [own], [host])
    assert shown(known.recall(job)) == [("began", own.id), ("ended", own.id)]
    assert known.see(entry(1000.5)) == []


def test_an_own_call_is_the_job_that_it_caused() -> None:
    known, call = JobChanges(), record(RecordState.RUNNING)
    [job] = merge_sources([(call, RecordState.RUNNING)])
    assert shown(known.recall(job, running=True)) == [("began", call.id)]
    # It had to wait for the job before it, which was somebody else's.
    before = ended(entry(call.started - 5.0, JobOperation.DUMP), after=6.0)
    assert shown([*known.see(replace(before, ended=None, verdict=None)), *known.see(before)]) == [
        *(("began", before.id), ("ended", before.id)),
    ]
    own = entry(call.started + 1.5, JobOperation.DUMP)
    assert known.see(own) == []
    assert shown(known.see(ended(own))) == [("ended", call.id)]


def test_a_job_that_nobody_saw_end_is_lost_and_has_no_time_of_its_end() -> None:
    known, job = JobChanges(), entry()
    [remembered] = merge_sources([], [job], is_watched=lambda entry: False)
    begin, end = known.recall(remembered)
    assert (begin.ended, end.ended, end.entry.verdict, end.entry.ended) == (False, True, Verdict.UNPROVEN, None)
    assert "stopped watching it" in end.entry.detail


def test_unless_it_is_found_running() -> None:
    known, job = JobChanges(), entry()
    [remembered] = merge_sources([], [job], is_watched=lambda entry: False)
    assert shown(known.recall(remembered, running=True)) == [("began", job.id)]
    assert known.see(entry(1000.1)) == known.give_up() == []
    assert shown(known.see(ended(entry(1000.1, id="seen")))) == [("ended", job.id)]


def test_or_what_was_found_is_another_job() -> None:
    known, job = JobChanges(), entry()
    [remembered] = merge_sources([], [job], is_watched=lambda entry: False)
    known.recall(remembered, running=True)
    assert shown(known.see(entry(2000.0, id="other"))) == [("began", "other")]
    assert shown(known.give_up()) == [("ended", job.id)]
    assert [job.entry.id for job in known.open()] == ["other"]


def test_where_a_change_is_from_is_told() -> None:
    known = JobChanges()
    assert [(change.replayed, change.running) for change in recalled(known, ended(entry()))] == [(True, False)] * 2
    found = entry(2000.0)
    assert [(change.replayed, change.running) for change in known.see(found, running=True)] == [(False, True)]
    assert [(change.replayed, change.running) for change in known.see(ended(found))] == [(False, True)]
