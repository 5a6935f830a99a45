"""When unexpected exceptions come too often for the console to go on."""

from __future__ import annotations

import time

MANY = 20
PAUSE = 5.0
"""So many, each within so few seconds of the one before and with no key in between, repeat by themselves.

The screen cannot be drawn, for example.
"""


class Failures:
    """Counts them."""

    def __init__(self) -> None:
        self._count = 0
        self._last = float("-inf")

    def add(self) -> bool:
        """Count one more; whether they repeat by themselves."""
        now = time.monotonic()
        self._count = self._count + 1 if now - self._last <= PAUSE else 1
        self._last = now
        return self._count >= MANY

    def forget(self) -> None:
        """The user pressed a key: what fails now may fail because of it."""
        self._count = 0
