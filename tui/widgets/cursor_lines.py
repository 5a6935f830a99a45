"""Lines with a cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from tui.widgets.lines import Lines

MARGIN = 2
"""Cells to the left of a line, for the cursor."""


class CursorLines(Lines):
    """Shows a cursor before one of its lines; j and k move it, and so does a click."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False, id="cursor.down", tooltip="Next line"),
        Binding("k,up", "move(-1)", "Up", show=False, id="cursor.up", tooltip="Previous line"),
        Binding("g,home", "go(0)", "First", show=False, id="cursor.first", tooltip="First line"),
        Binding("G,end", "go(-1)", "Last", show=False, id="cursor.last", tooltip="Last line"),
        Binding("ctrl+d,pagedown", "page(1)", "Half a page down", show=False, id="cursor.page-down",
                tooltip="Half a page down"),
        Binding("ctrl+u,pageup", "page(-1)", "Half a page up", show=False, id="cursor.page-up",
                tooltip="Half a page up"),
    ]  # fmt: skip

    class Moved(Message):
        """The cursor is on another line."""

    class Chosen(Message):
        """The line under the cursor was double-clicked."""

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.index = 0
        """The line under the cursor."""
        self._plain: Sequence[Content] = ()

    def show(self, lines: Sequence[Content]) -> None:
        """Show these lines, and the cursor."""
        self._plain = lines
        self.index = max(0, min(self.index, len(lines) - 1))
        self.show_lines(
            [
                Content.assemble(("▌ ", "bold $accent"), line.stylize("bold"))
                if number == self.index
                else Content.assemble("  ", line)
                for number, line in enumerate(lines)
            ]
        )

    def go(self, index: int) -> None:
        """Put the cursor on that line."""
        self.index = max(0, min(index, len(self._plain) - 1))
        self.show(self._plain)
        self.reveal()
        self.post_message(self.Moved())

    def reveal(self) -> None:
        """Scroll to the cursor, if it is out of sight."""
        self.keep_in_sight(self.index)

    def action_move(self, lines: int) -> None:
        self.go(self.index + lines)

    def action_go(self, index: int) -> None:
        self.go(index if index >= 0 else len(self._plain) - 1)

    def action_page(self, direction: int) -> None:
        self.go(self.index + direction * max(1, self.scrollable_content_region.height // 2))

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is not None and offset.y + self.scroll_offset.y < len(self._plain):
            self.go(offset.y + self.scroll_offset.y)
            if event.chain == 2:
                self.post_message(self.Chosen())
