"""How high the panes of the main screen are: the domains take what they need, details and activity the rest."""

from __future__ import annotations

from dataclasses import dataclass

FRAME = 3
"""Lines of the table that are no rows: its border and its header."""
LEAST_ROWS = 3
LEAST_STACKED = ((26, 11), (20, 10), (16, 9), (15, 6))
LEAST_ABREAST = ((26, 11), (20, 9), (16, 7), (15, 6))
"""From how many lines on details and activity have so many of them, whatever the number of domains."""
LEAST_DETAILS, LEAST_ACTIVITY = 6, 3
LEAST_BESIDE = 5
"""Lines that are worth while for both, side by side."""
STEP = 6
"""The table keeps its height while it needs fewer lines, but not so many fewer."""
SPARE = 2
"""Rows for which a table that has grown has room beyond those that it needs: disks get jobs, and lose them."""


@dataclass(frozen=True, slots=True)
class Heights:
    """Lines of each pane; 0: it is hidden."""

    domains: int
    details: int
    activity: int


def heights(lines: int, rows: int, stacked: bool) -> Heights:
    """Share so many lines.

    `rows`: those of the table, 0 before any is known; `stacked`: the activity is below the details, not beside them.
    """
    steps = LEAST_STACKED if stacked else LEAST_ABREAST
    least = next((below for enough, below in steps if lines >= enough), 0)
    below = max(least, lines - FRAME - max(LEAST_ROWS, rows) if rows else 0)
    if not stacked:
        below = below if below >= LEAST_BESIDE else 0
        return Heights(lines - below, below, below)
    if below < LEAST_DETAILS:
        return Heights(lines, 0, 0)
    if below < LEAST_DETAILS + LEAST_ACTIVITY:
        return Heights(lines - below, below, 0)
    details = max(LEAST_DETAILS, round(below * 0.55))
    return Heights(lines - below, details, below - details)


def room(before: int, rows: int) -> int:
    """For how many rows the table has room, if it was `before` (0: it was empty): it changes on real need only."""
    if not before:
        return rows
    if rows > before:
        return rows + SPARE
    return rows if rows <= before - STEP else before
