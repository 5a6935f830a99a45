"""The table of domains, painted line by line: a change repaints only the lines that show it."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from tui.session import row_kinds
from tui.session.row_kinds import Kinds
from tui.session.row_order import RowOrder
from tui.session.rows import Row, RowKey, RowStore, busy_first
from tui.terminal.private_textual import set_virtual_size
from tui.widgets.bordered import BorderedLines
from tui.widgets.columns import COLUMNS, STYLES
from tui.widgets.row_painter import RowPainter
from tui.words.cells import crop, width

if TYPE_CHECKING:
    from tui.session.export import Export

CACHED_LINES = 1000
DEFAULT_SORT = "job"


class DomainTable(BorderedLines):
    """Domains and their jobs, sorted and filtered, with a cursor that stays on its row."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "domain-table--header",
        "domain-table--cursor",
        *(f"domain-table--{style}" for style in STYLES),
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False, id="cursor.down", tooltip="Next domain"),
        Binding("k,up", "move(-1)", "Up", show=False, id="cursor.up", tooltip="Previous domain"),
        Binding("g,home", "go(0)", "First", show=False, id="cursor.first", tooltip="First domain"),
        Binding("G,end", "go(-1)", "Last", show=False, id="cursor.last", tooltip="Last domain"),
        Binding("ctrl+d,pagedown", "page(1)", "Half a page down", show=False, id="cursor.page-down",
                tooltip="Half a page down"),
        Binding("ctrl+u,pageup", "page(-1)", "Half a page up", show=False, id="cursor.page-up",
                tooltip="Half a page up"),
        Binding("right", "scroll_columns(1)", "Right", show=False, id="columns.right",
                tooltip="Scroll columns right"),
        Binding("left", "scroll_columns(-1)", "Left", show=False, id="columns.left",
                tooltip="Scroll columns left"),
        Binding("space", "mark", "Mark", id="mark", tooltip="Mark or unmark the domain or job"),
        Binding("*", "mark_shown", "Mark all", show=False, id="mark-shown",
                tooltip="Mark all shown domains and jobs"),
    ]  # fmt: skip

    @dataclass
    class Highlighted(Message):
        """The cursor moved to another row, or its row changed."""

        row: Row | None

    class Marked(Message):
        """The marks changed."""

    @dataclass
    class Chosen(Message):
        """A domain was double-clicked."""

        row: Row

    def __init__(self, rows: RowStore, several_hosts: bool = False, clear_key: str = "esc") -> None:
        """`clear_key`: what shows all domains again, for hints."""
        super().__init__()
        self.rows = rows
        self.order = RowOrder(rows)
        self.sorted_by = DEFAULT_SORT
        self.descending = False
        self.placeholder = ""
        self._clear_key = clear_key
        self._marks: set[RowKey] = set()
        self._painter = RowPainter(several_hosts, self._style)
        self._longest_name = 0
        self._lines: dict[RowKey, Strip] = {}
        """Painted lines, with the border around them, of rows that have not changed since."""
        self._painted: dict[int, tuple[RowKey | None, bool]] = {}
        """The row that each line was last painted for, and whether with the cursor."""
        self._line_styles: dict[tuple[str, bool, bool], Style] = {}
        self._header: Strip | None = None
        self._titled: tuple[object, ...] = ()
        self._cursor: RowKey | None = None
        self._index = 0
        # Until the user moves it, the cursor stays at the top.
        self._moved = False

    @property
    def cursor_row(self) -> Row | None:
        return self.rows.get(self._cursor) if self._cursor is not None else None

    @property
    def marked(self) -> list[Row]:
        """The marked rows, those shown first and in their order, then those that the filter hides."""
        if not self._marks:
            return []
        shown = [key for key in self.order.keys if key in self._marks]
        return [self.rows[key] for key in (*shown, *sorted(self._marks.difference(shown)))]

    @property
    def shown_keys(self) -> list[RowKey]:
        """The keys of the rows on the screen."""
        top = self.scroll_offset.y
        return self.order.keys[top : top + self._page]

    def show_hosts(self, several: bool) -> None:
        """Show a column for the host if there are several."""
        self._painter.show_hosts(several)
        self._lay_out()

    def show_columns(self, ids: Sequence[str]) -> None:
        """Show the columns of these ids, in this order."""
        self._painter.show_columns(ids)
        self._lay_out()

    def export(self) -> Export:
        """What is shown, to be written to a file."""
        from tui.widgets.exports import of_domains  # Few need it.

        return of_domains([self.rows[key] for key in self.order.keys], self._painter)

    def clear_marks(self) -> None:
        self._mark(set())

    def apply(self, changed: Sequence[Row], removed: Sequence[RowKey] = ()) -> None:
        """Follow changes that the rows took in."""
        for row in changed:
            self._lines.pop(row.key, None)
        if not self._marks.isdisjoint(removed):
            self._mark(self._marks.difference(removed))
        longest = max((width(row.domain.name) for row in changed), default=0)
        if longest > self._longest_name:
            self._longest_name = longest
            self._lay_out()
        touched = {row.key for row in changed}
        if self.order.apply(changed, removed):
            self._reordered(touched)
        else:
            self._repaint(touched)
        if self._cursor in touched:
            self.post_message(self.Highlighted(self.cursor_row))

    def filter_by(self, text: str) -> None:
        self.order.filter_by(text)
        self._filtered()

    def show_only(self, kinds: Kinds) -> None:
        self.order.show_only(kinds)
        self._filtered()

    def _filtered(self) -> None:
        # The user is looking for a domain, which keeps the cursor when the filter is cleared.
        self._moved = True
        if self._cursor is not None and not self.order.shows(self._cursor):
            self._index = 0
        self._reordered()

    def sort_by(self, id: str, descending: bool | None = None) -> None:  # noqa: A002 - Textual's own name
        """Sort by the column of that id; None: in the column's default direction."""
        column = COLUMNS[id]
        self.sorted_by = id
        self.descending = column.descending if descending is None else descending
        self.order.sort_by(busy_first if id == DEFAULT_SORT else column.value, self.descending)
        self._header = None
        self._reordered()

    def sort_by_next(self) -> None:
        """Sort by the next shown column."""
        shown = [column.id for column, _ in self._painter.layout]
        at = shown.index(self.sorted_by) if self.sorted_by in shown else -1
        self.sort_by(shown[(at + 1) % len(shown)])

    def show_title(self) -> None:
        """Update the border title: what is left out, and the number of marks."""
        only, marks = row_kinds.only(self.order.kinds, self.order.filter.text), len(self._marks)
        titled = (only, len(self.order.keys), len(self.rows), marks) if only else (marks,)
        if titled == self._titled:
            return
        self._titled = titled
        title = Content("Domains")
        if only:
            matched = f"  {len(self.order.keys)} of {len(self.rows)}"
            title = Content.assemble(title, "  ", (only, "$accent"), matched)
        if marks:
            hidden = sum(not self.order.shows(key) for key in self._marks) if only else 0
            words = f"{marks} marked" + (f", {hidden} not shown" if hidden else "")
            title = Content.assemble(title, "  ", (words, "bold $accent"))
        self.border_title = title

    def show_placeholder(self, text: str) -> None:
        """Set the text that is shown while there are no rows."""
        if text != self.placeholder:
            self.placeholder = text
            if not self.order.keys:
                self.refresh()

    def go_to(self, index: int) -> None:
        """Put the cursor on the row of that index."""
        if not self.order.keys:
            return
        before, self._index = self._index, max(0, min(index, len(self.order.keys) - 1))
        self._cursor = self.order.keys[self._index]
        self._repaint_line(before)
        self._repaint_line(self._index)
        self._reveal()
        # The cursor is painted before anything else follows: it keeps up with a key that is held down.
        self.call_after_refresh(lambda: self.post_message(self.Highlighted(self.cursor_row)))

    def go_to_domain(self, key: RowKey) -> None:
        """Put the cursor on a domain that is shown."""
        self._moved = True
        self.go_to(self.order.keys.index(key))

    def hold(self) -> None:
        """Keep the cursor on its domain from now on: the user is doing something about it."""
        self._moved = True

    def action_move(self, lines: int) -> None:
        self._moved = True
        self.go_to(self._index + lines)

    def action_go(self, index: int) -> None:
        self._moved = True
        self.go_to(index if index >= 0 else len(self.order.keys) - 1)

    def action_page(self, direction: int) -> None:
        self.action_move(direction * max(1, self._page // 2))

    def action_scroll_columns(self, columns: int) -> None:
        if self._painter.scroll(columns):
            self._forget()

    def action_mark(self) -> None:
        if self._cursor is not None:
            self._mark(self._marks ^ {self._cursor})
            self.action_move(1)

    def action_mark_shown(self) -> None:
        self._mark(self._marks.union(self.order.keys))

    def _mark(self, marks: set[RowKey]) -> None:
        changed, self._marks = marks ^ self._marks, marks
        for key in changed:
            self._lines.pop(key, None)
        self._repaint(changed)
        self.show_title()
        self.post_message(self.Marked())

    @property
    def _page(self) -> int:
        """Rows that fit below the header."""
        return max(1, self.scrollable_content_region.height - 1)

    def _reordered(self, touched: Set[RowKey] | None = None) -> None:
        """Follow a new order; only the `touched` rows changed themselves (None: any may have)."""
        order, top, size = self.order.keys, self.scroll_offset.y, self.virtual_size
        before = self._cursor
        offset = self._index - self.scroll_offset.y
        if not order:
            self._cursor, self._index = None, 0
        elif not self._moved:
            self._index = 0
        elif before is not None and self.order.shows(before):
            self._index = order.index(before)
        elif before is not None and self.order.shows(before.of_domain):
            # The disk's job is over; what is below it belongs to another domain.
            self._index = order.index(before.of_domain)
        else:
            self._index = min(self._index, len(order) - 1)
        if order:
            self._cursor = order[self._index]
        set_virtual_size(self, Size(0, len(order) + 1))
        # The domain under the cursor keeps its place on the screen, as far as the ends of the list allow.
        self.scroll_to(y=self._index - offset, animate=False)
        self._reveal()
        if touched is None or (top, size) != (self.scroll_offset.y, self.virtual_size):
            self.refresh()
        else:
            self._repaint(touched)
        if self._cursor != before:
            self.post_message(self.Highlighted(self.cursor_row))

    def _reveal(self) -> None:
        top = round(self.scroll_target_y)
        if self._index < top:
            self.scroll_to(y=self._index, animate=False)
        elif self._index >= top + self._page:
            self.scroll_to(y=self._index - self._page + 1, animate=False)

    def _repaint(self, touched: Set[RowKey]) -> None:
        """Repaint the lines that show a touched row, or that were painted for another row."""
        lines = dict(enumerate(self.shown_keys, 1))
        regions = [
            Region(0, line, self.size.width, 1)
            for line in range(1, self._page + 1)
            if (key := lines.get(line)) in touched
            or self._painted.get(line) != (key, key is not None and key == self._cursor)
        ]
        if regions:
            self.refresh(*regions)

    def _repaint_line(self, index: int) -> None:
        line = index - self.scroll_offset.y + 1
        if 1 <= line < self.size.height:
            self.refresh(Region(0, line, self.size.width, 1))

    def _lay_out(self) -> None:
        self._painter.lay_out(self.line_width, self._longest_name)
        self._forget()

    def _forget(self) -> None:
        self._lines.clear()
        self._header = None
        self.forget_border()
        self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._line_styles.clear()
        self._forget()

    def on_mount(self) -> None:
        set_virtual_size(self, Size(0, 1))

    def on_resize(self) -> None:
        self._lay_out()
        self._reveal()

    def on_focus(self) -> None:
        self._repaint_line(self._index)

    def on_blur(self) -> None:
        self._repaint_line(self._index)

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y == 0:
            self._click_header(offset.x)
            return
        index = offset.y - 1 + self.scroll_offset.y
        if index < len(self.order.keys):
            self._moved = True
            self.go_to(index)
            if event.chain == 2 and self.cursor_row is not None:
                self.post_message(self.Chosen(self.cursor_row))

    def _click_header(self, x: int) -> None:
        column = self._painter.column_at(x)
        if column is not None:
            self.sort_by(column.id, not self.descending if column.id == self.sorted_by else None)

    def bordered_line(self, y: int) -> Strip:
        index = y - 1 + self.scroll_offset.y
        key = self.order.keys[index] if y and index < len(self.order.keys) else None
        cursor = key is not None and key == self._cursor
        self._painted[y] = key, cursor
        if key is None or cursor:
            return super().bordered_line(y)
        line = self._lines.get(key)
        if line is None:
            if len(self._lines) >= CACHED_LINES:
                self._lines.clear()
            line = self._lines[key] = super().bordered_line(y)
        return line

    def render_line(self, y: int) -> Strip:
        """The line at `y`, without the border."""
        if y == 0:
            if self._header is None:
                self._header = self._paint_header()
            return self._header
        index = y - 1 + self.scroll_offset.y
        if index >= len(self.order.keys):
            return self._paint_empty(y)
        key = self.order.keys[index]
        return self._painter.line(self.rows[key], key == self._cursor, key in self._marks)

    def _paint_header(self) -> Strip:
        style = self.get_component_rich_style("domain-table--header")
        return self._painter.header(self.sorted_by, self.descending, style)

    def _paint_empty(self, y: int) -> Strip:
        if self.order.keys or y != max(1, self.size.height // 3):
            return Strip.blank(self.line_width, self._style(""))
        order = self.order
        nothing = row_kinds.nothing(order.kinds, order.filter.text, self._clear_key)
        text = nothing if len(self.rows) else self.placeholder
        text = crop(text, self.line_width)
        left = (self.line_width - width(text)) // 2
        return Strip([Segment(" " * left + text, self._style("dim"))]).adjust_cell_length(
            self.line_width, self._style("")
        )

    def _style(self, name: str, cursor: bool = False, marked: bool = False) -> Style:
        """The style of that name on such a line; without a name, that of the line."""
        style = self._line_styles.get((name, cursor, marked))
        if style is None:
            # Textual computes it from all ancestors of the widget on every call.
            style = self.rich_style
            if cursor:
                style += self.get_component_rich_style("domain-table--cursor", partial=True)
            if marked:
                style += Style(bold=True)
            if name:
                style += self.get_component_rich_style(f"domain-table--{name}", partial=True)
            self._line_styles[name, cursor, marked] = style
        return style
