"""The one timer with which an event loop looks after the files of all its simulators.

SQLite cannot notify another process of a change, so files have to be looked at; a timer for each would cost more than
the looks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

INTERVAL = 0.05
"""Seconds between two visits."""

Visit = Callable[[], object]
"""Looks after one simulator; it must not raise."""


class Patrol:
    """Calls all visits again and again, as long as there are any."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._visits: set[Visit] = set()
        self._timer = loop.call_later(INTERVAL, self._go_round)

    def join(self, visit: Visit) -> None:
        """Call `visit` from now on, once each round however often it joins."""
        self._visits.add(visit)

    def leave(self, visit: Visit) -> None:
        """Call `visit` no more."""
        self._visits.discard(visit)
        if not self._visits:
            self._timer.cancel()
            _PATROLS.pop(self._loop, None)

    def _go_round(self) -> None:
        self._timer = self._loop.call_later(INTERVAL, self._go_round)
        for visit in list(self._visits):
            visit()


_PATROLS: dict[asyncio.AbstractEventLoop, Patrol] = {}
"""One for each event loop that has simulators to look after."""


def patrol() -> Patrol:
    """The patrol of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _PATROLS:
        _PATROLS[loop] = Patrol(loop)
    return _PATROLS[loop]
