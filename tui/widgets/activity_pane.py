"""What happened, newest first."""

from __future__ import annotations

import time
from collections import deque

from textual.content import Content

from backend.outcome import Outcome, Verdict
from tui.session.activity_log import Tone
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
_TONE_STYLES = {Tone.PLAIN: "", Tone.QUIET: "$foreground-muted", Tone.WARNING: "$warning", Tone.ERROR: "$error"}


class ActivityPane(Lines):
    """An ActivityLog: entries wrapped to the width of the pane."""

    BORDER_TITLE = "Activity"

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._entries: deque[tuple[Content, list[Content]]] = deque(maxlen=KEPT)
        """Each with its lines."""
        self._counted: tuple[str, str, int] | None = None
        """The subject, the words and the number of the newest entry, if it counts."""
        self._painted = True
        """Whether all entries are on the screen."""

    def say(self, subject: str, words: str, tone: Tone = Tone.PLAIN) -> None:
        self._counted = None
        self._add(subject, words, _TONE_STYLES[tone])

    def count(self, subject: str, number: int, singular: str, plural: str) -> None:
        if self._counted is not None and self._counted[:2] == (subject, plural):
            number += self._counted[2]
            self._entries.popleft()
        self._counted = subject, plural, number
        self._add(subject, f"{number} {singular if number == 1 else plural}", _TONE_STYLES[Tone.QUIET])

    def tell(self, outcome: Outcome) -> None:
        self._counted = None
        self._add(outcome.domain.name, outcomes.news(outcome), VERDICT_STYLES[outcome.verdict])

    def on_resize(self) -> None:
        self._entries = deque(((entry, self._wrapped(entry)) for entry, _ in self._entries), maxlen=KEPT)
        self._show()

    def _add(self, subject: str, words: str, style: str) -> None:
        stamp = units.clock(time.time())
        entry = Content.assemble((stamp, "$foreground-muted"), " ", (subject, "bold"), " ", (words, style))
        self._entries.appendleft((entry, self._wrapped(entry)))
        if self._painted:  # Several come at a time and are painted together.
            self._painted = False
            self.call_later(self._show)

    def _show(self) -> None:
        self._painted = True
        self.show_lines([line for _, lines in self._entries for line in lines][:KEPT])

    def _wrapped(self, entry: Content) -> list[Content]:
        cells = self.scrollable_content_region.width
        if cells < 12:
            return [entry]
        first, *rest = entry.wrap(cells)
        if not rest:
            return [first]
        # Wrapping removed the blanks at which it broke the lines.
        others = entry[len(first.plain) :]
        others = others[len(others.plain) - len(others.plain.lstrip()) :]
        return [first, *(Content("  ") + line for line in others.wrap(cells - 2))]
