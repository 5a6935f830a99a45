"""What was reported of a domain goes with it: a domain that is made anew is news again."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from backend.job_stats import JobStats, JobType
from backend.model import BlockOperation, Domain, DomainKey, DomainState, JobOperation
from backend.observing.progress import ProgressMeter
from backend.observing.watcher import DomainView
from backend.outcome import Evidence, Outcome, Verdict
from tests.unit.session.observer import Observer
from tui.session.background_tasks import BackgroundTasks
from tui.session.background_waits import BackgroundWaits
from tui.session.foreign_dumps import ForeignDumps
from tui.session.happenings import Happenings
from tui.session.host import Host
from tui.session.job_wait import JobWait
from tui.session.reporter import Reporter
from tui.session.rows import Row, RowStore

URI = "sim:///reporter"
SAVING = ProgressMeter().update(JobStats(JobType.UNBOUNDED, JobOperation.SAVE, time_elapsed=0), 0.0)
ROW = Row(URI, DomainView(Domain(DomainKey("uuid", 1, "db-01"), DomainState.PAUSED, "dumping")), URI)
BUSY = replace(ROW, view=replace(ROW.view, progress=SAVING))


class Bystander:
    """Stands for the parts that no test here is about."""

    watched = 10.0
    happenings = Happenings()
    name = URI

    def __contains__(self, key: object) -> bool:
        return False


class EndedWait:
    """A wait for the save that is over."""

    key = ROW.key
    domain = ROW.domain
    name = ROW.domain.name
    operation = JobOperation.SAVE
    error = None
    outcome: Outcome | None = None


def reporter(rows: RowStore, observer: Observer) -> tuple[Reporter, ForeignDumps]:
    nobody = Bystander()
    waits = cast(BackgroundWaits, nobody)
    foreign = ForeignDumps(cast(BackgroundTasks, nobody), observer, waits, lambda row, dump: None)
    return Reporter(observer, rows, waits, foreign, lambda host: None, "r"), foreign


@pytest.mark.parametrize("removed", [True, False])
def test_the_end_of_a_new_domains_job_is_reported_although_its_namesakes_was(removed: bool) -> None:
    rows, observer = RowStore(), Observer()
    reports, _ = reporter(rows, observer)
    rows.apply([BUSY])
    wait = EndedWait()
    wait.outcome = Outcome(ROW.domain.key, JobOperation.SAVE, Verdict.COMPLETED, Evidence.LIFECYCLE, "Saved.")
    reports.ended(cast(JobWait, wait))
    if removed:  # And defined anew, with a job again.
        rows.apply([], [ROW.key])
        reports.forget([ROW.key])
        rows.apply([BUSY])
    reports.changes(cast(Host, Bystander()), [ROW], [])
    assert (("db-01", "save finished") in observer.entries) is removed


def test_a_new_domain_that_is_left_paused_is_reported_although_its_namesake_was() -> None:
    rows, observer = RowStore(), Observer()
    reports, _ = reporter(rows, observer)
    for _ in range(2):
        reports.left_paused(ROW)
        reports.forget([ROW.key])
    assert len(observer.entries) == 2


def test_the_dump_of_a_domain_that_is_gone_is_forgotten() -> None:
    rows, observer = RowStore(), Observer()
    reports, foreign = reporter(rows, observer)
    foreign._ids[ROW.key] = "record"
    reports.forget([ROW.key])
    assert not foreign._ids


def copying(number: int, ready: bool = False) -> Row:
    domain = Domain(DomainKey(f"uuid {number}", number, f"vm-{number}"), DomainState.RUNNING)
    stats = JobStats.of_block_job("vda", BlockOperation.COPY, 1, 1, ready)
    return Row(URI, DomainView(domain, ProgressMeter().update(stats, 0.0)), URI, disk="vda")


def test_many_jobs_of_disks_at_a_time_are_counted() -> None:
    rows, observer = RowStore(), Observer()
    reports, _ = reporter(rows, observer)
    begun, ready = [copying(number) for number in range(9)], [copying(number, True) for number in range(9)]
    for now in (begun, ready):
        reports.changes(cast(Host, Bystander()), now, [])
        rows.apply(now)
    reports.changes(cast(Host, Bystander()), [], [row.key for row in ready])
    assert observer.entries == [
        (URI, "9 jobs started or finished"),
        (URI, "9 block jobs became ready"),
        (URI, "9 jobs started or finished"),
    ]


def test_many_jobs_that_ran_before_anyone_looked_are_no_news_either() -> None:
    rows, observer = RowStore(), Observer()
    reports, _ = reporter(rows, observer)
    old = JobStats(JobType.UNBOUNDED, JobOperation.SAVE, time_elapsed=60_000)
    saving = [
        Row(URI, DomainView(row.domain, ProgressMeter().update(old, 0.0)), URI)
        for row in (copying(number) for number in range(9))
    ]
    rows.apply([replace(row, view=DomainView(row.domain)) for row in saving])
    reports.changes(cast(Host, Bystander()), saving, [])
    assert observer.entries == []
