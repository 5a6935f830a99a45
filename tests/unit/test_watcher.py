"""How often a hypervisor may be asked."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from backend.dump_request import DumpRequest
from backend.event_stream import EventHub, EventStream
from backend.events import ConnectionEvent
from backend.model import BlockOperation, DiskKey, Domain, DomainKey
from backend.observing import watcher
from backend.observing.pace import Pace
from backend.observing.views import Changes, DomainView
from backend.observing.watcher import INTERVAL, MANY, SELDOM, SWEEP_INTERVAL, Watcher
from backend.simulator import SimulatorBackend
from tests.contract.steps import PATIENCE, eventually
from tests.unit.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pace(clock: Clock) -> Pace:
    return Pace(clock, interval=1.0, share=0.02, longest=5.0)


@pytest.mark.parametrize("cost", [0.0, 0.001, 0.05])
def test_what_takes_long_is_done_rarely(cost: float, clock: Clock, pace: Pace) -> None:
    with pace:
        clock.now += cost
    assert pace.left == pytest.approx(max(1.0, cost / 0.02 - cost))


def test_what_took_very_long_is_done_again_before_what_is_known_is_stale(clock: Clock, pace: Pace) -> None:
    with pace:
        clock.now += 30.0
    assert pace.left == 5.0


def test_what_is_hurried_waits_for_its_share_only(clock: Clock, pace: Pace) -> None:
    with pace:
        clock.now += 0.01
    pace.hurry()
    assert pace.left == pytest.approx(0.01 / 0.02 - 0.01)


def test_what_was_not_answered_is_no_share_of_the_hypervisors_time(clock: Clock, pace: Pace) -> None:
    with pace:
        clock.now += 30.0
        pace.unanswered()
    assert pace.left == 1.0


def test_what_is_hurried_time_and_again_is_not_done_time_and_again(clock: Clock) -> None:
    pace = Pace(clock, interval=1.0, share=0.5, longest=5.0, least=0.1)
    with pace:
        pass
    pace.hurry()
    assert pace.left == pytest.approx(0.1)


async def test_a_turn_that_is_far_away_comes_when_it_is_hurried() -> None:
    pace = Pace(time.monotonic, interval=60.0, share=1.0, longest=5.0)
    with pace:
        pass
    turn = asyncio.create_task(pace.turn())
    await asyncio.sleep(0)
    assert not turn.done()
    pace.hurry()
    await asyncio.wait_for(turn, 10)


async def watching(jobs: int, closely: frozenset[str] = frozenset(), crowded: bool = False) -> dict[str, float]:
    """How often a watcher looks at each of so many domains with a job: uuid -> seconds."""
    watching = Watcher(SimulatorBackend("sim:///turns"))
    watching.watch_closely(closely, crowded)
    for number in range(jobs):
        watching._follow(DomainKey(f"uuid-{number}", number, f"vm-{number}"))
    intervals = {key.uuid: follower.interval for key, follower in watching._followers.items()}
    for key in list(watching._followers):
        watching._unfollow(key)
    return intervals


async def test_a_few_jobs_are_all_looked_at_as_often() -> None:
    assert set((await watching(MANY)).values()) == {INTERVAL}


async def test_of_many_jobs_those_on_the_screen_are_looked_at_most_often() -> None:
    intervals = await watching(10 * MANY, frozenset({"uuid-7"}))
    assert intervals.pop("uuid-7") == INTERVAL
    assert set(intervals.values()) == {INTERVAL * SELDOM}


async def test_where_other_hosts_have_many_jobs_a_few_count_as_many() -> None:
    intervals = await watching(3, frozenset({"uuid-1"}), crowded=True)
    assert intervals == {"uuid-0": INTERVAL * SELDOM, "uuid-1": INTERVAL, "uuid-2": INTERVAL * SELDOM}


async def test_a_domain_that_was_renamed_is_reported_under_its_new_name() -> None:
    async with SimulatorBackend("sim:///renamed?domains=1&jobs=0") as backend:
        key = (await backend.define("old", 1 << 20)).key
        reports: list[Changes] = []
        watching = asyncio.create_task(Watcher(backend).run(reports.append))
        try:
            await eventually_reported(reports, "old")
            assert (await backend.rename(key, "new")).uuid == key.uuid
            changed = await eventually_reported(reports, "new")
        finally:
            watching.cancel()
        assert [view.domain.key.uuid for view in changed.changed] == [key.uuid]
        assert not any(report.removed for report in reports)


async def eventually_reported(reports: list[Changes], name: str) -> Changes:
    """The report that has a domain of that name."""
    async with asyncio.timeout(PATIENCE):
        while True:
            for report in reports:
                if any(view.domain.name == name for view in report.changed):
                    return report
            await asyncio.sleep(0.01)


@pytest.fixture
def only_news(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but what is reported is looked at, once all has been looked at in the beginning."""
    for interval in ("SAFETY_INTERVAL", "BLOCK_INTERVAL"):
        monkeypatch.setattr(watcher, interval, 1e6)


