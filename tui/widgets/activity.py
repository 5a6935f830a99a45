"""What happened, newest first."""

from __future__ import annotations

import time
from collections import deque

from textual.content import Content

from backend.verdicts.verdict import Outcome, Verdict
from tui.widgets.lines import Lines
from tui.words import outcomes, units

KEPT = 200
"""Entries, and lines of them; older ones are forgotten."""
VERDICT_STYLES = {
    Verdict.COMPLETED: "$success",
    Verdict.FAILED: "$error",
    Verdict.CANCELLED: "$warning",
    Verdict.UNPROVEN: "$warning",
}


class Activity(Lines):
    """A log of one-line entries, wrapped to the width there is."""

    BORDER_TITLE = "Activity"

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._entries: deque[tuple[Content, list[Content]]] = deque(maxlen=KEPT)
        """Each with its lines."""
        self._counted: tuple[str, str, int] | None = None
        """The subject, the words and the number of the newest entry, if that one counts."""
        self._shown = True
        """Whether all entries are."""

    def say(self, subject: str, words: str, style: str = "", at: float | None = None) -> None:
        """Add an entry about `subject` (a domain, a host); `words` in `style`; `at`: seconds of the epoch, or now."""
        self._counted = None
        self._add(subject, words, style, time.time() if at is None else at)

    def count(self, subject: str, number: int, words: str) -> None:
        """Add to an entry like ``12 jobs began or ended``, if that is the newest one, or begin it."""
        if self._counted is not None and self._counted[:2] == (subject, words):
            number += self._counted[2]
            self._entries.popleft()
        self._counted = subject, words, number
        self._add(subject, f"{number} {words}", "$foreground-muted", time.time())

    def _add(self, subject: str, words: str, style: str, at: float) -> None:
        stamp = units.clock(at)
        entry = Content.assemble((stamp, "$foreground-muted"), " ", (subject, "bold"), " ", (words, style))
        self._entries.appendleft((entry, self._wrapped(entry)))
        if self._shown:  # Several come at a time, and are shown together.
            self._shown = False
            self.call_later(self._show)

    def tell(self, outcome: Outcome) -> None:
        """Add how a job ended."""
        self.say(outcome.domain.name, outcomes.line(outcome), VERDICT_STYLES[outcome.verdict])

    def on_resize(self) -> None:
        self._entries = deque(((entry, self._wrapped(entry)) for entry, _ in self._entries), maxlen=KEPT)
        self._show()

    def _show(self) -> None:
        self._shown = True
        self.show_lines([line for _, lines in self._entries for line in lines][:KEPT])

    def _wrapped(self, entry: Content) -> list[Content]:
        cells = self.scrollable_content_region.width
        if cells < 12:
            return [entry]
        first, *rest = entry.wrap(cells)
        if not rest:
            return [first]
        # Wrapping took the blanks away at which it broke the lines.
        others = entry[len(first.plain) :]
        others = others[len(others.plain) - len(others.plain.lstrip()) :]
        return [first, *(Content("  ") + line for line in others.wrap(cells - 2))]
