"""Jobs of disks in a session: their rows, what is reported of them, waits, aborts and pivots."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from backend.model import BlockOperation
from backend.outcome import Verdict
from tests.held_block_jobs import COPY, HeldBlockJobs, held_block_jobs
from tests.unit.session.observer import Observer, session
from tui.session import news
from tui.session.job_wait import JobWait
from tui.session.rows import Row
from tui.session.session import Session

URI = "sim:///disks?domains=4&jobs=0&memory=64"


@pytest.fixture
async def held() -> AsyncIterator[HeldBlockJobs]:
    async with held_block_jobs(URI) as held:
        yield held


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever begins is reported as new, however short the console has been open."""
    monkeypatch.setattr(news, "SETTLED", 0.0)


def job(running: Session, name: str) -> Row | None:
    return next((row for row in running.rows.values() if row.name == name), None)


async def begun(running: Session, observer: Observer, name: str) -> Row:
    """The row of that job, as soon as there is one."""
    await observer.until(lambda: job(running, name) is not None)
    row = job(running, name)
    assert row is not None
    return row


async def attached(running: Session, observer: Observer, name: str) -> JobWait:
    """A wait for that job that has found it."""
    wait = running.wait_for(await begun(running, observer, name))
    assert wait is not None
    await wait.attached.wait()
    return wait


@pytest.mark.usefixtures("at_once")
async def test_a_job_of_a_disk_comes_and_goes_with_its_row_and_is_reported(held: HeldBlockJobs) -> None:
    async with session(URI) as (running, observer):
        await held.begin("vm-02")
        await begun(running, observer, "vm-02 vda")
        assert (running.rows.domains, running.rows.jobs) == (4, 1)
        await observer.until(lambda: ("vm-02", "block copy of vda started") in observer.entries)
        await held.let_go("vm-02")
        await observer.until(lambda: ("vm-02", "block copy of vda is ready: pivot or abort") in observer.entries)
        await held.pivot("vm-02")
        await observer.until(lambda: bool(observer.outcomes) and job(running, "vm-02 vda") is None)
        [outcome] = observer.outcomes
        assert (outcome.disk, outcome.verdict) == ("vda", Verdict.COMPLETED), outcome
        assert (running.rows.domains, running.rows.jobs) == (4, 0)


async def test_a_job_that_ran_before_the_console_was_opened_is_no_news(held: HeldBlockJobs) -> None:
    await held.begin_ready("vm-02")
    async with session(URI) as (running, observer):
        await begun(running, observer, "vm-02 vda")
        assert not [words for _, words in observer.entries if "block copy" in words]


async def test_two_disks_of_a_domain_are_waited_for_apart(held: HeldBlockJobs) -> None:
    async with session(URI) as (running, observer):
        await held.begin("vm-01", "vda")
        await held.begin("vm-01", "vdb", BlockOperation.PULL)
        first = await attached(running, observer, "vm-01 vda")
        second = await attached(running, observer, "vm-01 vdb")
        assert [wait.what for wait in (first, second)] == ["block copy of vda", "block pull of vdb"]
        row = job(running, "vm-01 vda")
        assert row is not None and running.wait_for(row) is first, "there is one wait for each job"
        await held.abort("vm-01", "vdb")
        await observer.until(lambda: observer.ended == [second])
        assert [(outcome.disk, outcome.verdict) for outcome in observer.outcomes] == [("vdb", Verdict.CANCELLED)]
        assert not first.over
        await observer.until(lambda: job(running, "vm-01 vdb") is None)
        await observer.news_are_told()
        assert len(observer.outcomes) == 1, "the end that a wait has seen is told once"


async def test_a_wait_says_when_its_job_is_ready(held: HeldBlockJobs) -> None:
    async with session(URI) as (running, observer):
        await held.begin("vm-01")
        wait = await attached(running, observer, "vm-01 vda")
        assert not wait.ready
        await held.let_go("vm-01")
        await observer.until(lambda: wait.ready)
        await held.abort("vm-01")
        await observer.until(lambda: wait.over)
        assert wait.outcome is not None and wait.outcome.verdict is Verdict.CANCELLED
        assert not wait.ready


async def test_how_a_job_ends_that_is_aborted_or_pivoted_here_is_reported(held: HeldBlockJobs) -> None:
    async with session(URI) as (running, observer):
        await held.begin("vm-01", "vda")
        await held.begin_ready("vm-01", "vdb")
        first = await begun(running, observer, "vm-01 vda")
        second = await begun(running, observer, "vm-01 vdb")
        running.actions.abort(running.hosts[URI], first.job_key)
        running.actions.pivot(running.hosts[URI], second.disk_key)
        await observer.until(lambda: running.rows.jobs == 0 and len(observer.outcomes) == 2)
        verdicts = {outcome.disk: outcome.verdict for outcome in observer.outcomes}
        assert verdicts == {"vda": Verdict.CANCELLED, "vdb": Verdict.COMPLETED}
        assert {("vm-01", "abort of vda requested"), ("vm-01", "pivot of vdb requested")} <= set(observer.entries)
        await observer.news_are_told()
        assert len(observer.outcomes) == 2, "each end is told once"
        assert await held.source("vm-01", "vdb") == COPY


async def test_a_pivot_that_is_refused_is_reported(held: HeldBlockJobs) -> None:
    async with session(URI) as (running, observer):
        await held.begin("vm-01")
        row = await begun(running, observer, "vm-01 vda")
        running.actions.pivot(running.hosts[URI], row.disk_key)
        await observer.until(lambda: bool(observer.failures))
        assert ("vm-01", f"✗ pivot of vda failed: {observer.failures[0][1]}") in observer.entries


async def test_a_host_that_is_dropped_takes_them_along(held: HeldBlockJobs) -> None:
    async with session(URI) as (running, observer):
        await held.begin("vm-01")
        await begun(running, observer, "vm-01 vda")
        assert running.drop_host(running.hosts[URI]) == 1
        assert (len(running.rows), running.rows.domains, running.rows.jobs) == (0, 0, 0)