Until = Callable[[Callable[[DomainView], bool]], Awaitable[None]]


@contextlib.asynccontextmanager
async def watched(backend: SimulatorBackend, reports: list[Changes] | None = None) -> AsyncIterator[Until]:
    """Watch it; the value waits until some domain is as told. `reports` gets what is reported."""
    views: dict[str, DomainView] = {}
    news = asyncio.Event()

    def report(changes: Changes) -> None:
        if reports is not None:
            reports.append(changes)
        views.update({view.domain.name: view for view in changes.changed})
        news.set()

    async def until(holds: Callable[[DomainView], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not any(map(holds, views.values())):
                news.clear()
                await news.wait()

    watching = asyncio.create_task(Watcher(backend).run(report))
    try:
        await until(lambda view: view.domain.active)
        yield until
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def running(backend: SimulatorBackend) -> DomainKey:
    domain = await backend.define("vm", 64 << 20, 64 << 20)
    return await backend.start(domain.key)


@pytest.mark.usefixtures("only_news")
async def test_a_job_whose_begin_is_reported_is_seen_without_a_sweep() -> None:
    async with SimulatorBackend("sim:///news?domains=0") as backend:
        domain = await running(backend)
        async with watched(backend) as until:
            await until(lambda view: view.progress is None)
            await backend.begin_backup(domain, seconds=1000.0)
            await until(lambda view: view.progress is not None)
            await backend.abort(domain)
            await until(lambda view: view.progress is None)


@pytest.mark.usefixtures("only_news")
async def test_a_dump_of_a_paused_guest_is_found_although_nothing_reports_it(tmp_path: Path) -> None:
    async with SimulatorBackend("sim:///paused?domains=0&rate=1") as backend:
        domain = await backend.start((await backend.define("vm", 64 << 20)).key, paused=True)
        async with watched(backend) as until:
            await backend.begin_dump(DumpRequest(domain, str(tmp_path / "dump")))
            await until(lambda view: view.progress is not None)


@pytest.mark.usefixtures("only_news")
async def test_a_job_that_begins_or_ends_is_news_and_how_far_it_is_is_none() -> None:
    async with SimulatorBackend("sim:///news?domains=0") as backend:
        domain = await running(backend)
        reports: list[Changes] = []
        async with watched(backend, reports) as until:
            await backend.begin_backup(domain, seconds=1000.0)
            await until(lambda view: view.progress is not None and view.progress.stats.processed > 0)
            await backend.abort(domain)
            await until(lambda view: view.progress is None)
    known: tuple[object, object] = (None, None)
    for report in reports:
        for view in report.changed:
            now = (view.domain, view.progress and view.progress.stats.operation)
            assert report.news is (now != known)
            known = now
    assert [report.news for report in reports].count(False) > 0


async def test_a_domain_that_no_longer_answers_is_marked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "QUIET_LIST_INTERVAL", 1e6)
    monkeypatch.setattr(SimulatorBackend, "deadline", 0.1)
    async with SimulatorBackend("sim:///hangs?domains=0&fail=hang") as backend:
        domain = await backend.start((await backend.define("vm", 64 << 20)).key, paused=True)
        async with watched(backend) as until:
            await backend.begin_dump(DumpRequest(domain, "/nowhere"))
            await until(lambda view: not view.domain.answering)


@pytest.mark.usefixtures("only_news")
async def test_the_job_of_a_disk_is_seen_when_it_begins_and_gone_when_it_is_over() -> None:
    async with SimulatorBackend("sim:///disks?domains=0") as backend:
        disk = DiskKey(await running(backend), "vda")
        async with watched(backend) as until:
            await backend.begin_block_job(disk, BlockOperation.COPY, seconds=1000.0)
            await until(lambda view: [job.stats.disk for job in view.block_jobs] == ["vda"])
            await until(lambda view: view.progress is None)
            await backend.abort(disk)
            await until(lambda view: not view.block_jobs)


@pytest.mark.usefixtures("only_news")
async def test_jobs_that_began_before_are_seen_in_the_beginning() -> None:
    async with SimulatorBackend("sim:///earlier?domains=0") as backend:
        domain = await running(backend)
        await backend.begin_block_job(DiskKey(domain, "vda"), BlockOperation.PULL, seconds=1000.0)
        await backend.begin_backup(domain, seconds=1000.0)
        async with watched(backend) as until:
            await until(lambda view: len(view.block_jobs) == 1 and view.progress is not None)


async def test_a_read_only_connection_finds_the_jobs_of_disks_by_looking() -> None:
    async with (
        SimulatorBackend("sim:///looking?domains=0") as backend,
        SimulatorBackend("sim:///looking", readonly=True) as readonly,
    ):
        disk = DiskKey(await running(backend), "vda")
        async with watched(readonly) as until:
            await backend.begin_block_job(disk, BlockOperation.PULL, seconds=1000.0)
            await until(lambda view: len(view.block_jobs) == 1)


async def test_a_domain_that_stops_has_no_jobs_of_disks_any_more() -> None:
    async with SimulatorBackend("sim:///stops?domains=0") as backend:
        domain = await running(backend)
        await backend.begin_block_job(DiskKey(domain, "vda"), BlockOperation.COPY, seconds=1000.0)
        async with watched(backend) as until:
            await until(lambda view: len(view.block_jobs) == 1)
            await backend.destroy(domain)
            await until(lambda view: not view.domain.active and not view.block_jobs)


class Slow(SimulatorBackend):
    """Its lists take until `listed`; what is reported comes through `hub`."""

    def __init__(self, uri: str) -> None:
        super().__init__(uri)
        self.listed, self.hub = asyncio.Event(), EventHub()

    def events(self) -> EventStream:
        return self.hub.stream()

    async def domains(self) -> list[Domain]:
        await self.listed.wait()
        return await super().domains()


@pytest.mark.usefixtures("only_news")
async def test_a_lost_connection_is_reported_although_it_may_be_back_before_the_next_list() -> None:
    async with Slow("sim:///slow?domains=1&jobs=0") as backend:
        reports: asyncio.Queue[Changes] = asyncio.Queue()
        watches = Watcher(backend, sweep_interval=1e6)
        watching = asyncio.create_task(watches.run(reports.put_nowait))
        sweeps = (watches._sweeps, watches._safety, watches._block_sweeps)

        async def are_over() -> bool:
            return min(pace.left for pace in sweeps) > SWEEP_INTERVAL * 1000

        try:
            async with asyncio.timeout(PATIENCE):
                backend.listed.set()
                assert (await reports.get()).connected
                # Each sweep ends with a report of what is new.
                await eventually(are_over)
                await watches._moments.settled(PATIENCE)
                backend.listed.clear()
                backend.hub.put(ConnectionEvent(False, "cut"))
                while (report := await reports.get()).connected:
                    pass
                assert report.reason == "cut"
                backend.hub.put(ConnectionEvent(True))
                backend.listed.set()
                while not (await reports.get()).connected:
                    pass
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
