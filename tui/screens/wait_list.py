"""The screen that waits for several jobs, a line for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.css.scalar import Scalar
from textual.events import ScreenResume
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Static

from backend.outcome import Outcome, Verdict
from tui.commands import wait_refusals
from tui.commands.commands import Close, Command, Export, Help
from tui.commands.domains import CopyName, CopyPath, CopyStats
from tui.commands.jobs import Abort, Detach, DropQueued, Open, Pivot, Resume
from tui.commands.keys import Keys
from tui.commands.offering import CommandPane, OfferingScreen, heading
from tui.screens.wait import WaitScreen
from tui.screens.wait_panel import WaitPanel
from tui.session.host import Link
from tui.session.job_wait import QUEUED, SHOW_INTERVAL, JobWait
from tui.session.session import Session
from tui.widgets.activity_lines import VERDICT_STYLES
from tui.widgets.cursor_lines import MARGIN, CursorLines
from tui.widgets.key_bar import KeyBar
from tui.words import jobs, outcomes, units
from tui.words.cells import crop_path, fit, shorten, width

BAR = 20
"""Cells of a job's progress."""
AROUND = 5
"""Lines around the summary and the jobs: the border and space of their panel, and the keys."""
SHORT_PATH = 8
"""Cells below which a path is left out: Enter shows it."""


class WaitListScreen(OfferingScreen[bool], ModalScreen[bool]):
    """Shows waits; the session runs them. Ends with whether to resume the domains that were left paused."""

    AUTO_FOCUS = "CursorLines"
    OFFERS = (Detach, Close, Open, Abort, DropQueued, Pivot, Resume, CopyName, CopyPath, CopyStats, Export, Help)
    BINDINGS: ClassVar[list[BindingType]] = [command.binding() for command in OFFERS]

    def __init__(self, waits: Sequence[JobWait], session: Session, keys: Keys) -> None:
        super().__init__()
        self.waits = waits
        self._session = session
        self._key_names = keys
        self._due: Timer | None = None
        self._lines = CursorLines(id="jobs")
        self._panel = WaitPanel(self, session, waits, lambda: self.chosen, self._shown, id="waits")
        self._lines.index = next((number for number, wait in enumerate(waits) if not wait.over), 0)

    def compose(self) -> ComposeResult:
        with self._panel:
            yield Static(id="summary", markup=False)
            yield self._lines
        yield KeyBar()

    def on_mount(self) -> None:
        self._lines.styles.height = len(self.waits)
        self._follow()

    @on(ScreenResume)
    def _follow(self) -> None:
        """Show what changes from now on; above this screen, one of the waits may have been shown alone."""
        for wait in self.waits:
            wait.on_change = self._changed
        self.call_after_refresh(self._show)

    def on_unmount(self) -> None:
        for wait in self.waits:
            wait.on_change = lambda: None

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    @property
    def panes(self) -> Sequence[CommandPane]:
        return (self._panel,)

    @property
    def chosen(self) -> JobWait:
        """The one under the cursor."""
        return self.waits[self._lines.index]

    def refusal(self, command: type[Command]) -> str | None:
        if command is DropQueued:
            return None if any(wait.queued for wait in self.waits) else "no dump is queued"
        if command is Resume:  # All that were left paused.
            reasons = [wait_refusals.resume(wait) for wait in self.waits]
            return None if None in reasons else reasons[self._lines.index]
        return wait_refusals.refusal(command, self.chosen)

    def link_changed(self) -> None:
        """The connection of one of the jobs' hosts came or went, or a domain has another name now."""
        self._changed()

    def _changed(self) -> None:
        # Many jobs change at about the same time: they are painted together.
        if self._due is None:
            self._due = self.set_timer(SHOW_INTERVAL, self._show)

    def _show(self) -> None:
        self._due = None
        self._panel.border_title = self._heading
        self.query_one("#summary", Static).update(summary(self.waits, self._key_names))
        self.call_after_refresh(self._leave_room)
        self._lines.show(self._contents)
        self.refresh_bindings()

    @property
    def _heading(self) -> Content:
        several = "jobs" if any(wait.disk for wait in self.waits) else "domains"
        return heading("Waiting", f"{len(self.waits)} {several}" if len(self.waits) > 1 else self.waits[0].name)

    @property
    def _contents(self) -> list[Content]:
        """A line for each."""
        cells = self._lines.scrollable_content_region.width - MARGIN
        names = min(28, max(width(wait.name) for wait in self.waits))
        return [line(wait, names, cells) for wait in self.waits]

    def _shown(self) -> list[str]:
        above = summary(self.waits, self._key_names).plain.splitlines()
        return [self._heading.plain, "", *above, "", *(content.plain for content in self._contents)]

    def _leave_room(self) -> None:
        """Let the lines scroll if they do not fit, below a summary that may need more than a line."""
        if not self._lines.is_attached:
            return
        height = max(1, self.size.height - AROUND - self.query_one("#summary").outer_size.height)
        if self._lines.styles.max_height != Scalar.from_number(height):
            self._lines.styles.max_height = height
            self._lines.call_after_refresh(self._lines.reveal)

    @on(CursorLines.Moved)
    def _moved(self) -> None:
        self.refresh_bindings()

    def has_key(self, command: type[Command]) -> bool:
        return command is not DropQueued or not all(wait.over for wait in self.waits)

    @on(CursorLines.Chosen)
    @on(Open)
    def _open(self) -> None:
        wait = self.chosen
        if wait.queued:
            self.refuse(f"{wait.name}: its dump is queued, there is no more to show")
            return
        self.open(WaitScreen(wait, self._session, self._key_names), lambda resume: self._left_one(wait, bool(resume)))

    def _left_one(self, wait: JobWait, resume: bool) -> None:
        if resume:
            self._session.actions.resume(wait.host, wait.domain)

    @on(DropQueued)
    def _drop_queued(self) -> None:
        for wait in self.waits:
            if wait.queued:
                self._session.waits.drop(wait)


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
    return Content.assemble(name, _words(wait, cells - names - 1)).truncate(cells, ellipsis=True)


def _words(wait: JobWait, cells: int) -> Content:
    if wait.outcome is not None:
        return _result(wait.outcome, cells)
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


def _result(outcome: Outcome, cells: int) -> Content:
    """How it ended; of a long path, its end says the most."""
    left = "left paused · " if outcome.left_paused else ""
    if outcome.path:
        room = cells - width(left) - width(outcomes.line(replace(outcome, path=""))) - len(" → ")
        outcome = replace(outcome, path=crop_path(outcome.path, room) if room >= SHORT_PATH else "")
    return Content.assemble((left, "bold $warning"), (outcomes.line(outcome), VERDICT_STYLES[outcome.verdict]))
