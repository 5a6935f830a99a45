"""Which columns have room on a line, and how wide each is."""

from __future__ import annotations

from collections.abc import Sequence

from tui.widgets.columns import Column

GAP = 1
"""Minimum number of cells between two columns."""
NAME_WORTH = 16
"""Cells of a name that take precedence over another column."""
ESSENTIAL = 4
"""The columns up to this rank become narrower before one of them is hidden."""


def fitting(columns: Sequence[Column], width: int, longest_name: int, skipped: int = 0) -> list[tuple[Column, int]]:
    """The columns that have room in `width` cells, and how wide each is.

    Those of the highest ranks give way; where the first `skipped` after the name are scrolled out, the last ones do.
    """
    widths = {column.id: column.width for column in columns}
    widths["name"] = max(widths["name"], min(longest_name, NAME_WORTH))
    shown = [columns[0], *columns[1 + skipped :]]
    while len(shown) > 2 and sum(widths[column.id] + GAP for column in shown) - GAP > width:
        last = shown[-1] if skipped else max(shown, key=lambda column: column.rank)
        wide = [column for column in shown if column.least and column.least < widths[column.id]]
        if wide and not skipped and last.rank <= ESSENTIAL:
            narrowed = max(wide, key=lambda column: column.rank)
            widths[narrowed.id] = narrowed.least
        else:
            shown.remove(last)
    return _stretched(shown, widths, width, longest_name)


def _stretched(
    shown: Sequence[Column], widths: dict[str, int], width: int, longest_name: int
) -> list[tuple[Column, int]]:
    spare = width - sum(widths[column.id] + GAP for column in shown) + GAP
    # Columns that are cut off get space first; the progress takes the rest.
    for column in sorted(shown, key=lambda column: (column.id == "progress", column.id != "name")):
        stretch = min(column.stretch, max(0, longest_name - widths["name"])) if column.id == "name" else column.stretch
        taken = max(0, min(stretch, spare))
        widths[column.id] += taken
        spare -= taken
    return [(column, widths[column.id]) for column in shown]
