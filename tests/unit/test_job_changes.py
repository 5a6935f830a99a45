"""The begin and the end of each job, once, whoever saw it."""

from __future__ import annotations

from dataclasses import replace

from backend.model import BlockOperation, JobOperation
from backend.observing.job_changes import JobChange, JobChanges
from backend.outcome import Verdict
from backend.records.entry import JobEntry
from tests.unit.test_history import ended, entry


def shown(changes: list[JobChange]) -> list[tuple[str, str]]:
    return [("ended" if change.ended else "began", change.entry.id) for change in changes]


def recalled(known: JobChanges, *entries: JobEntry) -> list[JobChange]:
    return [change for job in entries for change in known.recall(job, [job])]


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
    begin, end = JobChanges().see(ended(entry()))
    assert (begin.entry.verdict, begin.entry.ended, begin.entry.detail, begin.entry.bytes) == (None, None, "", None)
    assert (begin.at, end.at) == (1000.0, 1005.0)
    assert end.entry.verdict is Verdict.COMPLETED


def test_another_observer_of_the_same_job_tells_nothing_new() -> None:
    known, job = JobChanges(), entry(1000.0)
    other = entry(1000.2, observer="root@hv1 (console)")
    assert shown(recalled(known, job)) == [("began", job.id)]
    assert known.see(other) == []
    assert shown(known.see(ended(other))) == [("ended", other.id)]
    assert recalled(known, ended(job)) == []


def test_a_job_that_follows_is_another_one() -> None:
    known, first = JobChanges(), entry(1000.0)
    second = entry(1006.0)
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
    known, call = JobChanges(), entry(995.0, JobOperation.DUMP, exact=False, record="r1", id="r1")
    witness = ended(entry(1000.0, JobOperation.DUMP))
    assert shown(known.recall(ended(call), [ended(call), witness])) == [("began", "r1"), ("ended", "r1")]
    assert known.see(entry(1000.1, JobOperation.DUMP)) == []


def test_where_a_change_is_from_is_told() -> None:
    known = JobChanges()
    assert [(change.replayed, change.running) for change in recalled(known, ended(entry()))] == [(True, False)] * 2
    found = entry(2000.0)
    assert [(change.replayed, change.running) for change in known.see(found, running=True)] == [(False, True)]
    assert [(change.replayed, change.running) for change in known.see(ended(found))] == [(False, True)]
