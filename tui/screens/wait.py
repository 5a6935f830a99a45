"""The screen that waits for one job."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from backend.job_stats import JobStats
from backend.outcome import Outcome
from tui.commands.commands import Close, Command, Detach, Resume
from tui.commands.keys import Keys
from tui.commands.offering import OfferingScreen, heading
from tui.session import news
from tui.session.host import Link
from tui.session.job_wait import QUEUED, STARTING, JobWait
from tui.widgets.activity_pane import VERDICT_STYLES
from tui.widgets.key_bar import KeyBar
from tui.words import jobs, migrating, outcomes, states, units
from tui.words.cells import crop_path, width


class WaitScreen(OfferingScreen[bool], ModalScreen[bool]):
    """Shows a wait; the session runs it. Ends with whether to resume the domain."""

    OFFERS = (Detach, Close, Resume)
    BINDINGS: ClassVar[list[BindingType]] = [command.binding() for command in OFFERS]

    def __init__(self, wait: JobWait, keys: Keys) -> None:
        super().__init__()
        self.wait = wait
        self._key_names = keys
        self._panel = Vertical(classes="panel", id="wait")
        self._state = Static(markup=False)

    def compose(self) -> ComposeResult:
        with self._panel:
            yield self._state
        yield KeyBar()

    def on_mount(self) -> None:
        self.wait.on_change = self._changed
        self._changed()

    def on_unmount(self) -> None:
        self.wait.on_change = lambda: None

    def on_resize(self) -> None:
        self._changed()

    def _changed(self) -> None:
        if not self._state.is_mounted:
            return  # What changed before is shown when it is.
        self._panel.border_title = heading(self.wait.name, f"waiting for {self.wait.what}")
        room = max(20, self._state.content_region.width or self.size.width - 8)
        self._state.update(state(self.wait, self._key_names, room))
        if self.wait.over:
            self.refresh_bindings()

    def link_changed(self) -> None:
        """The connection of the job's host came or went, or a domain has another name now."""
        self._changed()

    def made(self, command: type[Command]) -> Command:
        return Resume([]) if command is Resume else super().made(command)

    def has_key(self, command: type[Command]) -> bool:
        over, outcome = self.wait.over, self.wait.outcome
        left_paused = outcome is not None and outcome.left_paused
        return {Detach: not over, Close: over, Resume: left_paused}.get(command, True)

    @on(Detach)
    @on(Close)
    def _leave(self) -> None:
        self.leave(False)

    @on(Resume)
    def _leave_and_resume(self) -> None:
        self.leave(True)


def state(wait: JobWait, keys: Keys, cells: int) -> Content:
    """How far the job is, or how it ended, in `cells` cells."""
    lines: list[Content] = []
    if wait.record is not None:
        what = f"{wait.record.format_name} → "
        lines.append(Content(what + crop_path(wait.record.path, cells - width(what))))
        requested = f"requested by {wait.record.user} at {units.clock(wait.record.started)}"
        lines.append(Content.styled(requested, "$foreground-muted"))
        lines.append(Content(""))
    lines += _progress_lines(wait, cells)
    lines.append(Content(""))
    if wait.outcome is not None:
        lines += _outcome_lines(wait.outcome, keys)
    elif wait.error is not None:
        lines.append(Content.styled(f"wait failed: {wait.error.message}", "bold $warning"))
        lines.append(Content.styled("The job itself is not affected.", "$foreground-muted"))
    else:
        if wait.host.link is Link.DOWN:
            lines.append(Content.styled(f"{news.no_connection(wait.host)}; trying again", "$error"))
        elif (since := wait.host.silent_since(wait.domain)) is not None:
            lines.append(Content.styled(f"{states.silent(since)}: this is what was known last", "$error"))
        lines.append(Content.styled(f"{keys[Detach]} detaches; the job continues.", "$foreground-muted"))
    return Content("\n").join(lines)


def _progress_lines(wait: JobWait, cells: int) -> list[Content]:
    progress = wait.progress
    if progress is None:
        if wait.over:
            return []
        stages = {QUEUED: "queued: starts when its turn comes", STARTING: "starting …"}
        words = stages.get(wait.stage, "waiting for the job to start …")
        return [Content.styled(words, "$foreground-muted")]
    stats = progress.stats
    if stats.pull_backup:
        lines = [] if wait.over else _pull_backup_lines(stats)
    elif progress.convergence is not None and progress.fraction is None:
        style = "bold $warning" if progress.convergence.needs_help else "bold"
        lines = [] if wait.over else [Content.styled(migrating.sentence(progress.convergence), style), Content("")]
    else:
        percent = f" {units.percent(progress.fraction):>5}"
        bar = units.bar(progress.fraction or 0.0, cells - len(percent))
        done = bar.rstrip("░")
        style = "$warning" if progress.stalled and not wait.over else "$primary"
        lines = [Content.assemble((done, style), (bar[len(done) :], "$line-track"), (percent, "bold")), Content("")]
    if wait.over and stats.remaining:
        lines.append(Content.styled("last progress report:", "$foreground-muted"))
    sizes = []
    if stats.total:
        sizes = [("done", units.size(stats.processed)), ("left", units.size(stats.remaining))]
        sizes.append(("of", units.size(stats.total)))
    times = [("elapsed", units.duration(stats.time_elapsed / 1000))] if stats.disk is None else []
    if not wait.over:
        if progress.rate is not None:
            sizes.append(("at", units.rate(progress.rate)))
        if progress.eta is not None and not progress.stalled:
            times.append(("about", f"{units.duration(progress.eta)} to go (estimate)"))
    lines += [_facts(facts) for facts in (sizes, times) if facts]
    if not wait.over and stats.closing:
        lines += [Content(""), Content.styled("finishing: closing the file (result not known yet)", "bold")]
    elif wait.ready:
        lines += [Content(""), Content.styled("ready: everything is copied", "bold $success"),
                  Content("It goes on as a mirror until someone pivots or aborts it.")]  # fmt: skip
    elif not wait.over and progress.stalled:
        lines += [Content(""), Content.styled(f"stalled: no progress for {units.duration(progress.stalled)}",
                                              "bold $warning")]  # fmt: skip
    return lines


def _pull_backup_lines(stats: JobStats) -> list[Content]:
    low = jobs.scratch_fraction(stats) >= jobs.SCRATCH_LOW
    scratch = Content.assemble(("scratch ", "$foreground-muted"), (jobs.scratch(stats), "bold $warning" if low else ""))
    return [Content(f"pull backup: ends {jobs.PULL_ENDS}"), Content(""), scratch]


def _facts(facts: list[tuple[str, str]]) -> Content:
    pieces = [Content.assemble((label + " ", "$foreground-muted"), value) for label, value in facts]
    return Content("   ").join(pieces)


def _outcome_lines(outcome: Outcome, keys: Keys) -> list[Content]:
    style = f"bold {VERDICT_STYLES[outcome.verdict]}"
    headline = f"{outcomes.SYMBOLS[outcome.verdict]} {outcomes.timed_summary(outcome)}"
    lines = [Content.styled(headline, style)]
    lines.append(Content(outcome.detail))
    if outcome.error:
        lines.append(Content.styled(outcome.error, "$error"))
    lines.append(Content.assemble(("source: ", "$foreground-muted"), outcomes.EVIDENCE_WORDS[outcome.evidence]))
    if outcome.left_paused:
        hint = f"The domain is still paused: {keys[Resume]} resumes it."
        lines += [Content(""), Content.styled(hint, "bold $warning")]
    return lines
