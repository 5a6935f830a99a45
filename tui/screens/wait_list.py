"""The screen that waits for several jobs, a line for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Static

from backend.outcome import Verdict
from tui.commands.commands import Close, Command, Detach, DropQueued, Resume
from tui.commands.keys import Keys
from tui.commands.offering import OfferingScreen, heading
from tui.session.host import Link
from tui.session.job_wait import QUEUED, SHOW_INTERVAL, JobWait
from tui.widgets.activity_lines import VERDICT_STYLES
from tui.widgets.key_bar import KeyBar
from tui.widgets.lines import Lines
from tui.words import jobs, outcomes, units
from tui.words.cells import fit, shorten, width

BAR = 20
"""Cells of a job's progress."""


class WaitListScreen(OfferingScreen[bool], ModalScreen[bool]):
    """Shows waits; the session runs them. Ends with whether to resume the domains that were left paused.

    `drop` removes one from the queue.
    """

    OFFERS = (Detach, Close, DropQueued, Resume)
    BINDINGS: ClassVar[list[BindingType]] = [command.binding() for command in OFFERS]

    def __init__(self, waits: Sequence[JobWait], drop: Callable[[JobWait], None], keys: Keys) -> None:
        super().__init__()
        self.waits = waits
        self._drop = drop
        self._key_names = keys
        self._due: Timer | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="panel", id="waits"):
            yield Static(id="summary", markup=False)
            yield Lines(id="jobs")
        yield KeyBar()

    def on_mount(self) -> None:
        for wait in self.waits:
            wait.on_change = self._changed
        self.query_one("#jobs").styles.height = len(self.waits)
        self.call_after_refresh(self._show)

    def on_unmount(self) -> None:
        for wait in self.waits:
            wait.on_change = lambda: None

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def refusal(self, command: type[Command]) -> str | None:
        if command is DropQueued and not any(wait.queued for wait in self.waits):
            return "no dump is queued"
        return None

    def link_changed(self) -> None:
        """The connection of one of the jobs' hosts came or went, or a domain has another name now."""
        self._changed()

    def _changed(self) -> None:
        # Many jobs change at about the same time: they are painted together.
        if self._due is None:
            self._due = self.set_timer(SHOW_INTERVAL, self._show)

    def _show(self) -> None:
        self._due = None
        several = "jobs" if any(wait.disk for wait in self.waits) else "domains"
        about = f"{len(self.waits)} {several}" if len(self.waits) > 1 else self.waits[0].name
        self.query_one("#waits").border_title = heading("Waiting", about)
        self.query_one("#summary", Static).update(summary(self.waits, self._key_names))
        lines = self.query_one("#jobs", Lines)
        cells = lines.scrollable_content_region.width
        names = min(28, max(width(wait.name) for wait in self.waits))
        lines.show_lines([line(wait, names, cells) for wait in self.waits])
        self.refresh_bindings()

    @on(DropQueued)
    def _drop_queued(self) -> None:
        for wait in self.waits:
            if wait.queued:
                self._drop(wait)

    def made(self, command: type[Command]) -> Command:
        return Resume([]) if command is Resume else super().made(command)

    def has_key(self, command: type[Command]) -> bool:
        over = all(wait.over for wait in self.waits)
        left_paused = any(wait.outcome is not None and wait.outcome.left_paused for wait in self.waits)
        return {Detach: not over, Close: over, DropQueued: not over, Resume: left_paused}.get(command, True)

    @on(Detach)
    @on(Close)
    def _leave(self) -> None:
        self.leave(False)

    @on(Resume)
    def _leave_and_resume(self) -> None:
        self.leave(True)


def summary(waits: Sequence[JobWait], keys: Keys) -> Content:
    """The number of jobs in each state."""
    ended = [wait.outcome for wait in waits if wait.outcome is not None]
    counts = [
        (sum(outcome.verdict is verdict for outcome in ended), str(verdict), VERDICT_STYLES[verdict])
        for verdict in Verdict
    ]
    queued = sum(wait.queued for wait in waits)
    counts.append((sum(wait.error is not None for wait in waits), "not started or cancelled", "$warning"))
    counts.append((sum(not wait.over for wait in waits) - queued, "running", ""))
    counts.append((queued, QUEUED, "$foreground-muted"))
    parts = [Content.styled(f"{count} {words}", style) for count, words, style in counts if count]
    left = sum(outcome.left_paused for outcome in ended)
    if left:
        parts.append(Content.styled(f"{left} left paused: {keys[Resume]} resumes", "bold $warning"))
    going = any(not wait.over for wait in waits)
    hint = f"{keys[Detach]} detaches; the jobs continue." if going else "All finished."
    return Content("\n").join([Content(" · ").join(parts), Content.styled(hint, "$foreground-muted"), Content("")])


def line(wait: JobWait, names: int, cells: int) -> Content:
    """One job in `cells` cells."""
    name = Content.styled(fit(shorten(wait.name, names), names) + " ", "bold")
    return Content.assemble(name, _words(wait)).truncate(cells, ellipsis=True)


def _words(wait: JobWait) -> Content:
    if wait.outcome is not None:
        outcome = wait.outcome
        left = "left paused · " if outcome.left_paused else ""
        return Content.assemble((left, "bold $warning"), (outcomes.line(outcome), VERDICT_STYLES[outcome.verdict]))
    if wait.error is not None:
        return Content.styled(f"✗ {wait.error.message}", "$warning")
    if wait.host.link is not Link.UP:
        return Content.styled("no connection, trying again", "$error")
    progress = wait.progress
    if wait.stage or progress is None:
        return Content.styled(wait.stage or "waiting for the job to start …", "$foreground-muted")
    if progress.stats.closing:
        return Content.styled("finishing: closing the file", "bold")
    if wait.ready:
        return Content.assemble((jobs.READY, "$success"), f"  {wait.what}")
    if progress.stats.pull_backup:
        return Content(f"scratch {jobs.scratch(progress.stats)}  pull backup: ends {jobs.PULL_ENDS}")
    bar = units.bar(progress.fraction or 0.0, BAR)
    done = bar.rstrip("░")
    style = "$warning" if progress.stalled else "$primary"
    facts = f" {units.percent(progress.fraction):>5}  {wait.what}"
    if progress.stalled:
        facts += f"  stalled {units.duration(progress.stalled)}"
    else:
        facts += f"  {units.rate(progress.rate)}"
        facts += f"  ~{units.duration(progress.eta)}" if progress.eta is not None else ""
    return Content.assemble((done, style), (bar[len(done) :], "$line-track"), facts)
