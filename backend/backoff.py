"""The pauses between attempts to connect: each is twice as long as the one before, up to a limit."""

from __future__ import annotations

import asyncio


class Backoff:
    """Pauses of `first` to `longest` seconds."""

    def __init__(self, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self._next = first

    async def pause(self) -> None:
        """Sleep, and longer the next time."""
        seconds, self._next = self._next, min(2 * self._next, self._longest)
        await asyncio.sleep(seconds)

    def reset(self) -> None:
        """Begin with the first pause again: an attempt has succeeded."""
        self._next = self._first
