"""A wall clock that is set while everybody looks at it: that of this process, not the machine's."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

STEPS = (-3600.0, -30.0, -2.5, 0.0, 2.5, 30.0, 3600.0)
"""Seconds by which it may differ from the machine's, which runners and commands go by."""


class SteppedClock:
    def __init__(self) -> None:
        self._real = time.time
        self._shift = 0.0

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Whoever asks for the time in this process asks this one."""
        with patch.object(time, "time", self._now):
            yield

    def step(self, chance: random.Random) -> str:
        """Set it: the name of that fault."""
        shift = chance.choice([shift for shift in STEPS if shift != self._shift])
        forward, self._shift = shift > self._shift, shift
        return f"clock set {'forward' if forward else 'back'}"

    def _now(self) -> float:
        return self._real() + self._shift
