"""How often a hypervisor may be asked."""

from __future__ import annotations

import asyncio
import time

import pytest

from backend.model import DomainKey
from backend.observing.pace import Pace
from backend.observing.watcher import INTERVAL, MANY, SELDOM, Changes, Watcher
from backend.simulator import SimulatorBackend
from tests.contract.steps import PATIENCE


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


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
    watcher = Watcher(SimulatorBackend("sim:///turns"))
    watcher.watch_closely(closely, crowded)
    for number in range(jobs):
        watcher._follow(DomainKey(f"uuid-{number}", number, f"vm-{number}"))
    intervals = {key.uuid: follower.interval for key, follower in watcher._followers.items()}
    for key in list(watcher._followers):
        watcher._unfollow(key)
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
