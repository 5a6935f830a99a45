"""Lines of text that can be scrolled, painted as they are shown."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip


class Lines(ScrollView, can_focus=True):
    """Shows each line as it is; what is too long is cut off."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines: Sequence[Content] = ()

    def show_lines(self, lines: Sequence[Content]) -> None:
        """Show these in place of those before; only what differs is painted anew."""
        before, self._lines = self._lines, lines
        size = Size(0, len(lines))
        if size != self.virtual_size:
            self.virtual_size = size
            self.refresh()
            return
        top, height = self.scroll_offset.y, self.scrollable_content_region.height
        regions = [
            Region(0, y, self.size.width, 1)
            for y, (old, new) in enumerate(zip(before[top : top + height], lines[top : top + height], strict=True))
            if not old.is_same(new)
        ]
        if regions:
            self.refresh(*regions)

    def render_line(self, y: int) -> Strip:
        index = y + self.scroll_offset.y
        cells = self.size.width
        if index >= len(self._lines):
            return Strip.blank(cells, self.rich_style)
        return Strip(self._lines[index].render_segments(self.visual_style)).adjust_cell_length(cells, self.rich_style)
