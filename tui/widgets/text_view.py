"""A text of many lines that can be scrolled in both directions and searched, painted as it is shown."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.terminal.private_textual import set_virtual_size
from tui.words.cells import width

SIDEWAYS = 8
"""Columns that a key scrolls by."""
_MARGIN = 10
"""Columns that are kept before a match."""
_SAME = 8
"""Lines by which a text is recognised that has lost its beginning."""


class TextView(ScrollView, can_focus=True):
    """Shows lines without wrapping them. Of a text that `grows`, the end is shown until the user scrolls away."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False, id="scroll.down", tooltip="Next line"),
        Binding("k,up", "move(-1)", "Up", show=False, id="scroll.up", tooltip="Previous line"),
        Binding("g,home", "go(0)", "First", show=False, id="scroll.first", tooltip="Beginning"),
        Binding("G,end", "go(-1)", "Last", show=False, id="scroll.last", tooltip="End; what comes is shown"),
        Binding("ctrl+d,pagedown", "page(1)", "Half a page down", show=False, id="scroll.page-down",
                tooltip="Half a page down"),
        Binding("ctrl+u,pageup", "page(-1)", "Half a page up", show=False, id="scroll.page-up",
                tooltip="Half a page up"),
        Binding("right", "scroll_sideways(1)", "Right", show=False, id="scroll.right", tooltip="Scroll right"),
        Binding("left", "scroll_sideways(-1)", "Left", show=False, id="scroll.left", tooltip="Scroll left"),
    ]  # fmt: skip

    def __init__(self, grows: bool, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self.lines: Sequence[str] = ()
        self.placeholder = ""
        """What is shown while there is no text."""
        self._grows = grows
        self.follows = grows
        """Whether the end is shown, whatever comes."""
        self._longest = 0
        self._left = 0
        """Columns that are scrolled out."""
        self._searched = ""
        self._pattern: re.Pattern[str] | None = None
        self._from = 0
        """The line at the top when the search began."""
        self._matches: list[int] = []
        """The indexes of lines that match."""
        self._match: int | None = None
        """The line of the match that was gone to."""

    def show(self, lines: Sequence[str], placeholder: str = "") -> None:
        """Show these lines; what is on the screen stays there, wherever it is in the new text."""
        dropped = _dropped(self.lines, lines)
        self.lines, self.placeholder = lines, placeholder
        self._longest = max(map(width, lines), default=0)
        set_virtual_size(self, Size(0, len(lines)))
        self._matches = self._find()
        if self._match is not None:
            moved = self._match - dropped
            self._match = moved if moved in self._matches else None
        if self.follows:
            self.action_go(-1)
        elif dropped:
            self.scroll_to(y=self.scroll_offset.y - dropped, animate=False)
        self._scroll_sideways_to(self._left)

    def _say_where(self) -> None:
        """Say on the border which part of the text is shown, and which match."""
        words = []
        if self.lines:
            top = self.scroll_offset.y
            shown = min(len(self.lines), top + self.scrollable_content_region.height)
            words.append(f"lines {top + 1}-{shown} of {len(self.lines)}")
        if self._left:
            words.append(f"from column {self._left + 1}")
        if self._pattern is not None:
            words.append(self._matched())
        if self.follows and self.lines:
            words.append("what comes is shown")
        self.border_subtitle = Content(" · ".join(words))

    def _matched(self) -> str:
        if not self._matches:
            return f"no match for /{self._searched}"
        if self._match is not None:
            return f"/{self._searched} {bisect_left(self._matches, self._match) + 1} of {len(self._matches)}"
        return f"/{self._searched} {len(self._matches)}"

    def search(self, text: str) -> None:
        """Mark every place where `text` stands, in letters of either case, and show the nearest; nothing if empty."""
        if not self._searched:
            self._from = self.scroll_offset.y
        self._searched = text
        self._pattern = re.compile(re.escape(text), re.IGNORECASE) if text else None
        self._matches = self._find()
        self._match = None
        if self._matches:
            at = bisect_left(self._matches, self._from)
            self._go_to_match(min(at, len(self._matches) - 1))
        self._changed()

    def go_to_match(self, direction: int) -> None:
        """Go to the next match, or the one before; after the last one follows the first."""
        if not self._matches:
            return
        if self._match is not None:
            at = self._matches.index(self._match) + direction
        else:
            at = bisect_left(self._matches, self.scroll_offset.y) - (direction < 0)
        self._go_to_match(at % len(self._matches))

    def action_move(self, lines: int) -> None:
        self._scroll_by(lines)

    def action_page(self, direction: int) -> None:
        self._scroll_by(direction * max(1, self.scrollable_content_region.height // 2))

    def action_go(self, line: int) -> None:
        self.scroll_to(y=0 if line == 0 else self.max_scroll_y, animate=False)
        self._changed()

    def action_scroll_sideways(self, direction: int) -> None:
        self._scroll_sideways_to(self._left + direction * SIDEWAYS)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self.follows = self._grows and round(new_value) >= self.max_scroll_y
        self._say_where()

    def on_resize(self) -> None:
        if self.follows:
            self.action_go(-1)
        self._scroll_sideways_to(self._left)

    def _scroll_by(self, lines: int) -> None:
        self.scroll_to(y=max(0, min(self.scroll_target_y + lines, self.max_scroll_y)), animate=False)

    def _scroll_sideways_to(self, column: int) -> None:
        self._left = max(0, min(column, self._longest - self.scrollable_content_region.width))
        self._changed()

    def _changed(self) -> None:
        self.refresh()
        self._say_where()

    def _find(self) -> list[int]:
        pattern = self._pattern
        return [index for index, line in enumerate(self.lines) if pattern.search(line)] if pattern is not None else []

    def _go_to_match(self, index: int) -> None:
        assert self._pattern is not None
        line = self._match = self._matches[index]
        top, height = self.scroll_offset.y, self.scrollable_content_region.height
        if not top <= line < top + height:
            self.scroll_to(y=max(0, min(line - height // 2, self.max_scroll_y)), animate=False)
        if (match := self._pattern.search(self.lines[line])) is not None:
            start = width(self.lines[line][: match.start()])
            end = width(self.lines[line][: match.end()])
            if not self._left <= start or end > self._left + self.scrollable_content_region.width:
                self._left = 0 if end <= self.scrollable_content_region.width else max(0, start - _MARGIN)
        self._changed()

    def render_line(self, y: int) -> Strip:
        index = y + self.scroll_offset.y
        cells = self.scrollable_content_region.width
        if not self.lines:
            text = self.placeholder if y == 0 else ""
            return Strip(Content.styled(text, "$foreground-muted").render_segments(self.visual_style))
        if index >= len(self.lines):
            return Strip([])
        # A character that takes no cell is rare; so nearly all of what is far to the right is left out.
        text = self.lines[index][: self._left + 2 * cells]
        line = Content(text)
        if self._pattern is not None:
            style = "bold reverse $accent" if index == self._match else "reverse"
            for match in self._pattern.finditer(text):
                line = line.stylize(style, *match.span())
        strip = Strip(line.render_segments(self.visual_style)).crop(self._left, self._left + cells)
        if strip.cell_length == cells and width(self.lines[index]) > self._left + cells:
            more = Content.styled("…", "$foreground-muted").render_segments(self.visual_style)
            strip = Strip([*strip.crop(0, cells - 1), *more])
        return strip


def _dropped(before: Sequence[str], now: Sequence[str]) -> int:
    """How many lines the beginning of the text has lost; 0 if it is another text."""
    head = list(now[:_SAME])
    if not head or list(before[:_SAME]) == head:
        return 0
    matches = (index for index in range(len(before)) if before[index] == head[0])
    return next((index for index in matches if list(before[index : index + _SAME]) == head), 0)
