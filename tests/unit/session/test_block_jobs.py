"""Jobs of disks in a session: their rows, what is reported of them, waits, aborts and pivots."""

from __future__ import annotations

import pytest

from backend.events import BlockJobStatus
from backend.model import BlockOperation
from backend.verdicts.verdict import Verdict
from tests.held_block_jobs import HeldBlockJobs
from tests.unit.session.observer import Observer, session
from tui.session import news
from tui.session.job_wait import JobWait
from tui.session.rows import Row
from tui.session.session import Session

URI = "sim:///disks?domains=3&jobs=0&memory=64"


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> HeldBlockJobs:
    """Whatever begins is reported as new."""
    monkeypatch.setattr(news, "SETTLED", 0.0)
    return HeldBlockJobs(monkeypatch)


def job(running: Session, name: str) -> Row | None:
    return next((row for row in running.rows.values() if row.name == name), None)


async def begun(running: Session, observer: Observer, name: str) -> Row:
    """The row of that job, as soon as there is one."""
    await observer.until(lambda: job(running, name) is not None)
    row = job(running, name)
    assert row is not None
    return row


async def attached(running: Session, observer: Observer, row: Row) -> JobWait:
    """A wait for the row's job that has found it."""
    wait = running.wait_for(row)
    assert wait is not None
    seen = wait.progress
    await observer.until(lambda: wait.progress is not seen)
    return wait


async def test_a_job_of_a_disk_comes_and_goes_with_its_row_and_is_reported(held: HeldBlockJobs) -> None:
    async with session(URI) as (running, observer):
        held.put("vm-02", "vda")
        await begun(running, observer, "vm-02 vda")
        assert (running.rows.domains, running.rows.jobs) == (3, 1)
        await observer.until(lambda: ("vm-02", "block copy of vda started") in observer.entries)
        held.put("vm-02", "vda", done=1.0, ready=True)
        await observer.until(lambda: ("vm-02", "block copy of vda is ready: pivot or abort") in observer.entries)
        held.end("vm-02", "vda", BlockJobStatus.COMPLETED)
        await observer.until(lambda: ("vm-02", "block copy of vda finished") in observer.entries)
        assert job(running, "vm-02 vda") is None
        assert (running.rows.domains, running.rows.jobs) == (3, 0)


async def test_a_job_that_ran_before_the_console_was_opened_is_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    HeldBlockJobs(monkeypatch).put("vm-02", "vda", done=1.0, ready=True)
    async with session(URI) as (running, observer):
        await begun(running, observer, "vm-02 vda")
        assert not [words for _, words in observer.entries if "block copy" in words]


async def test_many_at_a_time_are_counted(held: HeldBlockJobs) -> None:
    async with session(URI) as (running, observer):
        for number in range(1, 4):
            for disk in ("vda", "vdb", "vdc"):
                held.put(f"vm-0{number}", disk)
        await observer.until(lambda: running.rows.jobs == 9)
        assert (URI, "9 jobs started or finished") in observer.entries


async def test_two_disks_of_a_domain_are_waited_for_apart(held: HeldBlockJobs) -> None:
    async with session(URI) as (running, observer):
        held.put("vm-01", "vda")
        held.put("vm-01", "vdb", BlockOperation.PULL)
        first = await attached(running, observer, await begun(running, observer, "vm-01 vda"))
        second = await attached(running, observer, await begun(running, observer, "vm-01 vdb"))
        assert [wait.what for wait in (first, second)] == ["block copy of vda", "block pull of vdb"]
        row = job(running, "vm-01 vda")
        assert row is not None and running.wait_for(row) is first, "there is one wait for each job"
        held.end("vm-01", "vdb", BlockJobStatus.FAILED)
        await observer.until(lambda: observer.ended == [second])
        assert [(outcome.disk, outcome.verdict) for outcome in observer.outcomes] == [("vdb", Verdict.FAILED)]
        assert not first.over
        await observer.until(lambda: job(running, "vm-01 vdb") is None)
        assert ("vm-01", "block pull of vdb finished") not in observer.entries, "its outcome was reported"


async def test_a_wait_says_when_its_job_is_ready(held: HeldBlockJobs) -> None:
    async with session(URI) as (running, observer):
        held.put("vm-01", "vda")
        wait = await attached(running, observer, await begun(running, observer, "vm-01 vda"))
        assert not wait.ready
        held.put("vm-01", "vda", done=1.0, ready=True)
        await observer.until(lambda: wait.ready)
        held.end("vm-01", "vda", BlockJobStatus.CANCELED)
        await observer.until(lambda: wait.over)
        assert wait.outcome is not None and wait.outcome.verdict is Verdict.CANCELLED
        assert not wait.ready


async def test_an_abort_and_a_pivot_reach_the_disk(held: HeldBlockJobs) -> None:
    async with session(URI) as (running, observer):
        held.put("vm-01", "vda")
        held.put("vm-01", "vdb", done=1.0, ready=True)
        first = await begun(running, observer, "vm-01 vda")
        second = await begun(running, observer, "vm-01 vdb")
        running.abort(running.hosts[URI], first.job_key)
        running.pivot(running.hosts[URI], second.disk_key)
        await observer.until(lambda: running.rows.jobs == 0)
        assert held.pivots == ["vdb"]
        await observer.until(lambda: len(observer.outcomes) == 2)
        verdicts = {outcome.disk: outcome.verdict for outcome in observer.outcomes}
        assert verdicts == {"vda": Verdict.CANCELLED, "vdb": Verdict.COMPLETED}
        assert not [words for _, words in observer.entries if words.endswith("finished")], "that says less"
        assert {("vm-01", "abort of vda requested"), ("vm-01", "pivot of vdb requested")} <= set(observer.entries)


async def test_a_pivot_that_is_refused_is_reported(held: HeldBlockJobs) -> None:
    async with session(URI) as (running, observer):
        held.put("vm-01", "vda")
        row = await begun(running, observer, "vm-01 vda")
        running.pivot(running.hosts[URI], row.disk_key)
        await observer.until(lambda: bool(observer.failures))
        assert ("vm-01", f"✗ pivot of vda failed: {observer.failures[0][1]}") in observer.entries


async def test_a_host_that_is_dropped_takes_them_along(held: HeldBlockJobs) -> None:
    async with session(URI) as (running, observer):
        held.put("vm-01", "vda")
        await begun(running, observer, "vm-01 vda")
        assert running.drop_host(running.hosts[URI]) == 1
        assert (len(running.rows), running.rows.domains, running.rows.jobs) == (0, 0, 0)
