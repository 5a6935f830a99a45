"""When unexpected exceptions come too often for the console to go on."""

from __future__ import annotations

import time
from collections import deque

MANY = 20
WITHIN = 10.0
"""So many in so few seconds, with no key in between, repeat by themselves: the screen cannot be drawn, for example."""


class Failures:
    """Counts them since the last key."""

    def __init__(self) -> None:
        self._moments: deque[float] = deque(maxlen=MANY)

    def add(self) -> bool:
        """Count one more; whether they repeat by themselves."""
        self._moments.append(time.monotonic())
        return len(self._moments) == MANY and self._moments[-1] - self._moments[0] <= WITHIN

    def forget(self) -> None:
        """The user pressed a key: what fails now may fail because of it."""
        self._moments.clear()
