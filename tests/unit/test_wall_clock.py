"""How long ago a file was written to, if the wall clock is set meanwhile."""

from __future__ import annotations

import pytest

from backend.observing.wall_clock import WallClock


class Clocks:
    def __init__(self) -> None:
        self.steady = 100.0
        self.offset = 1_700_000_000.0
        self.clock = WallClock(lambda: self.wall, lambda: self.steady)

    @property
    def wall(self) -> float:
        return self.steady + self.offset

    def advance(self, seconds: float) -> None:
        self.steady += seconds
        self.clock.look()


def test_the_age_of_a_file_is_told_by_the_wall_clock() -> None:
    clocks = Clocks()
    written = clocks.wall
    clocks.advance(3.0)
    assert clocks.clock.seconds_since(written) == pytest.approx(3.0)
    assert clocks.clock.seconds_since(clocks.wall + 60) == 0.0


@pytest.mark.parametrize("step", [2.0, -2.0, 3600.0])
def test_once_the_clock_was_set_nobody_knows_how_old_a_file_is(step: float) -> None:
    clocks = Clocks()
    written = clocks.wall - 10
    clocks.offset += step
    assert clocks.clock.seconds_since(written) == 0.0


def test_a_clock_that_was_set_and_set_back_is_not_believed_either() -> None:
    clocks = Clocks()
    clocks.offset += 2.0
    clocks.advance(0.1)
    clocks.offset -= 2.0
    assert clocks.clock.seconds_since(clocks.wall - 10) == 0.0


def test_a_clock_that_is_slewed_is_believed() -> None:
    clocks = Clocks()
    for _ in range(1000):
        clocks.offset += 0.0005
        clocks.advance(1.0)
    assert clocks.clock.seconds_since(clocks.wall - 10) == pytest.approx(10.0)
