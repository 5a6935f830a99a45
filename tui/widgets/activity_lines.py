"""The lines of an entry of the activity."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content

from backend.outcome import Verdict
from tui.session.activity import Entry
from tui.session.activity_log import Tone
from tui.widgets.flash_line import shortened
from tui.words import units

VERDICT_STYLES: Mapping[Verdict, str] = {
    Verdict.COMPLETED: "$success",
    Verdict.FAILED: "$error",
    Verdict.CANCELLED: "$warning",
    Verdict.UNPROVEN: "$warning",
}
_TONE_STYLES = {Tone.PLAIN: "", Tone.QUIET: "$foreground-muted", Tone.WARNING: "$warning", Tone.ERROR: "$error"}


def _heading(entry: Entry) -> Content:
    """When it happened, and to what."""
    subject = Content.styled(f"{entry.subject} ", "bold") if entry.subject else ""
    return Content.assemble((units.clock(entry.at), "$foreground-muted"), " ", subject)


def _style(entry: Entry) -> str:
    return VERDICT_STYLES[entry.tone] if isinstance(entry.tone, Verdict) else _TONE_STYLES[entry.tone]


def in_one_line(entry: Entry, cells: int) -> Content:
    """The entry in so many cells, shortened if it has to be."""
    heading = _heading(entry)
    return heading + Content.styled(shortened(entry.words, cells - heading.cell_length), _style(entry))


def wrapped(entry: Entry, cells: int) -> list[Content]:
    """The entry in lines of so many cells, all but the first indented."""
    whole = _heading(entry) + Content.styled(entry.words, _style(entry))
    if cells < 12:
        return [whole]
    first, *rest = whole.wrap(cells)
    if not rest:
        return [first]
    # Wrapping removed the blanks at which it broke the lines.
    others = whole[len(first.plain) :]
    others = others[len(others.plain) - len(others.plain.lstrip()) :]
    return [first, *(Content("  ") + line for line in others.wrap(cells - 2))]
