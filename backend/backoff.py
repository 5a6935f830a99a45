"""The pauses between attempts to connect: each is twice as long as the one before, up to a limit."""

from __future__ import annotations

import asyncio
import time

CONNECT = (3.0, 15.0)
"""The first and the longest pause, in seconds, before another attempt at a connection that never came about."""
RECONNECT = (0.1, 5.0)
"""Those for a connection that was lost: a daemon that restarts is back within a second."""


class Backoff:
    """Pauses of `first` to `longest` seconds."""

    def __init__(self, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self._next = first
        self._due = 0.0
        self._sleep: asyncio.Task[None] | None = None

    @property
    def left(self) -> float | None:
        """Seconds that the pause still takes; None while there is none."""
        return max(0.0, self._due - time.monotonic()) if self._sleep is not None else None

    async def pause(self) -> None:
        """Sleep, and longer the next time."""
        seconds, self._next = self._next, min(2 * self._next, self._longest)
        self._due = time.monotonic() + seconds
        self._sleep = asyncio.ensure_future(asyncio.sleep(seconds))
        try:
            await asyncio.wait([self._sleep])
        finally:
            self._sleep.cancel()
            self._sleep = None

    def hurry(self) -> None:
        """End the pause."""
        if self._sleep is not None:
            self._sleep.cancel()

    def reset(self) -> None:
        """Begin with the first pause again: an attempt has succeeded."""
        self._next = self._first
