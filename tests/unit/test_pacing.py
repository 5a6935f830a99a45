"""A terminal gets no more than it takes; its answers tell how much that is."""

from __future__ import annotations

from math import inf

import pytest

from tui.terminal.pacing import FRAME_TIME, PATIENCE, SMALLEST_FRAME, Pacing


def line(rate: float, delay: float, frames: int = 30, size: int = 2000) -> tuple[Pacing, float]:
    """What is known of a line of so many bytes a second and that round trip; and the time by then."""
    pacing, now = Pacing(), 0.0
    pacing.send(4, now)
    now += delay
    pacing.answer(now)
    for _ in range(frames):
        assert pacing.wait(now) == 0.0
        pacing.send(size, now)
        now += delay + size / rate
        pacing.answer(now)
    return pacing, now


def test_a_terminal_that_never_answers_is_never_waited_for() -> None:
    pacing = Pacing()
    for now in range(10):
        pacing.send(100_000, now)
        assert pacing.wait(now) == 0.0
    assert (pacing.limit, pacing.slow) == (inf, False)


def test_a_frame_waits_for_the_answer_to_the_one_before() -> None:
    pacing, now = line(20_000, 0.01)
    pacing.send(2000, now)
    assert pacing.wait(now) > 0
    pacing.answer(now + 0.11)
    assert pacing.wait(now + 0.11) == 0.0


@pytest.mark.parametrize("delay", [0.001, 0.05, 0.3])
@pytest.mark.parametrize("rate", [9_600.0, 15_000.0, 50_000.0])
def test_frames_on_a_slow_line_are_as_large_as_it_takes_in_a_tenth_of_a_second(rate: float, delay: float) -> None:
    pacing, _ = line(rate, delay)
    assert pacing.limit == pytest.approx(max(SMALLEST_FRAME, rate * FRAME_TIME), rel=0.3)
    assert pacing.slow is (rate < 20_000)


@pytest.mark.parametrize("delay", [0.001, 0.3])
def test_a_quick_line_is_not_slow_however_far_it_reaches(delay: float) -> None:
    pacing, now = line(2_000_000, delay)
    assert pacing.limit > 50_000
    assert not pacing.slow
    pacing.send(3000, now)
    assert pacing.wait(now) == 0.0, "a key is not to wait for a round trip"


def test_an_answer_that_was_lost_is_not_waited_for_for_ever() -> None:
    pacing, now = line(20_000, 0.01)
    pacing.send(2000, now)
    pause = pacing.wait(now)
    assert 0 < pause <= PATIENCE
    assert pacing.wait(now + pause) == 0.0


def test_a_large_frame_is_given_the_time_that_the_slowest_line_takes() -> None:
    pacing = Pacing()
    pacing.send(4, 0.0)
    pacing.answer(0.01)
    pacing.send(12_000, 0.02)
    pacing.send(2_000, 0.03)
    pacing.answer(1.3)
    assert pacing.wait(1.3) > 0
