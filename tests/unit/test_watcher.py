"""How often a hypervisor may be asked."""

from __future__ import annotations

import contextlib

import pytest

from backend.errors import NotAnswering
from backend.model import DomainKey, JobStats, JobType
from backend.progress import ProgressMeter
from backend.simulator import SimulatorBackend
from backend.watcher import LONGEST_PAUSE, MANY, SHARE, SWEEP_INTERVAL, TURNS, Watcher, _Budget


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("cost", [0.0, 0.001, 0.05])
def test_what_takes_long_is_done_rarely(cost: float) -> None:
    clock = Clock()
    budget = _Budget(clock)
    with budget:
        clock.now += cost
    clock.now += max(SWEEP_INTERVAL, cost / SHARE) - 0.01
    assert not budget.due()
    clock.now += 0.02
    assert budget.due()


def test_what_took_very_long_is_done_again_before_what_is_known_is_stale() -> None:
    clock = Clock()
    budget = _Budget(clock)
    with budget:
        clock.now += 30.0
    clock.now += LONGEST_PAUSE
    assert budget.due()


def test_what_is_hurried_waits_for_its_share_only() -> None:
    clock = Clock()
    budget = _Budget(clock)
    with budget:
        clock.now += 0.01
    budget.hurry()
    assert not budget.due()
    clock.now += 0.011 / SHARE
    assert budget.due()


def test_what_was_not_answered_is_asked_again_soon() -> None:
    clock = Clock()
    budget = _Budget(clock)
    with contextlib.suppress(NotAnswering), budget:
        clock.now += 30.0
        raise NotAnswering("no answer within 30 s")
    clock.now += SWEEP_INTERVAL
    assert budget.due()


def watcher(jobs: int) -> Watcher:
    watching = Watcher(SimulatorBackend("sim:///turns"))
    for number in range(jobs):
        key = DomainKey(f"uuid-{number}", number, f"vm-{number}")
        watching._meters[key] = JobStats(JobType.UNBOUNDED), ProgressMeter()
    return watching


def test_a_few_jobs_are_all_looked_at_each_time() -> None:
    assert len(watcher(MANY)._whose_turn()) == MANY


def test_of_many_jobs_each_has_its_turn_and_those_that_someone_looks_at_each_time() -> None:
    watching = watcher(10 * MANY)
    watching.closely = frozenset({"uuid-7"})
    turns = [[key.uuid for key in watching._whose_turn()] for _ in range(TURNS)]
    assert all("uuid-7" in turn and len(turn) < 3 * 10 * MANY / TURNS for turn in turns)
    assert len({uuid for turn in turns for uuid in turn}) == 10 * MANY
