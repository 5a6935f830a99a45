"""The remembered jobs: a table, the line for its filter, and the commands that decide what it shows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from backend.verdicts.job_sources import SourcedJob
from tui.commands.commands import ClearFilter, Command, CopyEntry, CopyFile, Filter, ReverseSort, Sort
from tui.session.past_jobs import PastJobs
from tui.widgets.clipboard import copy
from tui.widgets.filter_line import FilterLine
from tui.widgets.job_table import JobTable
from tui.words import past_jobs


class JobPane(Vertical):
    """Filters, sorts and copies."""

    OFFERS: ClassVar[tuple[type[Command], ...]] = (Filter, ClearFilter, Sort, ReverseSort, CopyEntry, CopyFile)

    def __init__(self, jobs: PastJobs, most: int) -> None:
        """`most`: jobs that are read, the newest ones."""
        super().__init__()
        self._most = most
        self._jobs = jobs
        self.table = JobTable(jobs)
        self._filter_line = FilterLine("domain, host, job, result, file; a leading ! inverts", id="filter")
        self._empty = ""

    def compose(self) -> ComposeResult:
        yield self.table
        yield self._filter_line

    def on_mount(self) -> None:
        self._show()

    def change(self, jobs: Iterable[SourcedJob]) -> None:
        """Follow what became of these jobs."""
        self._jobs.change(jobs)
        self._show()

    def show_empty(self, words: str) -> None:
        """What to say while no job is remembered."""
        self._empty = words
        self._show()

    def has_key(self, command: type[Command]) -> bool:
        # While someone types a filter, a slash is a character like any other.
        typing = self.screen.focused is self._filter_line
        allowed = {Filter: not typing, ClearFilter: typing or bool(self._jobs.filter)}
        return allowed.get(command, True)

    def do_at_once(self, command: type[Command]) -> None:
        if command is Filter:
            self._filter_line.display = True
            self.screen.set_focus(self._filter_line)

    @on(FilterLine.Changed)
    def _filter_changed(self, event: FilterLine.Changed) -> None:
        self._jobs.filter_by(event.value)
        self._show()
        self.screen.refresh_bindings()

    @on(FilterLine.Submitted)
    def _filter_kept(self, event: FilterLine.Submitted) -> None:
        self._filter_line.display = bool(event.value.strip())
        self.table.focus()

    @on(ClearFilter)
    def _clear_filter(self) -> None:
        self._filter_line.value = ""
        self._filter_line.display = False
        self.table.focus()

    @on(Sort)
    def _sort(self) -> None:
        self.table.sort_by_next()

    @on(ReverseSort)
    def _reverse_sort(self) -> None:
        self.table.reverse()

    @on(CopyEntry)
    def _copy_entry(self) -> None:
        job = self.table.chosen
        text = past_jobs.line(job, self._jobs.host_name(job.entry.uri)) if job is not None else ""
        copy(self, text, "the job", "job")

    @on(CopyFile)
    def _copy_file(self) -> None:
        job = self.table.chosen
        copy(self, past_jobs.path(job) if job is not None else "", "the path", "path")

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
