"""What the flash line says: the latest message for some seconds, and beside it an error whose time is not over."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tui.session.activity_log import Tone


@dataclass(frozen=True, slots=True)
class FlashMessage:
    text: str
    tone: Tone
    until: float
    """When it disappears, by the clock of its Flash."""


class Flash:
    """An error keeps its place against anything else; another error takes it. `clock`: monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._error: FlashMessage | None = None
        self._other: FlashMessage | None = None

    def add(self, text: str, tone: Tone, seconds: float) -> None:
        """Show `text` from now on, for so long."""
        message = FlashMessage(text, tone, self._clock() + seconds)
        if tone is Tone.ERROR:
            self._error, self._other = message, None
        else:
            self._other = message

    def clear(self) -> None:
        """Show nothing any more."""
        self._error = self._other = None

    @property
    def shown(self) -> tuple[FlashMessage, ...]:
        """What is to be seen now, an error first."""
        now = self._clock()
        return tuple(message for message in (self._error, self._other) if message is not None and message.until > now)

    @property
    def seconds(self) -> float | None:
        """After how many there is less to see; None: there is nothing."""
        ends = [message.until for message in self.shown]
        return min(ends) - self._clock() if ends else None
