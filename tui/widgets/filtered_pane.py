"""A table that is filtered and sorted: the line for its filter below, which shows while it is typed into or filters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical

from backend.threads import in_thread
from tui.commands.commands import ClearFilter, Command, Filter, ReverseSort, Sort
from tui.commands.sorting import SortBy
from tui.session import preferences
from tui.session.preferences import Saver
from tui.widgets.filter_line import FilterLine
from tui.widgets.table_view import TableView


@dataclass(frozen=True, slots=True)
class SortNames:
    """The fields of the preferences that say what a table is sorted by."""

    column: str
    descending: str


class FilteredPane(Vertical):
    """What the filter does to the table is for the pane to decide: it handles FilterLine.Changed.

    What it is sorted by is remembered from one start to the next, under the names of `remembered`.
    """

    def __init__(self, table: TableView[Any], placeholder: str, remembered: SortNames) -> None:
        """`placeholder`: what the line says while it is empty."""
        super().__init__()
        self._filtered = table
        self._remembered = remembered
        self._saver = Saver()
        self._sorted = False
        """Whether the user has sorted the table."""
        self._filter_line = FilterLine(placeholder, table)

    def compose(self) -> ComposeResult:
        yield self._filtered
        yield self._filter_line

    @property
    def typing(self) -> bool:
        """Whether somebody types a filter."""
        return self._filter_line.typing

    def do_at_once(self, command: type[Command]) -> None:
        if command is Filter:
            self._filter_line.open()

    @on(ClearFilter)
    def _clear_filter(self) -> None:
        self._filter_line.clear_and_close()

    def on_mount(self) -> None:
        self._recall()

    @work
    async def _recall(self) -> None:
        """Sort the table as it was when the console was left."""
        saved = await in_thread(preferences.load, "preferences")
        column = self._filtered.column(getattr(saved, self._remembered.column))
        if column is not None and not self._sorted:
            self._filtered.sort(column, getattr(saved, self._remembered.descending))

    @on(TableView.Sorted)
    def _remember(self) -> None:
        self._sorted = True
        table, names = self._filtered, self._remembered
        self._saver.save(**{names.column: table.sorted_by, names.descending: table.descending})

    async def on_unmount(self) -> None:
        await self._saver.close()

    @on(Sort)
    def _sort(self) -> None:
        self._filtered.sort_by_next()

    @on(ReverseSort)
    def _reverse_sort(self) -> None:
        self._filtered.reverse()

    @on(SortBy)
    def _sort_by(self, event: SortBy) -> None:
        column = self._filtered.column(event.column)
        if column is None:
            self.notify("there is only one host to sort by", severity="warning", markup=False)
            return
        self._filtered.sort_by(column)
        if column not in self._filtered.shown_columns:
            order = "largest" if self._filtered.descending else "smallest"
            self.notify(f"sorted by {column.title}, {order} first; the column has no room here", markup=False)
