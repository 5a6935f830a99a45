"""How often changes are taken in: many numbers together, and what began or ended at once, unless much of it does."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

NEWS_FOLD = 0.05
"""Seconds, at least, between taking in changes and taking in a job that began or ended."""
NEWS_BURST = 4
"""So many of the latter may come in a row; of more, there are no more than of the others."""

Deliver = Callable[[Callable[[], None]], object]
"""Runs a call where its result is wanted."""


class Folding:
    """Has `take` called, through `deliver`, for all that has changed since. `interval`: seconds between two calls, at
    least; after news it may be less."""

    def __init__(self, interval: float, deliver: Deliver, take: Callable[[], None]) -> None:
        self._interval = interval
        self._deliver = deliver
        self._take = take
        self._timer: asyncio.TimerHandle | None = None
        self._taken_at = float("-inf")
        self._early: deque[float] = deque(maxlen=NEWS_BURST)
        """When changes were last taken in sooner than after the interval."""

    @property
    def due(self) -> float | None:
        """When they will be taken in, by the event loop's clock; None: nothing has changed."""
        return self._timer.when() if self._timer is not None else None

    def changed(self, news: bool) -> None:
        """Something has changed; with `news`, more than numbers."""
        loop = asyncio.get_running_loop()
        due = max(loop.time(), self._taken_at + self._interval)
        if news:
            # Numbers that changed a moment ago do not hold up what began or ended now, unless it is a burst of that.
            first = self._early[0] + NEWS_BURST * self._interval if len(self._early) == NEWS_BURST else float("-inf")
            due = min(due, max(loop.time(), self._taken_at + NEWS_FOLD, first))
        if self._timer is not None:
            if self._timer.when() <= due:
                return
            self._timer.cancel()
        self._timer = loop.call_at(due, lambda: self._deliver(self._take_in))

    def close(self) -> None:
        """Take in nothing more."""
        if self._timer is not None:
            self._timer.cancel()

    def _take_in(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        if now < self._taken_at + self._interval:
            self._early.append(now)
        self._taken_at = now
        self._take()
