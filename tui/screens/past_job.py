"""The screen with everything that is known of one remembered job."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen

from backend.text import clean
from backend.verdicts.job_sources import SourcedJob
from tui.commands.commands import Close, CopyEntry, CopyFile
from tui.commands.offering import OfferingScreen, heading
from tui.widgets.clipboard import copy
from tui.widgets.facts import labelled
from tui.widgets.job_columns import result_style
from tui.widgets.key_bar import KeyBar
from tui.widgets.lines import Lines
from tui.words import outcomes, past_jobs

LABEL = 20
"""Cells of a label."""


class PastJobScreen(OfferingScreen[None], ModalScreen[None]):
    """Shows it; `host`: what its host is called."""

    AUTO_FOCUS = "Lines"
    OFFERS = (CopyEntry, CopyFile, Close)
    BINDINGS: ClassVar[list[BindingType]] = [command.binding() for command in OFFERS]

    def __init__(self, job: SourcedJob, host: str) -> None:
        super().__init__()
        self.job = job
        self._host = host
        self._lines = Lines(id="facts")

    def compose(self) -> ComposeResult:
        with Vertical(classes="panel", id="past-job"):
            yield self._lines
        yield KeyBar()

    def on_mount(self) -> None:
        self.call_after_refresh(self._show)

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def show(self, job: SourcedJob) -> None:
        """Show what is known of the job now."""
        self.job = job
        self._show()

    def _show(self) -> None:
        self.query_one("#past-job").border_title = heading(clean(self.job.entry.domain), past_jobs.name(self.job))
        cells = max(LABEL + 10, self._lines.scrollable_content_region.width)
        lines = list(_lines(self.job, self._host, cells))
        self._lines.styles.height = len(lines)
        self._lines.show_lines(lines)

    @on(CopyEntry)
    def _copy_entry(self) -> None:
        copy(self, past_jobs.line(self.job, self._host), "the job", "job")

    @on(CopyFile)
    def _copy_file(self) -> None:
        copy(self, past_jobs.path(self.job), "the path", "path")

    @on(Close)
    def _close(self) -> None:
        self.leave(None)


def _lines(job: SourcedJob, host: str, cells: int) -> Iterator[Content]:
    """How it ended and why, then all facts, in so many cells."""
    took = f" in {past_jobs.took(job)}" if job.seconds is not None else ""
    yield Content.styled(f"{past_jobs.result(job)}{took}", f"bold {result_style(job)}")
    outcome = job.outcome
    if outcome is None:
        yield Content("It is running, as far as anyone here knows.")
    else:
        yield from Content(clean(outcome.detail)).wrap(cells)
        if outcome.error:
            yield from Content.styled(clean(outcome.error), "$error").wrap(cells)
        source = Content.assemble(("source: ", "$foreground-muted"), outcomes.EVIDENCE_WORDS[outcome.evidence])
        yield from source.wrap(cells)
    yield Content("")
    yield from labelled(past_jobs.facts(job, host), cells, LABEL)
