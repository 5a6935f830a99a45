"""The table of remembered jobs: a cursor, the columns that fit, and only the lines that are on the screen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from backend.observing.remembered import Remembered
from backend.text import clean
from tui.session.past_jobs import PastJobs
from tui.terminal.private_textual import set_virtual_size
from tui.widgets.job_columns import BEGAN, COLUMNS, GAP, JobColumn, fitting
from tui.widgets.table_view import SortColumn, TableView
from tui.words.cells import crop, fit, width

_MARGIN = 2
"""Cells to the left of a line, for the cursor."""


class JobTable(TableView[Remembered]):
    """Shows `jobs`; call `show` when they are others. The cursor stays on its job; unmoved, at the top."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"job-table--header", "job-table--cursor"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False, id="cursor.down", tooltip="Next job"),
        Binding("k,up", "move(-1)", "Up", show=False, id="cursor.up", tooltip="Previous job"),
        Binding("g,home", "go(0)", "First", show=False, id="cursor.first", tooltip="First job"),
        Binding("G,end", "go(-1)", "Last", show=False, id="cursor.last", tooltip="Last job"),
        Binding("ctrl+d,pagedown", "page(1)", "Half a page down", show=False, id="cursor.page-down",
                tooltip="Half a page down"),
        Binding("ctrl+u,pageup", "page(-1)", "Half a page up", show=False, id="cursor.page-up",
                tooltip="Half a page up"),
    ]  # fmt: skip

    class Chosen(Message):
        """The job under the cursor was double-clicked."""

    def __init__(self, jobs: PastJobs) -> None:
        super().__init__()
        self._jobs = jobs
        self.placeholder = ""
        """What is shown while there are no jobs."""
        self._layout: list[tuple[JobColumn, int]] = []
        self._longest: dict[str, int] = {}
        self.sorted_by = BEGAN
        self.descending = True

    @property
    def chosen(self) -> Remembered | None:
        """The job under the cursor."""
        return self._cursor

    def show(self) -> None:
        """Show the jobs as they are now."""
        shown, offset = self._jobs.shown, self._index - self.scroll_offset.y
        if self._cursor is not None and self._moved and (index := self._jobs.index(self._cursor)) is not None:
            self._index = index
        elif not self._moved:
            self._index = 0
        self._index = max(0, min(self._index, len(shown) - 1))
        self._cursor = shown[self._index] if shown else None
        set_virtual_size(self, Size(0, len(shown) + 1))
        self.scroll_to(y=self._index - offset, animate=False)
        self._reveal()
        self._longest = {
            "domain": max((width(job.domain) for job in shown), default=0),
            "host": max((width(self._jobs.host_name(uri)) for uri in self._jobs.hosts), default=0),
            "by": max((width(job.requester) for job in shown), default=0),
        }
        self._lay_out()

    def host_name(self, job: Remembered) -> str:
        """What the job's host is called."""
        return self._jobs.host_name(job.uri)

    def texts(self) -> Callable[[Sequence[Remembered]], list[str]]:
        """What turns jobs into a header and lines in the columns that are shown now; for another thread."""
        layout = self._layout

        def texts(jobs: Sequence[Remembered]) -> list[str]:
            gap = " " * GAP
            header = gap.join(fit(column.title, cells, column.right) for column, cells in layout)
            return [
                header,
                *(
                    gap.join(column.piece(job, self.host_name(job), cells)[0] for column, cells in layout)
                    for job in jobs
                ),
            ]

        return texts

    def shows(self, item: Remembered) -> bool:
        return self._jobs.index(item) is not None

    def filter_by(self, text: str) -> None:
        """Show what matches, as of the next `show`."""
        filtered = bool(self._jobs.filter)
        self._jobs.filter_by(text)
        self._follow_filter(filtered, bool(self._jobs.filter))

    def show_placeholder(self, text: str) -> None:
        """What to show while there are no jobs."""
        self.placeholder = text
        self.refresh()

    @property
    def columns(self) -> Sequence[JobColumn]:
        return COLUMNS

    @property
    def shown_columns(self) -> Sequence[JobColumn]:
        return [column for column, _ in self._layout] or COLUMNS

    def sort(self, column: SortColumn, descending: bool) -> None:
        assert isinstance(column, JobColumn)
        self.sorted_by, self.descending = column.id, descending
        self._jobs.sort_by(column.value, descending)
        index = self._jobs.index(self._cursor) if self._moved and self._cursor is not None else None
        self._moved = index is not None and index < self._page
        self._index = index if index is not None and self._moved else 0
        self.scroll_to(y=0, animate=False)
        self.show()

    def action_move(self, lines: int) -> None:
        self._go(self._index + lines)

    def action_go(self, index: int) -> None:
        self._go(index if index >= 0 else len(self._jobs.shown) - 1)

    def _go(self, index: int) -> None:
        if not self._jobs.shown:
            return
        self.hold()
        self._index = max(0, min(index, len(self._jobs.shown) - 1))
        self._cursor = self._jobs.shown[self._index]
        self._reveal()
        self.refresh()

    def _lay_out(self) -> None:
        cells = self.scrollable_content_region.width - _MARGIN
        self._layout = fitting(cells, self._longest, len(self._jobs.hosts) > 1)
        self.refresh()

    def on_mount(self) -> None:
        set_virtual_size(self, Size(0, 1))

    def on_resize(self) -> None:
        self._lay_out()
        self._reveal()

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y == 0:
            self._click_header(offset.x - _MARGIN)
            return
        index = offset.y - 1 + self.scroll_offset.y
        if index < len(self._jobs.shown):
            self._go(index)
            if event.chain == 2:
                self.post_message(self.Chosen())

    def _click_header(self, x: int) -> None:
        for column, cells in self._layout:
            if 0 <= x < cells:
                self.sort_by(column)
                return
            x -= cells + GAP

    def render_line(self, y: int) -> Strip:
        if y == 0:
            return self._strip(self._header(), "job-table--header")
        index = y - 1 + self.scroll_offset.y
        if index < len(self._jobs.shown):
            cursor = index == self._index
            return self._strip(self._line(self._jobs.shown[index], cursor), *["job-table--cursor"] * cursor)
        if not self._jobs.shown and y == max(1, self.size.height // 3):
            return self._strip(self._centred(self.placeholder))
        return Strip.blank(self.scrollable_content_region.width, self.rich_style)

    def _strip(self, content: Content, *classes: str) -> Strip:
        style = self.get_visual_style(*classes) if classes else self.visual_style
        return Strip(content.render_segments(style))

    def _header(self) -> Content:
        titles = []
        for column, cells in self._layout:
            mark = ("▾" if self.descending else "▴") if column.id == self.sorted_by else ""
            titles.append(fit(crop(column.title, cells - len(mark)) + mark, cells, column.right))
        return Content(" " * _MARGIN + (" " * GAP).join(titles))

    def _line(self, job: Remembered, cursor: bool) -> Content:
        host = self._jobs.host_name(job.uri)
        parts: list[tuple[str, str]] = [("▌ " if cursor else "  ", "$accent")]
        for column, cells in self._layout:
            parts += [column.piece(job, host, cells), (" " * GAP, "")]
        parts[-1] = (
            " " * max(0, self.scrollable_content_region.width - sum(width(text) for text, _ in parts[:-1])),
            "",
        )
        return Content.assemble(*parts)

    def _centred(self, text: str) -> Content:
        cells = self.scrollable_content_region.width
        text = crop(clean(text), cells)
        return Content.styled(" " * ((cells - width(text)) // 2) + text, "$foreground-muted")
