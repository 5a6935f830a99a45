"""Whether somebody sets the wall clock, by which files tell when they were written to."""

from __future__ import annotations

import time
from collections.abc import Callable

STEP = 0.05
"""Seconds that the clock may gain or lose from one look to the next by being slewed."""


class WallClock:
    """Compares it with the monotonic clock at each `look`."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._steady = steady
        self._offset = wall() - steady()
        self._was_set = False

    def look(self) -> None:
        """Notice a step since the last look."""
        offset = self._wall() - self._steady()
        self._was_set = self._was_set or abs(offset - self._offset) > STEP
        self._offset = offset

    def age(self, moment: float) -> float | None:
        """How long ago `moment` was; None once the clock was set."""
        self.look()
        return None if self._was_set or moment > self._wall() else self._wall() - moment

    def seconds_since(self, moment: float) -> float:
        """How long ago `moment` was, at the least: 0 once the clock was set, since nobody knows before or after it."""
        self.look()
        return 0.0 if self._was_set else max(0.0, self._wall() - moment)
