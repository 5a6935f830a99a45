"""How the domains are looked at: which, in what order, and what is shown of the one under the cursor."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.binding import BindingType

from tui.commands.commands import (
    Abort,
    ClearFilter,
    ClearMarks,
    Command,
    CopyName,
    CopyPath,
    CopyStats,
    Dump,
    Filter,
    Help,
    Open,
    Resume,
    ReverseSort,
    ShowHistory,
    ShowHosts,
    ShowInfo,
    ShowJob,
    Sort,
    Wait,
)
from tui.commands.domain_search import DomainSearch
from tui.commands.offering import OfferedCommands
from tui.screens.acting import ActingScreen
from tui.screens.help import HelpScreen
from tui.session.rows import RowKey
from tui.widgets.domain_table import DomainTable
from tui.widgets.filter_line import FilterLine
from tui.words import jobinfo


class ViewingScreen(ActingScreen):
    """Filters, sorts, marks, shows tabs, copies."""

    OFFERS = (
        Dump,
        Wait,
        Open,
        Abort,
        Resume,
        Filter,
        ClearFilter,
        ClearMarks,
        Sort,
        ReverseSort,
        Help,
        ShowJob,
        ShowHistory,
        ShowInfo,
        CopyName,
        CopyPath,
        CopyStats,
        ShowHosts,
    )
    BINDINGS: ClassVar[list[BindingType]] = [command.binding() for command in OFFERS]
    COMMANDS: ClassVar = {OfferedCommands, DomainSearch}

    def show_counts(self) -> None:
        """Show how many domains and jobs there are."""

    def do_at_once(self, command: type[Command]) -> None:
        if command is Filter:
            filter = self.query_one(FilterLine)
            filter.display = True
            self.set_focus(filter)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action != "command":
            return True
        # While one types a filter, a slash is a character like any other.
        typing = isinstance(self.focused, FilterLine)
        filtered = typing or bool(self.table.rows.filter)
        allowed = {
            Filter.id(): not typing,
            ClearFilter.id(): filtered,
            ClearMarks.id(): not filtered and bool(self.table.marked),
        }
        return allowed.get(str(parameters[0]), True)

    @on(FilterLine.Changed)
    def _filter_changed(self, event: FilterLine.Changed) -> None:
        self.table.filter_by(event.value)
        self.show_counts()
        self.refresh_bindings()

    @on(FilterLine.Submitted)
    def _filter_kept(self, event: FilterLine.Submitted) -> None:
        event.input.display = bool(event.value.strip())
        self.table.focus()

    @on(ClearFilter)
    def _clear_filter(self) -> None:
        filter = self.query_one(FilterLine)
        filter.value = ""
        filter.display = False
        self.table.focus()

    @on(ClearMarks)
    def _clear_marks(self) -> None:
        self.table.clear_marks()

    @on(DomainTable.Marked)
    def _marked(self) -> None:
        self.refresh_bindings()

    @on(Sort)
    def _sort(self) -> None:
        self.table.sort_by_next()

    @on(ReverseSort)
    def _reverse_sort(self) -> None:
        self.table.sort_by(self.table.sorted_by, not self.table.descending)

    @on(ShowJob)
    def _show_job(self) -> None:
        self.details.show_tab("job")

    @on(ShowHistory)
    def _show_history(self) -> None:
        self.details.show_tab("history")

    @on(ShowInfo)
    def _show_info(self) -> None:
        self.details.show_tab("info")

    @on(CopyName)
    def _copy_name(self, event: CopyName) -> None:
        self._copy("\n".join(row.domain.name for row in event.rows), "name")

    @on(CopyPath)
    def _copy_path(self) -> None:
        records = self.details.records
        self._copy(records[0].path if records else "", "path of its last dump")

    @on(CopyStats)
    def _copy_stats(self, event: CopyStats) -> None:
        stats = [(row.domain.name, row.progress.stats) for row in event.rows if row.progress is not None]
        self._copy("\n\n".join("\n".join([name, *jobinfo.lines(known)]) for name, known in stats), "job stats")

    def _copy(self, text: str, what: str) -> None:
        if text:
            self.app.copy_to_clipboard(text)
        self.notify(f"{what} copied" if text else f"there is no {what} to copy", markup=False)

    def go_to(self, key: RowKey) -> None:
        """Put the cursor on that domain, whatever the filter shows."""
        if key not in self.table.rows.shown:
            self.offer(ClearFilter)
            self.table.filter_by("")
        self.table.go_to_domain(key)

    @on(Help)
    def _help(self) -> None:
        self.open(HelpScreen(self))
