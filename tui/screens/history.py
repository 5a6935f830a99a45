"""The screen of the jobs that are remembered: of all domains and hosts, by anyone, as long as this machine knows.

Commands that were run as jobs, and dumps that wait for their turn in a console, are among them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from backend.observing.history_feed import HistoryFeed, Recalled
from backend.records.history import Query
from backend.text import clean
from backend.threads import in_thread
from tui.commands import sorting
from tui.commands.commands import (
    ClearFilter,
    Close,
    Command,
    CopyEntry,
    CopyFile,
    Export,
    Filter,
    Help,
    OpenEntry,
    ReverseSort,
    Sort,
)
from tui.commands.offering import CommandPane, OfferingScreen
from tui.commands.reach import everywhere
from tui.screens.past_job import PastJobScreen
from tui.session.past_jobs import PastJobs
from tui.widgets.filter_line import FilterLine
from tui.widgets.job_pane import JobPane
from tui.widgets.job_table import JobTable
from tui.widgets.key_bar import KeyBar

MOST = 10_000
"""Jobs that are shown, the newest ones."""
INTERVAL = 1.0
"""Seconds between two looks at what others have written."""
SHARE = 10
"""A look that takes long is followed by the next one after so many times as long, at the soonest."""
EMPTY = "no jobs yet: what this console sees from now on, and what you start, is kept here"


class HistoryScreen(OfferingScreen[None]):
    """Reads in a thread, again when this console remembers something, and at an interval for what others do.

    `host_name`: what the host of a URI is called. `unstored`: why what this console saw is not stored; empty if it is.
    """

    AUTO_FOCUS = "JobTable"
    PARTS = (JobTable,)
    OFFERS = (
        OpenEntry,
        Filter,
        ClearFilter,
        Sort,
        ReverseSort,
        *sorting.OF_JOBS,
        CopyEntry,
        CopyFile,
        Export,
        Help,
        Close,
    )
    BINDINGS: ClassVar[list[BindingType]] = [*(command.binding() for command in OFFERS), *everywhere(JobTable)]

    @dataclass
    class Read(Message):
        """What is remembered, or what has changed of that."""

        recalled: Recalled

    def __init__(self, host_name: Callable[[str], str], unstored: Callable[[], str]) -> None:
        super().__init__()
        self._unstored = unstored
        self._shown_unstored = ""
        self._jobs = PastJobs(host_name)
        self._pane = JobPane(self._jobs, MOST)
        self._wake = asyncio.Event()
        self._troubles: dict[str, None] = {}

    def compose(self) -> ComposeResult:
        yield Static(id="troubles", markup=False)
        yield self._pane
        yield KeyBar()

    def on_mount(self) -> None:
        self._pane.show_empty("reading the history …")
        self._follow()

    @property
    def panes(self) -> list[CommandPane]:
        return [self._pane]

    @property
    def main_list(self) -> JobTable:
        return self._pane.table

    def remembered(self) -> None:
        """This console has learned something of a job."""
        self._wake.set()

    def refusal(self, command: type[Command]) -> str | None:
        return "no job is selected" if command is OpenEntry and self._pane.table.chosen is None else None

    def has_key(self, command: type[Command]) -> bool:
        # While someone types a filter, the keys of these are characters like any other.
        return command not in (Close, Help, OpenEntry, Export) or not isinstance(self.focused, FilterLine)

    @work
    async def _follow(self) -> None:
        clock = asyncio.get_running_loop().time
        feed = HistoryFeed(Query(limit=MOST))
        read = feed.recall
        while True:
            self._wake.clear()
            began = clock()
            recalled = await in_thread(lambda: self._prepared(read()), "history")  # noqa: B023 - it is awaited
            news = recalled.items or recalled.gone or recalled.errors or self._unstored() != self._shown_unstored
            if read == feed.recall or news:
                self.post_message(self.Read(recalled))
            read = feed.changes
            await asyncio.sleep((clock() - began) * SHARE)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), INTERVAL)

    def _prepared(self, recalled: Recalled) -> Recalled:
        self._jobs.prepare(recalled.items)
        return recalled

    @on(Read)
    def _read(self, event: Read) -> None:
        recalled = event.recalled
        self._pane.show_empty(EMPTY)
        self._pane.change(recalled.items, recalled.gone)
        self._troubles |= dict.fromkeys(clean(error.message) for error in recalled.errors.values())
        self._show_troubles()
        above = self.app.screen
        if isinstance(above, PastJobScreen):
            above.show(self._jobs.find(above.job))
        self.refresh_bindings()

    def _show_troubles(self) -> None:
        self._shown_unstored = self._unstored()
        unstored = [f"not stored yet: {clean(self._shown_unstored)}"] if self._shown_unstored else []
        lines = [Content.styled(text, "$warning") for text in (*unstored, *self._troubles)]
        troubles = self.query_one("#troubles", Static)
        troubles.update(Content("\n").join(lines))
        troubles.display = bool(lines)

    @on(JobTable.Chosen)
    def _chosen(self) -> None:
        self.offer(OpenEntry)

    @on(OpenEntry)
    def _open(self) -> None:
        if (job := self._pane.table.chosen) is not None:
            self.open(PastJobScreen(job, self._jobs.host_name(job.uri)))

    @on(Export)
    def _export(self) -> None:
        from tui.screens.export import ExportScreen  # Few need it.
        from tui.widgets.exports import of_history

        self.open(ExportScreen(of_history(tuple(self._jobs.shown), self._pane.table)))

    @on(Close)
    def _close(self) -> None:
        self.leave(None)
