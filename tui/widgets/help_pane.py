"""Sections of keys or signs with what they mean, in one column or two, and a line to search them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import ClassVar, Protocol

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content

from tui.commands.commands import ClearFilter, Command, Filter
from tui.widgets.filter_line import FilterLine
from tui.widgets.lines import Lines
from tui.words.cells import width

TWO_COLUMNS = 120
"""Cells from which there are two columns."""
BETWEEN = 4
"""Cells between them."""
WIDEST_KEYS = 16


class HelpSection(Protocol):
    """A title, and lines: keys or a sign, what that means, and the style of the former."""

    @property
    def title(self) -> str: ...
    @property
    def lines(self) -> tuple[tuple[str, str, str], ...]: ...
    def matching(self, text: str) -> HelpSection:
        """The section with the lines that match."""


class HelpLines(Lines):
    """Scrolls by the keys that move a cursor elsewhere."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False, id="cursor.down", tooltip="Scroll down"),
        Binding("k,up", "move(-1)", "Up", show=False, id="cursor.up", tooltip="Scroll up"),
        Binding("g,home", "go(0)", "First", show=False, id="cursor.first", tooltip="Scroll to the top"),
        Binding("G,end", "go(-1)", "Last", show=False, id="cursor.last", tooltip="Scroll to the end"),
        Binding("ctrl+d,pagedown", "page(1)", "Half a page down", show=False, id="cursor.page-down",
                tooltip="Half a page down"),
        Binding("ctrl+u,pageup", "page(-1)", "Half a page up", show=False, id="cursor.page-up",
                tooltip="Half a page up"),
    ]  # fmt: skip

    # Textual would animate these, which a slow terminal cannot keep up with.

    def action_move(self, lines: int) -> None:
        self.scroll_to(y=self.scroll_target_y + lines, animate=False)

    def action_go(self, index: int) -> None:
        self.scroll_to(y=self.max_scroll_y if index < 0 else index, animate=False)

    def action_page(self, direction: int) -> None:
        self.action_move(direction * max(1, self.scrollable_content_region.height // 2))


class HelpPane(Vertical):
    """Shows what matches the filter."""

    OFFERS: ClassVar[tuple[type[Command], ...]] = (Filter, ClearFilter)

    def __init__(self, sections: Sequence[HelpSection]) -> None:
        self._sections = sections
        self._lines = HelpLines()
        self._filter = ""
        super().__init__()
        self._filter_line = FilterLine("a key, or what it does", self._lines)

    def compose(self) -> ComposeResult:
        yield self._lines
        yield self._filter_line

    def has_key(self, command: type[Command]) -> bool:
        typing = self._filter_line.typing
        return not typing if command is Filter else typing or bool(self._filter)

    def do_at_once(self, command: type[Command]) -> None:
        if command is Filter:
            self._filter_line.open()

    @on(ClearFilter)
    def _clear_filter(self) -> None:
        self._filter_line.clear_and_close()

    def on_mount(self) -> None:
        self._lines.focus()

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    @on(FilterLine.Changed)
    def _filter_changed(self, event: FilterLine.Changed) -> None:
        self._filter = event.value.strip()
        self._lines.scroll_to(y=0, animate=False)
        self._show()
        self.screen.refresh_bindings()

    def _show(self) -> None:
        shown = [part for section in self._sections if (part := section.matching(self._filter)).lines]
        cells = self._lines.scrollable_content_region.width
        none = [Content.styled(f"no match for /{self._filter}", "$foreground-muted")]
        self._lines.show_lines(_columns(shown, cells) if shown else none)


def _columns(sections: Sequence[HelpSection], cells: int) -> list[Content]:
    """The sections in so many cells, one below the other, or in two columns of about the same length."""
    keys = min(WIDEST_KEYS, max(width(line[0]) for section in sections for line in section.lines))
    if cells < TWO_COLUMNS:
        return [line for section in sections for line in _section(section, keys, cells)][:-1]
    each = (cells - BETWEEN) // 2
    blocks = [list(_section(section, keys, each)) for section in sections]
    left: list[Content] = []
    half = (sum(map(len, blocks)) + 1) // 2
    while blocks and len(left) + len(blocks[0]) // 2 <= half:
        left += blocks.pop(0)
    right = [line for block in blocks for line in block]
    blank = Content("")
    return [
        one.pad_right(each + BETWEEN - one.cell_length) + other
        for one, other in zip_longest(left, right, fillvalue=blank)
    ]


def _section(section: HelpSection, keys: int, cells: int) -> Iterator[Content]:
    yield Content.styled(section.title, "bold underline")
    for sign, words, style in section.lines:
        start = Content.assemble((sign, style), " " * (max(keys, width(sign)) + 2 - width(sign)))
        for number, line in enumerate(Content(words).wrap(max(10, cells - start.cell_length))):
            yield (Content(" " * (keys + 2)) if number else start) + line
    yield Content("")
