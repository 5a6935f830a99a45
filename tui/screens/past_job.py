"""The screen with everything that is known of one remembered job, command or queued dump."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from backend.observing.remembered import Remembered
from backend.text import clean
from tui.commands.commands import Close, CopyEntry, CopyFile
from tui.commands.offering import OfferingScreen, heading
from tui.commands.reach import scrolling
from tui.widgets.clipboard import copy
from tui.widgets.facts import labelled
from tui.widgets.job_columns import result_style
from tui.widgets.key_bar import KeyBar
from tui.widgets.lines import Lines
from tui.words.remembered import describe, line, result, took

LABEL = 20
"""Cells of a label."""
GONE = "It is no longer remembered: a queued dump was cancelled or forgotten, an old command made room for a new one."


class PastJobScreen(OfferingScreen[None], ModalScreen[None]):
    """Shows it; `host`: what its host is called."""

    AUTO_FOCUS = "Lines"
    OFFERS = (CopyEntry, CopyFile, Close)
    BINDINGS: ClassVar[list[BindingType]] = [*(command.binding() for command in OFFERS), *scrolling()]

    def __init__(self, job: Remembered, host: str) -> None:
        super().__init__()
        self.job = job
        self._host = host
        self._gone = False
        self._lines = Lines(id="facts")

    def compose(self) -> ComposeResult:
        with Vertical(classes="panel", id="past-job"):
            yield self._lines
        yield KeyBar()

    @property
    def main_list(self) -> Lines:
        return self._lines

    def on_mount(self) -> None:
        self.call_after_refresh(self._show)

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def show(self, job: Remembered | None) -> None:
        """Show what is known of the job now; None: nothing any more."""
        self._gone = job is None
        self.job = job or self.job
        self._show()

    def _show(self) -> None:
        self.query_one("#past-job").border_title = heading(clean(self.job.domain), describe(self.job).name)
        cells = max(LABEL + 10, self._lines.scrollable_content_region.width)
        gone = Content.styled(GONE, "$warning").wrap(cells) if self._gone else []
        lines = [*gone, *_lines(self.job, self._host, cells)]
        self._lines.styles.height = len(lines)
        self._lines.show_lines(lines)

    @on(CopyEntry)
    def _copy_entry(self) -> None:
        copy(self, line(self.job, self._host), "the job", "job")

    @on(CopyFile)
    def _copy_file(self) -> None:
        copy(self, describe(self.job).file, "the path", "path")

    @on(Close)
    def _close(self) -> None:
        self.leave(None)


def _lines(job: Remembered, host: str, cells: int) -> Iterator[Content]:
    """How it ended and why, then all facts, in so many cells."""
    about = describe(job)
    account = about.account()
    in_time = f" in {took(job)}" if job.seconds is not None else ""
    yield Content.styled(f"{result(job)}{in_time}", f"bold {result_style(job)}")
    yield from Content(account.detail).wrap(cells)
    if account.error:
        yield from Content.styled(account.error, "$error").wrap(cells)
    if account.source:
        yield from Content.assemble(("source: ", "$foreground-muted"), account.source).wrap(cells)
    yield Content("")
    yield from labelled(about.facts(host), cells, LABEL)
