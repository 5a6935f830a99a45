"""What was reported of a domain goes with it: a domain that is made anew is news again."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from backend.job_stats import JobStats, JobType
from backend.model import BlockOperation, Domain, DomainKey, DomainState, JobOperation
from backend.observing.progress import ProgressMeter
from backend.observing.views import DomainView
from backend.outcome import Evidence, Outcome, Verdict
from tests.unit.session.observer import Observer
from tui.session.host import Host
from tui.session.job_news import JobNews
from tui.session.job_wait import JobWait
from tui.session.reporter import Reporter
from tui.session.rows import Row, RowStore

URI = "sim:///reporter"
ROW = Row(URI, DomainView(Domain(DomainKey("uuid", 1, "db-01"), DomainState.PAUSED, "dumping")), URI)


class Bystander:
    """Stands for the parts that no test here is about."""

    watched = 10.0
    name = URI


class NoNews:
    """Tells of no job."""

    told = 0
    own = False

    def tells_end_of(self, wait: JobWait) -> bool:
        return self.own

    def tell(self) -> None:
        self.told += 1

    def told_by(self, wait: JobWait) -> None:
        pass


class EndedWait:
    """A wait for the dump that is over."""

    key = ROW.key
    name = ROW.domain.name
    error = None
    outcome = Outcome(
        ROW.domain.key, JobOperation.DUMP, Verdict.COMPLETED, Evidence.FILE, "It is whole.", left_paused=True
    )


def reporter(rows: RowStore, observer: Observer, jobs: NoNews | None = None) -> Reporter:
    return Reporter(observer, rows, cast(JobNews, jobs or NoNews()), lambda host: None, "r")


def test_the_end_that_a_wait_has_seen_is_told_once() -> None:
    observer, jobs = Observer(), NoNews()
    reports = reporter(RowStore(), observer, jobs)
    jobs.own = True
    reports.ended(cast(JobWait, EndedWait()))
    assert (observer.outcomes, jobs.told) == ([], 1), "what is remembered of the job tells it"
    jobs.own = False
    reports.ended(cast(JobWait, EndedWait()))
    assert (observer.outcomes, jobs.told) == ([EndedWait.outcome], 1)


def test_a_new_domain_that_is_left_paused_is_reported_although_its_namesake_was() -> None:
    observer = Observer()
    reports = reporter(RowStore(), observer)
    for _ in range(2):
        reports.left_paused(ROW)
        reports.forget([ROW.key])
    assert len(observer.entries) == 2


def test_what_a_wait_left_paused_is_not_reported_again() -> None:
    observer = Observer()
    reports = reporter(RowStore(), observer)
    reports.ended(cast(JobWait, EndedWait()))
    reports.left_paused(ROW)
    assert [words for _, words in observer.entries] == ["left paused by its dump; r resumes it"]


def copying(number: int, ready: bool = False) -> Row:
    domain = Domain(DomainKey(f"uuid {number}", number, f"vm-{number}"), DomainState.RUNNING)
    stats = JobStats.of_block_job("vda", BlockOperation.COPY, 1, 1, ready)
    return Row(URI, DomainView(domain, ProgressMeter().update(stats, 0.0)), URI, disk="vda")


def test_many_jobs_of_disks_that_become_ready_at_a_time_are_counted() -> None:
    rows, observer = RowStore(), Observer()
    reports = reporter(rows, observer)
    for now in ([copying(number) for number in range(9)], [copying(number, True) for number in range(9)]):
        reports.changes(cast(Host, Bystander()), now, [])
        rows.apply(now)
    reports.changes(cast(Host, Bystander()), [], list(rows))
    assert observer.entries == [(URI, "9 block jobs became ready")]


def test_a_dump_that_starts_may_be_this_users() -> None:
    looked: list[Host] = []
    rows, host = RowStore(), cast(Host, Bystander())
    reports = Reporter(Observer(), rows, cast(JobNews, NoNews()), looked.append, "r")
    rows.apply([ROW])
    for elapsed, looks in ((60_000, 0), (100, 1)):
        stats = JobStats(JobType.UNBOUNDED, JobOperation.DUMP, time_elapsed=elapsed)
        dumping = replace(ROW, view=replace(ROW.view, progress=ProgressMeter().update(stats, 0.0)))
        reports.changes(host, [dumping], [])
        assert len(looked) == looks, "one that ran before anyone looked was looked for then"
