"""How many dumps run at the same time on a host: the others wait for their turn, first come, first served."""

from __future__ import annotations

from asyncio import Event
from collections import deque


class Turns:
    """The turns of one host. A turn is an event: set when it has come."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._running: set[Event] = set()
        self._queue: deque[Event] = deque()

    @property
    def at_once(self) -> int:
        """How many may run at the same time; where that becomes less, those that run are not touched."""
        return self._at_once

    @at_once.setter
    def at_once(self, at_once: int) -> None:
        self._at_once = at_once
        self._call()

    @property
    def free(self) -> bool:
        """Whether the next turn comes at once."""
        return not self._queue and len(self._running) < self._at_once

    def line_up(self) -> Event:
        """A new turn, to be handed back by `leave`."""
        turn = Event()
        self._queue.append(turn)
        self._call()
        return turn

    def occupy(self) -> Event:
        """A turn for what runs already, however many do; to be handed back by `leave`."""
        turn = Event()
        turn.set()
        self._running.add(turn)
        return turn

    def leave(self, turn: Event) -> None:
        """Hand a turn back, whether it has come or not, and however often that is done."""
        self._running.discard(turn)
        if turn in self._queue:
            self._queue.remove(turn)
        self._call()

    def _call(self) -> None:
        while self._queue and len(self._running) < self._at_once:
            turn = self._queue.popleft()
            self._running.add(turn)
            turn.set()
