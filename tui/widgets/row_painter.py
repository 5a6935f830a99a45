"""Rows of domains as painted lines, in the columns that have room."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.config.columns import DEFAULT_COLUMNS
from tui.session.rows import Row
from tui.widgets.column_layout import GAP, fitting
from tui.widgets.columns import JOB_COLUMNS, Column, chosen, note
from tui.words.cells import fit

MARGIN = 2
"""Cells before the first column: the cursor's, and the mark's."""
MOST_GAP = 3
"""Cells between two columns where there is room for more."""
CURSOR, MARK = "▌", "●"


class RowPainter:
    """Knows the columns.

    `style` gives that of a name in `STYLES`, or of none, on the line with the cursor or not, of a marked row or not.
    """

    def __init__(self, several_hosts: bool, style: Callable[[str, bool, bool], Style]) -> None:
        self._ids: Sequence[str] = DEFAULT_COLUMNS
        self._several_hosts = several_hosts
        self.columns = chosen(self._ids, several_hosts)
        self._note: tuple[int, int] = (0, 0)
        """The first column that a note stands in, and the one behind it, by their places in the layout."""
        self._state_cells = 0
        """Those of the state beside it; 0: it is not shown."""
        self.layout: list[tuple[Column, int]] = []
        self._style = style
        self._gap = GAP
        self._rest = 0
        """Cells that are left of the last column."""
        self._skipped = 0
        self._width = 0
        self._longest_name = 0

    def show_hosts(self, several: bool) -> None:
        """Whether the column that says where each domain is may be shown; `lay_out` afterwards."""
        self._several_hosts = several
        self.columns = chosen(self._ids, several)

    def show_columns(self, ids: Sequence[str]) -> None:
        """Show the columns of these ids, in this order; `lay_out` afterwards."""
        self._ids, self._skipped = ids, 0
        self.columns = chosen(ids, self._several_hosts)

    def lay_out(self, width: int, longest_name: int) -> None:
        """Choose the columns for lines of so many cells."""
        self._width, self._longest_name = width, longest_name
        room = max(0, width - MARGIN)
        self.layout = fitting(self.columns, room, longest_name)
        if self._skipped and len(self.layout) < len(self.columns):
            self.layout = fitting(self.columns, room, longest_name, self._skipped)
        else:
            self._skipped = 0
        used, gaps = sum(cells for _, cells in self.layout), len(self.layout) - 1
        self._gap = min(MOST_GAP, max(GAP, (room - used) // max(1, gaps)))
        self._rest = width - MARGIN - used - gaps * self._gap
        self._note = self._widest_run()
        self._state_cells = next((cells for column, cells in self.layout if column.id == "state"), 0)

    def _widest_run(self) -> tuple[int, int]:
        """The neighbours among the shown columns that are empty without a job, and have the most room together."""
        runs = [(0, 0)]
        for number, (column, _) in enumerate(self.layout):
            if column.id in JOB_COLUMNS:
                start = runs[-1][0] if runs[-1][1] == number else number
                runs.append((start, number + 1))
        return max(runs, key=lambda run: sum(cells + self._gap for _, cells in self.layout[slice(*run)]))

    def scroll(self, columns: int) -> bool:
        """Show so many columns further to the right; whether there was anything to scroll to."""
        hidden = len(self.layout) < len(self.columns)
        at_end = self.layout[-1][0] is self.columns[-1] and self._skipped > 0
        if (columns > 0 and (not hidden or at_end)) or (columns < 0 and not self._skipped):
            return False
        self._skipped = max(0, self._skipped + columns)
        self.lay_out(self._width, self._longest_name)
        return True

    def column_at(self, x: int) -> Column | None:
        """The column whose title stands there."""
        start = MARGIN
        for column, cells in self.layout:
            if start <= x < start + cells + self._gap:
                return column
            start += cells + self._gap
        return None

    def header(self, sorted_by: str, descending: bool, style: Style) -> Strip:
        mark = "▼" if descending else "▲"
        titles = [
            fit(column.title + mark if column.id == sorted_by else column.title, cells, column.right)
            for column, cells in self.layout
        ]
        text = ("< " if self._skipped else "  ") + (" " * self._gap).join(titles)
        return Strip([Segment(text, style)]).adjust_cell_length(self._width, style)

    def titles(self) -> str:
        """The header, without a mark of the order."""
        titles = (fit(column.title, cells, column.right) for column, cells in self.layout)
        return (" " * self._gap).join(titles)

    def text(self, row: Row) -> str:
        """What the line says, without its margin."""
        return "".join(piece for piece, _ in self._pieces(row, None))

    def line(self, row: Row, cursor: bool, marked: bool) -> Strip:
        segments = []
        text, style = "  ", ""
        if cursor or marked:
            signs = (CURSOR if cursor else " ") + (MARK if marked else " ")
            segments.append(Segment(signs, self._style("head", cursor, False)))
            text = ""
        # Each segment costs time on its way to the terminal, so neighbours of one style are one.
        for piece, its in self._pieces(row, "" if cursor else None):
            if its is None or its == style:
                text += piece
                continue
            if text:
                segments.append(Segment(text, self._style(style, cursor, marked)))
            text, style = piece, its
        segments.append(Segment(text, self._style(style, cursor, marked)))
        if self._rest < 0:
            return Strip(segments).crop(0, self._width)
        return Strip(segments, self._width)

    def _pieces(self, row: Row, between: str | None) -> Iterable[tuple[str, str | None]]:
        """Segments of the line. `between`: the style of the blanks between columns, None: that of the column before."""
        problem, (start, end) = note(row, self._state_cells), self._note
        for number, (column, cells) in enumerate(self.layout):
            if problem is not None and start < number < end:
                continue
            if number:
                yield " " * self._gap, between
            if problem is None or number != start or start == end:
                yield from column.pieces(row, cells)
                continue
            room = sum(cells + self._gap for _, cells in self.layout[start:end]) - self._gap
            if end < len(self.layout):
                yield fit(problem[0], room), problem[1]
            else:
                yield fit(problem[0], room + self._rest), problem[1]
                return
        yield " " * self._rest, between
