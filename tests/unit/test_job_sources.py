"""What several sources know of the same jobs, put together."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from backend.model import JobOperation
from backend.outcome import Evidence, Verdict
from backend.records.entry import JobEntry
from backend.records.record import JobRecord, RecordState
from backend.verdicts.job_sources import Source, SourcedJob, merge_sources
from tests.unit.test_history import DOMAIN, ended, entry
from tests.unit.test_record import new


def call(began: float = 1000.0, until: float | None = 1005.0, **values: Any) -> tuple[JobRecord, RecordState]:
    """A record of this user's, of a dump under the kernel "boot", and its state."""
    record = new(
        **{
            "id": "call",
            "uuid": DOMAIN.uuid,
            "domain": DOMAIN.name,
            "domain_id": DOMAIN.id,
            "pid_start": "boot:1",
            "started": began,
            "started_uptime": began,
            "ended": until,
            "ended_uptime": until,
            "state": RecordState.RUNNING if until is None else RecordState.COMPLETED,
        }
        | values
    )
    return record, record.state


def dump(began: float = 1000.1, **values: Any) -> JobEntry:
    return entry(began, JobOperation.DUMP, **values)


def only(jobs: list[SourcedJob]) -> SourcedJob:
    assert len(jobs) == 1, jobs
    return jobs[0]


def test_one_job_of_three_sources_is_one_and_the_call_s_result_counts() -> None:
    seen = ended(dump(), Verdict.UNPROVEN, Evidence.NONE, 4.9)
    host = ended(dump(1000.2, requester="alice@hv2"), Verdict.FAILED, Evidence.FILE, 4.8)
    job = only(merge_sources([call()], [seen], [host]))
    assert job.sources == (Source.CALL, Source.OBSERVATION, Source.HOST)
    assert (job.entry.id, job.word, job.entry.evidence) == ("call", "completed", Evidence.RESULT)
    assert job.ids == {"call", seen.id, host.id}


def test_the_sources_are_in_one_order_the_newest_first() -> None:
    own, host = ended(entry(20.0)), ended(entry(30.0))
    jobs = merge_sources([call(25.0, 26.0)], [own], [host])
    assert [job.entry.began for job in jobs] == [30.0, 25.0, 20.0]


def test_a_call_that_waited_for_its_turn_is_not_the_job_before_it() -> None:
    before, mine = ended(dump(990.0), Verdict.FAILED, after=20.0), ended(dump(1010.1), after=9.8)
    jobs = merge_sources([call(1000.0, 1020.0)], [], [mine, before])
    assert [(job.word, job.sources) for job in jobs] == [
        ("completed", (Source.CALL, Source.HOST)),
        ("failed", (Source.HOST,)),
    ]


def test_a_dump_within_the_wait_of_a_call_is_somebody_else_s() -> None:
    other, mine = ended(dump(1002.0), Verdict.FAILED, after=5.0), ended(dump(1010.1), after=9.8)
    jobs = merge_sources([call(1000.0, 1020.0)], [], [mine, other])
    assert sorted(job.word for job in jobs) == ["completed", "failed"]


def test_a_lost_result_is_what_somebody_saw_of_that_dump() -> None:
    record, _ = call(until=None)
    lost = only(merge_sources([(record, RecordState.LOST)]))
    assert (lost.word, lost.failed) == ("lost", True)
    assert lost.outcome is not None
    assert lost.outcome.verdict is Verdict.UNPROVEN
    job = only(merge_sources([(record, RecordState.LOST)], [], [ended(dump(), evidence=Evidence.FILE)]))
    assert (job.word, job.failed, job.lost) == ("completed", False, False)


def test_while_a_call_may_still_return_nobody_else_knows_how_it_ended() -> None:
    seen = ended(dump(), Verdict.UNPROVEN, Evidence.NONE)
    job = only(merge_sources([call(until=None)], [seen]))
    assert (job.word, job.outcome) == ("running", None)


def test_a_lost_result_is_not_that_of_a_later_dump() -> None:
    record, _ = call(until=None)
    jobs = merge_sources([(record, RecordState.LOST)], [], [ended(dump(1060.0), evidence=Evidence.FILE)])
    assert [job.word for job in jobs] == ["completed", "lost"]


def test_a_job_that_nobody_watches_any_more_may_be_running() -> None:
    left = only(merge_sources([], [dump()], [], lambda entry: False))
    assert (left.word, left.outcome, left.failed) == ("unwatched", None, False)
    assert left.outcome_if_over is not None
    assert left.outcome_if_over.verdict is Verdict.UNPROVEN
    watched = only(merge_sources([], [dump(observer="gone")], [dump(1000.2)], lambda entry: entry.observer != "gone"))
    assert (watched.word, watched.outcome) == ("running", None)


@pytest.mark.parametrize("evidence", [Evidence.FILE, Evidence.LIFECYCLE, Evidence.STATS])
@pytest.mark.parametrize("claim", [Verdict.COMPLETED, Verdict.FAILED])
def test_a_claim_that_the_host_contradicts_proves_nothing_and_both_are_named(
    evidence: Evidence, claim: Verdict
) -> None:
    truth = Verdict.FAILED if claim is Verdict.COMPLETED else Verdict.COMPLETED
    claimed = replace(ended(dump(), claim, Evidence.SHARED), detail="The shared record of eve says so.")
    host = ended(dump(1000.2, observer="root@hv1 (witness)"), truth, evidence)
    for one, other in ((claimed, host), (host, claimed)):
        job = only(merge_sources([], [one], [other]))
        assert (job.word, job.entry.evidence) == ("unproven", Evidence.SHARED)
        assert "eve says so. But root@hv1 (witness) says " in job.entry.detail


def test_a_claim_that_was_contradicted_stays_so_whoever_believed_it() -> None:
    contradicted = ended(dump(), Verdict.UNPROVEN, Evidence.SHARED)
    believed = ended(dump(1000.2), Verdict.COMPLETED, Evidence.SHARED)
    proven = ended(dump(1000.2), Verdict.COMPLETED, Evidence.FILE)
    for other in (believed, proven):
        assert only(merge_sources([], [contradicted], [other])).word == "unproven"
        assert only(merge_sources([], [other], [contradicted])).word == "unproven"
    assert only(merge_sources([call()], [contradicted])).word == "completed"


def test_a_clock_that_was_set_back_does_not_change_the_order() -> None:
    first, second = ended(dump(1000.0)), replace(ended(dump(1000.0)), began=400.0, began_uptime=1100.0)
    assert [job.entry.id for job in merge_sources([], [second, first])] == [second.id, first.id]
