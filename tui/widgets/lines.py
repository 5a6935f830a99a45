"""Lines of text that can be scrolled, painted as they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from textual.content import Content
from textual.geometry import Region, Size
from textual.reactive import Reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.terminal.private_textual import update_scrollbars


class LineView(ScrollView, can_focus=True):
    """A scrolled view that is painted line by line, and whose own size does not follow from how many lines it has."""

    # With Textual's own, one line more or less lays the whole screen out anew, which takes as long as ten keys.
    virtual_size = Reactive(Size(0, 0), layout=False)

    def watch_virtual_size(self, size: Size) -> None:
        update_scrollbars(self, size)


class Lines(LineView):
    """Shows each line as it is; what is too long is cut off."""

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._lines: Sequence[Content] = ()

    def show_lines(self, lines: Sequence[Content]) -> None:
        """Show these in place of those before; only what differs is painted anew."""
        before, self._lines = self._lines, lines
        self.virtual_size = Size(0, len(lines))
        top, height = self.scroll_offset.y, self.scrollable_content_region.height
        regions = [
            Region(0, y, self.size.width, 1)
            for y, (old, new) in enumerate(zip_longest(before[top : top + height], lines[top : top + height]))
            if old is None or new is None or not old.is_same(new)
        ]
        if regions:
            self.refresh(*regions)

    def render_line(self, y: int) -> Strip:
        index = y + self.scroll_offset.y
        # Textual fills it up to the width there is, or cuts it off.
        return Strip(self._lines[index].render_segments(self.visual_style) if index < len(self._lines) else [])
