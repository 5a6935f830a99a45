"""What the console is measured against: the smallest Textual app, and the same domains in Textual's own table.

Run as ``python -m tests.benchmarks.peers empty`` or ``... data-table URI``.
"""

from __future__ import annotations

import sys
from typing import ClassVar

from rich.segment import Segment
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import DataTable

from backend.observing.views import Changes
from backend.observing.watcher import Watcher
from backend.uri import open_backend
from tui.session.rows import Row
from tui.widgets.columns import COLUMNS

DATA_TABLE_CURSOR = rb"48;2;1;2;3m"
"""The background of its cursor's line, in what is painted."""
EMPTY_CURSOR = b">>"
PEERS = [sys.executable, "-m", "tests.benchmarks.peers"]


class Cursor(Widget, can_focus=True):
    """A mark that j and k move: the least that can answer a key."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("j", "move(1)"), Binding("k", "move(-1)")]
    line = 3

    def action_move(self, lines: int) -> None:
        before, self.line = self.line, self.line + lines
        self.refresh(Region(0, before, self.size.width, 1), Region(0, self.line, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        return Strip([Segment(EMPTY_CURSOR.decode() if y == self.line else "  ", self.rich_style)])


class Empty(App[None]):
    def compose(self) -> ComposeResult:
        yield Cursor()


class DataTableConsole(App[None]):
    """The console's columns and feed in a DataTable, which is neither sorted nor surrounded by anything."""

    CSS = "DataTable > .datatable--cursor { background: rgb(1, 2, 3); }"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("j", "move('down')"), Binding("k", "move('up')")]

    def __init__(self, uri: str) -> None:
        super().__init__()
        self._uri = uri
        self._shown: dict[str, list[str]] = {}

    def compose(self) -> ComposeResult:
        yield DataTable(cursor_type="row")

    def on_mount(self) -> None:
        table = self.query_one(DataTable)
        for column in COLUMNS.values():
            table.add_column(column.title, width=column.width + column.stretch // 3, key=column.id)
        self.run_worker(self._watch())

    async def _watch(self) -> None:
        async with open_backend(self._uri) as backend:
            await Watcher(backend).run(self._show)

    def action_move(self, way: str) -> None:
        getattr(self.query_one(DataTable), f"action_cursor_{way}")()

    def _show(self, changes: Changes) -> None:
        table = self.query_one(DataTable)
        for view in changes.changed:
            row = Row(self._uri, view, host="")
            key = view.domain.key.uuid
            texts = [
                "".join(text for text, _ in column.pieces(row, column.width + column.stretch // 3))
                for column in COLUMNS.values()
            ]
            before = self._shown.get(key)
            self._shown[key] = texts
            if before is None:
                table.add_row(*map(Text, texts), key=key)
                continue
            for column, text, old in zip(COLUMNS.values(), texts, before, strict=True):
                if text != old:
                    table.update_cell(key, column.id, Text(text))


if __name__ == "__main__":
    (Empty() if sys.argv[1] == "empty" else DataTableConsole(sys.argv[2])).run()
