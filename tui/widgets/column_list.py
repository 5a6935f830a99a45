"""The columns of the domain table in their order, each shown or not, with a cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content

from tui.config.columns import COLUMNS, FIRST
from tui.widgets import columns
from tui.widgets.lines import Lines

_TITLE = 10


class ColumnList(Lines):
    """Those that are shown come first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False, id="cursor.down", tooltip="Next column"),
        Binding("k,up", "move(-1)", "Up", show=False, id="cursor.up", tooltip="Previous column"),
        Binding("space", "switch", "Show", id="column.toggle", tooltip="Show or hide the column"),
        Binding("K,shift+up", "shift(-1)", "Earlier", id="column.earlier", tooltip="Move the column to the left"),
        Binding("J,shift+down", "shift(1)", "Later", id="column.later", tooltip="Move the column to the right"),
    ]

    def __init__(self, shown: Sequence[str]) -> None:
        super().__init__()
        self._index = 1
        self.put(shown)

    @property
    def shown(self) -> list[str]:
        """The ids of those that are shown, in their order."""
        return [each for each in self._order if each in self._shown]

    def put(self, shown: Sequence[str]) -> None:
        """Show these."""
        self._order = [*shown, *(each for each in COLUMNS if each not in shown)]
        self._shown = set(shown)
        self._show()

    def action_move(self, lines: int) -> None:
        self._index = max(0, min(self._index + lines, len(self._order) - 1))
        self._show()

    def action_switch(self) -> None:
        column = self._order[self._index]
        if column != FIRST:
            self._shown ^= {column}
            self._show()

    def action_shift(self, places: int) -> None:
        to = self._index + places
        if min(to, self._index) > 0 and to < len(self._order):  # The first one stays where it is.
            self._order[self._index], self._order[to] = self._order[to], self._order[self._index]
            self._index = to
            self._show()

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is not None and offset.y + self.scroll_offset.y < len(self._order):
            self._index = offset.y + self.scroll_offset.y
            self.action_switch()
            self._show()

    def _show(self) -> None:
        self.show_lines([self._line(each, number == self._index) for number, each in enumerate(self._order)])
        self.keep_in_sight(self._index)

    def _line(self, column: str, cursor: bool) -> Content:
        sign = "[x] " if column in self._shown else "[ ] "
        return Content.assemble(
            ("▌ " if cursor else "  ", "bold $accent"),
            (sign, "$foreground-muted" if column == FIRST else "$accent"),
            (f"{columns.COLUMNS[column].title:<{_TITLE}}", "bold" if cursor else ""),
            (COLUMNS[column], "$foreground-muted"),
        )
