"""Lines of text that can be scrolled, painted as they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from textual.content import Content
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tui.terminal.private_textual import set_virtual_size


class Lines(ScrollView, can_focus=True):
    """Shows each line as it is; long lines are cut off."""

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._lines: Sequence[Content] = ()
        self._kept_in_sight: int | None = None

    def show_lines(self, lines: Sequence[Content]) -> None:
        """Show these in place of those before; only what differs is painted anew."""
        before, self._lines = self._lines, lines
        set_virtual_size(self, Size(0, len(lines)))
        top, height = self.scroll_offset.y, self.scrollable_content_region.height
        regions = [
            Region(0, y, self.size.width, 1)
            for y, (old, new) in enumerate(zip_longest(before[top : top + height], lines[top : top + height]))
            if old is None or new is None or not old.is_same(new)
        ]
        if regions:
            self.refresh(*regions)

    def keep_in_sight(self, index: int) -> None:
        """Scroll no further than it takes to show that line, and again where there is less room later."""
        self._kept_in_sight = index
        top, height = round(self.scroll_target_y), self.scrollable_content_region.height
        if height and not top <= index < top + height:
            self.scroll_to(y=index if index < top else index - height + 1, animate=False)

    def on_resize(self) -> None:
        if self._kept_in_sight is not None:
            self.call_after_refresh(self.keep_in_sight, self._kept_in_sight)

    def render_line(self, y: int) -> Strip:
        index = y + self.scroll_offset.y
        # Textual fills it up to the width there is, or cuts it off.
        return Strip(self._lines[index].render_segments(self.visual_style) if index < len(self._lines) else [])
