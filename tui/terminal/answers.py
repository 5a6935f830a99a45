"""Questions that a terminal is asked, and the answers that are still on their way."""

from __future__ import annotations

import threading


class Answers:
    """Counts them; for several threads. A terminal that has never answered is not waited for."""

    def __init__(self) -> None:
        self._asked = self._arrived = 0
        self._change = threading.Condition()

    def ask(self, questions: int) -> None:
        """So many questions are sent."""
        with self._change:
            self._asked += questions

    def arrive(self) -> None:
        """One was answered."""
        with self._change:
            self._arrived += 1
            self._change.notify_all()

    def wait(self, seconds: float) -> None:
        """Wait until all are answered, for so long at most, and begin anew: lost answers do not count twice."""
        with self._change:
            if self._arrived:
                self._change.wait_for(lambda: self._arrived >= self._asked, seconds)
            self._asked = self._arrived = 0
