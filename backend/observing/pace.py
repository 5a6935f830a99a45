"""When something that costs a hypervisor time may be done again."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from math import inf
from typing import Self

WAITED = 1.0
"""Seconds that a turn in which someone did not answer is longer than, if it was spent on waiting for that answer."""
GRAIN = 0.25
"""Seconds of sleep, at most, between two readings of a clock that a test moves by hand; the real one needs none."""


class Pace:
    """Something that is done again and again: ``await pace.turn()``, and then do it ``with pace``.

    It is done every `interval` seconds, sooner where it is hurried, but never again before `least` seconds, nor so
    often that it takes more than `share` of the time; that puts it off by `longest` seconds at the most.
    """

    def __init__(
        self, clock: Callable[[], float], interval: float, share: float, longest: float, least: float = 0.0
    ) -> None:
        self._clock = clock
        self.interval = interval
        """Seconds; a change while it is done holds from then on."""
        self._share = share
        self._longest = longest
        self._least = least
        self._begun = 0.0
        self._usual = 0.0
        self._answered = True
        self._earliest = self._next = float("-inf")
        self._hurried = asyncio.Event()
        self._grain = inf if clock is time.monotonic else GRAIN

    @property
    def left(self) -> float:
        """Seconds until it is to be done again; none or less: it is due."""
        return (self._earliest if self._hurried.is_set() else self._next) - self._clock()

    def hurry(self) -> None:
        """Do it as soon as its share allows."""
        self._hurried.set()

    def unanswered(self) -> None:
        """Say, while it is done, that an answer does not come.

        To wait for it takes none of the hypervisor's time: a long turn costs no more than the last one without.
        """
        self._answered = False

    async def turn(self) -> None:
        """Wait until it is due."""
        while (left := self.left) > 0:
            if self._hurried.is_set():
                await asyncio.sleep(min(left, self._grain))
                continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(left, self._grain)):
                    await self._hurried.wait()

    def __enter__(self) -> Self:
        self._hurried.clear()
        self._answered = True
        self._begun = self._clock()
        return self

    def __exit__(self, *_: object) -> None:
        ended = self._clock()
        cost = ended - self._begun
        if self._answered or cost < WAITED:
            self._usual = cost
        else:
            cost = min(cost, self._usual)
        self._earliest = ended + max(self._least, min(cost / self._share - cost, self._longest))
        self._next = max(ended + self.interval, self._earliest)
