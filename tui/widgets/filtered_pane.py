"""A table with a line for its filter below, which shows while it is typed into or filters."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget

from tui.commands.commands import ClearFilter, Command, Filter
from tui.widgets.filter_line import FilterLine


class FilteredPane(Vertical):
    """What the filter does to the table is for the pane to decide: it handles FilterLine.Changed."""

    def __init__(self, table: Widget, placeholder: str) -> None:
        """`placeholder`: what the line says while it is empty."""
        super().__init__()
        self._filtered = table
        self._filter_line = FilterLine(placeholder, id="filter")

    def compose(self) -> ComposeResult:
        yield self._filtered
        yield self._filter_line

    @property
    def typing(self) -> bool:
        """Whether somebody types a filter: a slash is a character like any other then."""
        return self.screen.focused is self._filter_line

    def do_at_once(self, command: type[Command]) -> None:
        if command is Filter:
            self._filter_line.display = True
            self.screen.set_focus(self._filter_line)

    @on(FilterLine.Submitted)
    def _filter_kept(self, event: FilterLine.Submitted) -> None:
        self._filter_line.display = bool(event.value.strip())
        self._filtered.focus()

    @on(ClearFilter)
    def _clear_filter(self) -> None:
        self._filter_line.value = ""
        self._filter_line.display = False
        self._filtered.focus()
