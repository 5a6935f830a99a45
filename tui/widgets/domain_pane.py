"""The domains: a table, the line for its filter, and the commands that decide what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.message import Message

from tui.commands import sorting
from tui.commands.commands import ClearFilter, Command, Filter, ReverseSort, Sort
from tui.commands.domains import BusyOnly, ClearMarks, CopyName, CopyStats, ProblemsOnly
from tui.commands.keys import Keys
from tui.session import text_filter
from tui.session.row_kinds import Kinds
from tui.session.rows import Row, RowKey, RowStore
from tui.widgets.clipboard import copy
from tui.widgets.domain_table import DomainTable
from tui.widgets.filter_line import FilterLine
from tui.widgets.filtered_pane import FilteredPane, SortNames
from tui.words import hidden, jobinfo


class DomainPane(FilteredPane):
    """Filters, sorts, marks and copies."""

    OFFERS: ClassVar[tuple[type[Command], ...]] = (
        Filter,
        ClearFilter,
        ClearMarks,
        Sort,
        ReverseSort,
        ProblemsOnly,
        BusyOnly,
        *sorting.OF_DOMAINS,
        CopyName,
        CopyStats,
    )

    class CursorMoved(Message):
        """The cursor is on another row, or its row changed."""

    def __init__(self, rows: RowStore, several_hosts: bool, keys: Keys) -> None:
        self.table = DomainTable(rows, several_hosts, clear_key=keys[ClearFilter])
        remembered = SortNames("sorted_by", "descending")
        super().__init__(self.table, f"name, state, job or host; {text_filter.GRAMMAR}", remembered)

    @property
    def selected(self) -> Sequence[Row]:
        """The rows that a command concerns: the marked ones, or the one under the cursor."""
        row = self.table.cursor_row
        return self.table.marked or ([row] if row is not None else [])

    @property
    def hidden(self) -> list[Row]:
        """The marked rows that the filter hides."""
        return [row for row in self.table.marked if not self.table.shows(row.key)]

    def apply(self, changed: Sequence[Row], removed: Sequence[RowKey]) -> None:
        """Follow changes that the rows took in."""
        self.table.apply(changed, removed)
        self.table.show_title()

    def go_to(self, key: RowKey) -> None:
        """Put the cursor on that domain, even if the filter hides it."""
        if not self.table.order.shows(key):
            self._clear_filter()
            self._clear_kinds()
            self.table.filter_by("")
        self.table.go_to_domain(key)

    def has_key(self, command: type[Command]) -> bool:
        filtered = self.typing or bool(self.table.order.filter) or bool(self.table.order.kinds)
        allowed = {Filter: not self.typing, ClearFilter: filtered, ClearMarks: not filtered and bool(self.table.marked)}
        return allowed.get(command, True)

    @on(FilterLine.Changed)
    def _filter_changed(self, event: FilterLine.Changed) -> None:
        self.table.filter_by(event.value)
        self.table.show_title()
        self.screen.refresh_bindings()

    @on(ProblemsOnly)
    def _problems_only(self) -> None:
        kinds = self.table.order.kinds
        self._show_only(replace(kinds, problems=not kinds.problems))

    @on(BusyOnly)
    def _busy_only(self) -> None:
        kinds = self.table.order.kinds
        self._show_only(replace(kinds, busy=not kinds.busy))

    @on(ClearFilter)
    def _clear_kinds(self) -> None:
        if self.table.order.kinds:
            self._show_only(Kinds())

    def _show_only(self, kinds: Kinds) -> None:
        self.table.show_only(kinds)
        self.table.show_title()
        self.screen.refresh_bindings()

    @on(ClearMarks)
    def _clear_marks(self) -> None:
        self.table.clear_marks()

    @on(DomainTable.Highlighted)
    def _highlighted(self, event: DomainTable.Highlighted) -> None:
        # Textual does not pass a message on that the table posts while this pane handles one.
        event.stop()
        self.post_message(self.CursorMoved())

    @on(DomainTable.Marked)
    def _marked(self) -> None:
        self.screen.refresh_bindings()

    @on(CopyName)
    def _copy_name(self, event: CopyName) -> None:
        names = [row.domain.name for row in event.rows]
        what = f'"{names[0]}"' if len(names) == 1 else f"{len(names)} names"
        copy(self, "\n".join(names), what, "name", hidden.left_out(len(event.hidden)))

    @on(CopyStats)
    def _copy_stats(self, event: CopyStats) -> None:
        jobs = [(row.name, row.progress.stats) for row in event.rows if row.progress is not None]
        text = "\n\n".join("\n".join([name, *jobinfo.lines(stats)]) for name, stats in jobs)
        copy(self, text, "the job statistics", "job statistics", hidden.left_out(len(event.hidden)))
