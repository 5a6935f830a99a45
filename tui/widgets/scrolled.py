"""A part of a panel that scrolls if it does not fit, and says so: a scrollbar alone is easily overlooked."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from tui.commands.commands import Command, Less, More
from tui.widgets.key_bar import KeyBar


class Scrolled(VerticalScroll, can_focus=False, inherit_bindings=False):
    """Tells on the lower border of the panel around it whether there is more below or above what is shown.

    The screen offers its commands, and names it as one of its panes.
    """

    OFFERS: ClassVar[tuple[type[Command], ...]] = (More, Less)

    def has_key(self, command: type[Command]) -> bool:
        return self.max_scroll_y > 0

    def do_at_once(self, command: type[Command]) -> None:
        """None of its commands is done at once."""

    def leave_room(self) -> None:
        """Scroll rather than push the rest of the panel out of the screen. Call it when heights have changed."""
        panel = self.parent
        if not isinstance(panel, Widget) or not self.is_attached:
            return  # The screen is being closed: its parts go one after the other.
        others = [widget for widget in panel.children if widget is not self and widget.display]
        taken = sum(widget.outer_size.height + widget.styles.margin.height for widget in others)
        keys = sum(bar.outer_size.height for bar in self.screen.query(KeyBar))
        self.styles.max_height = max(1, self.screen.size.height - panel.gutter.height - taken - keys)

    @on(More)
    def _more(self) -> None:
        self.scroll_page_down(animate=False)

    @on(Less)
    def _less(self) -> None:
        self.scroll_page_up(animate=False)

    def on_resize(self, event: events.Resize) -> None:
        self._tell()

    def watch_virtual_size(self, virtual_size: Size) -> None:
        self.call_after_refresh(self._tell)

    def watch_scroll_y(self, old: float, new: float) -> None:
        super().watch_scroll_y(old, new)
        self._tell()

    def _tell(self) -> None:
        panel = self.parent
        if not isinstance(panel, Widget) or not self.is_attached:
            return
        at = round(self.scroll_y)
        signs = [*(["▲"] if at > 0 else []), *(["▼ more"] if at < self.max_scroll_y else [])]
        subtitle = Content(" ".join(signs))
        if str(panel.border_subtitle or "") != subtitle.plain:
            panel.border_subtitle = subtitle
            self.screen.refresh_bindings()


class Below(Vertical):
    """What stays in sight below a `Scrolled` of the same panel, however high it becomes."""

    def on_resize(self) -> None:
        if isinstance(self.parent, Widget):
            for scrolled in self.parent.query_children(Scrolled):
                scrolled.leave_room()
