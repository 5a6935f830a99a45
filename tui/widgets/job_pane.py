"""The remembered jobs: a table, the line for its filter, and the commands that decide what it shows."""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import ClassVar

from textual import on
from textual.content import Content

from backend.observing.remembered import Remembered
from tui.commands import sorting
from tui.commands.commands import ClearFilter, Command, CopyEntry, CopyFile, Filter, ReverseSort, Sort
from tui.session import text_filter
from tui.session.past_jobs import PastJobs
from tui.widgets.clipboard import copy
from tui.widgets.filter_line import FilterLine
from tui.widgets.filtered_pane import FilteredPane, SortNames
from tui.widgets.job_table import JobTable
from tui.words.remembered import describe, line


class JobPane(FilteredPane):
    """Filters, sorts and copies."""

    OFFERS: ClassVar[tuple[type[Command], ...]] = (
        Filter,
        ClearFilter,
        Sort,
        ReverseSort,
        *sorting.OF_JOBS,
        CopyEntry,
        CopyFile,
    )

    def __init__(self, jobs: PastJobs, most: int) -> None:
        """`most`: jobs that are read, the newest ones."""
        self.table = JobTable(jobs)
        remembered = SortNames("history_sorted_by", "history_descending")
        super().__init__(self.table, f"domain, host, job, result, file; {text_filter.GRAMMAR}", remembered)
        self._most = most
        self._jobs = jobs
        self._empty = ""

    def on_mount(self) -> None:
        self._show()

    def change(self, jobs: Iterable[Remembered], gone: Set[str]) -> None:
        """Follow what became of these jobs; those with the ids of `gone` are no more."""
        self._jobs.change(jobs, gone)
        self._show()

    def show_empty(self, words: str) -> None:
        """What to say while no job is remembered."""
        self._empty = words
        self._show()

    def has_key(self, command: type[Command]) -> bool:
        allowed = {Filter: not self.typing, ClearFilter: self.typing or bool(self._jobs.filter)}
        return allowed.get(command, True)

    @on(FilterLine.Changed)
    def _filter_changed(self, event: FilterLine.Changed) -> None:
        self.table.filter_by(event.value)
        self._show()
        self.screen.refresh_bindings()

    @on(CopyEntry)
    def _copy_entry(self) -> None:
        job = self.table.chosen
        text = line(job, self._jobs.host_name(job.uri)) if job is not None else ""
        copy(self, text, "the job", "job")

    @on(CopyFile)
    def _copy_file(self) -> None:
        job = self.table.chosen
        copy(self, describe(job).file if job is not None else "", "the path", "path")

    def _show(self) -> None:
        jobs = self._jobs
        title = Content("History")
        if jobs.filter:
            title = Content.assemble(
                title, "  ", (f"/{jobs.filter.text}", "$accent"), f"  {len(jobs.shown)} of {len(jobs)}"
            )
        elif len(jobs):
            number = "1 job" if len(jobs) == 1 else f"{len(jobs)} jobs"
            title = Content(f"History  {'the newest ' * (len(jobs) >= self._most)}{number}")
        self.table.border_title = title
        self.table.show_placeholder(f"no match for /{jobs.filter.text}" if len(jobs) else self._empty)
        self.table.show()
