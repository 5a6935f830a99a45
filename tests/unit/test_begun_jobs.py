"""Which of the jobs that witnesses enter have begun since, and when they are over."""

from __future__ import annotations

from dataclasses import replace

from backend.model import JobOperation
from backend.records.entry import JobEntry
from backend.records.machine import boottime
from tests.unit.test_history import ended, entry
from tui.cli.begun_jobs import BegunJobs
from tui.cli.wait_options import WaitOptions


def just_begun() -> JobEntry:
    return entry(boottime(), JobOperation.DUMP)


async def test_a_job_that_another_observer_has_named_meanwhile_is_over_when_it_is() -> None:
    jobs = BegunJobs(WaitOptions(operation=None))
    begun = just_begun()
    jobs.take(begun)
    assert jobs.queue.get_nowait() == begun
    end = jobs.end(begun)
    over = ended(replace(begun, id="that of the other"))
    jobs.take(over)
    assert end.done() and end.result() == over
    assert jobs.queue.empty(), "it is no other job"


async def test_the_next_job_of_a_domain_is_another_one() -> None:
    jobs = BegunJobs(WaitOptions(operation=None))
    first = just_begun()
    second = entry(first.began_uptime + 1.0, JobOperation.DUMP)
    for job in (first, ended(first, after=0.5), second):
        jobs.take(job)
    assert [jobs.queue.get_nowait(), jobs.queue.get_nowait()] == [first, second]
    assert jobs.end(first).done() and not jobs.end(second).done()
