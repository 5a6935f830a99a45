"""Lines that are cached as they appear on the screen, with the border beside them."""

from __future__ import annotations

from textual.geometry import Region
from textual.scroll_view import ScrollView
from textual.strip import Strip


class BorderedLines(ScrollView, can_focus=True):
    """Textual would compute border, background and effects again for each line, which takes longer than the line.

    So it draws the border beside the first line only, and that border is reused for all other lines.
    """

    _border: tuple[Strip, Strip] | None = None
    """The border to the left and to the right of a line."""

    @property
    def line_width(self) -> int:
        """Cells of every line, without the border and the scrollbar."""
        return self.scrollable_content_region.width

    def forget_border(self) -> None:
        """The size or the style has changed."""
        self._border = None

    def bordered_line(self, y: int) -> Strip:
        """The line at `y` below the upper border, with the border beside it."""
        width = self.outer_size.width
        if self._border is None:
            [drawn] = super().render_lines(Region(0, 1, width, 1))
            self._border = drawn.crop(0, 1), drawn.crop(1 + self.line_width, width)
        left, right = self._border
        return Strip([*left, *self.render_line(y), *right], width)

    def render_lines(self, crop: Region) -> list[Strip]:
        size, filters, background = self.outer_size, self.get_line_filters(), self.background_colors[1]
        strips = []
        for y in crop.line_range:
            if 0 < y < size.height - 1:
                strip = self.bordered_line(y - 1)
                for line_filter in filters:
                    strip = strip.apply_filter(line_filter, background)
                strips.append(strip)
            else:
                strips += super().render_lines(Region(0, y, size.width, 1))
        if crop.column_span != (0, size.width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips
