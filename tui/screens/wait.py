"""The screen that waits for one job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from backend.job_stats import JobStats
from backend.outcome import Outcome, Verdict
from tui.commands import wait_refusals
from tui.commands.commands import Command, Help
from tui.commands.jobs import Detach, Resume
from tui.commands.keys import Keys
from tui.commands.offering import CommandPane, OfferingScreen, heading
from tui.screens.wait_panel import WaitPanel
from tui.session import news
from tui.session.host import Link
from tui.session.job_wait import QUEUED, STARTING, JobWait
from tui.session.session import Session
from tui.widgets.activity_lines import VERDICT_STYLES
from tui.widgets.facts import labelled
from tui.widgets.key_bar import KeyBar
from tui.widgets.scrolled import Scrolled
from tui.words import jobs, migrating, outcomes, results, states, units
from tui.words.cells import crop_path, width


class WaitScreen(OfferingScreen[bool], ModalScreen[bool]):
    """Shows a wait; the session runs it. Ends with whether to resume the domain."""

    OFFERS = (*WaitPanel.OFFERS, *Scrolled.OFFERS, Help)
    BINDINGS: ClassVar[list[BindingType]] = [command.binding() for command in OFFERS]

    def __init__(self, wait: JobWait, session: Session, keys: Keys) -> None:
        super().__init__()
        self.wait = wait
        self._key_names = keys
        self._panel = WaitPanel(self, session, [wait], lambda: wait, self._shown, id="wait")
        self._scrolled = Scrolled()
        self._state = Static(markup=False)

    def compose(self) -> ComposeResult:
        with self._panel, self._scrolled:
            yield self._state
        yield KeyBar()

    @property
    def panes(self) -> Sequence[CommandPane]:
        return self._panel, self._scrolled

    def on_mount(self) -> None:
        self.wait.on_change = self._changed
        self._changed()

    def on_unmount(self) -> None:
        if self.wait.on_change == self._changed:  # A screen below may follow it again by now.
            self.wait.on_change = lambda: None

    def on_resize(self) -> None:
        self._changed()

    def _changed(self) -> None:
        if not self._state.is_mounted:
            return  # What changed before is shown when it is.
        self._panel.border_title = self._heading
        self._state.update(self._content)
        self.refresh_bindings()

    @property
    def _heading(self) -> Content:
        return heading(self.wait.name, f"waiting for {self.wait.what}")

    @property
    def _content(self) -> Content:
        room = max(20, self._state.content_region.width or self.size.width - 8)
        return state(self.wait, self._key_names, room)

    def _shown(self) -> list[str]:
        return [self._heading.plain, "", *self._content.plain.splitlines()]

    def link_changed(self) -> None:
        """The connection of the job's host came or went, or a domain has another name now."""
        self._changed()

    def refusal(self, command: type[Command]) -> str | None:
        return wait_refusals.refusal(command, self.wait)


def state(wait: JobWait, keys: Keys, cells: int) -> Content:
    """How far the job is, or how it ended, in `cells` cells."""
    if wait.outcome is not None:
        return Content("\n").join(_result_lines(wait, wait.outcome, keys, cells))
    lines: list[Content] = []
    if wait.record is not None:
        what = f"{wait.record.format_name} → "
        lines.append(Content(what + crop_path(wait.record.path, cells - width(what))))
        requested = f"requested by {wait.record.user} at {units.clock(wait.record.started)}"
        lines.append(Content.styled(requested, "$foreground-muted"))
        lines.append(Content(""))
    if wait.error is not None:
        what = "dump not started" if wait.unstarted else "wait failed"
        lines.append(Content.styled(f"{what}: {wait.error.message}", "bold $warning"))
        if not wait.unstarted:
            lines.append(Content.styled("The job itself is not affected.", "$foreground-muted"))
        return Content("\n").join(lines)
    lines += [*_progress_lines(wait, cells), Content("")]
    if wait.host.link is Link.DOWN:
        lines.append(Content.styled(f"{news.no_connection(wait.host)}; trying again", "$error"))
    elif (since := wait.host.silent_since(wait.domain)) is not None:
        lines.append(Content.styled(f"{states.silent(since)}: this is what was known last", "$error"))
    lines.append(Content.styled(f"{keys[Detach]} detaches; the job continues.", "$foreground-muted"))
    return Content("\n").join(lines)


def _progress_lines(wait: JobWait, cells: int) -> list[Content]:
    progress = wait.progress
    if progress is None:
        stages = {QUEUED: "queued: starts when its turn comes", STARTING: "starting …"}
        words = stages.get(wait.stage, "waiting for the job to start …")
        return [Content.styled(words, "$foreground-muted")]
    stats = progress.stats
    if stats.pull_backup:
        lines = _pull_backup_lines(stats)
    elif progress.convergence is not None and progress.fraction is None:
        style = "bold $warning" if progress.convergence.needs_help else "bold"
        lines = [Content.styled(migrating.sentence(progress.convergence), style), Content("")]
    else:
        percent = f" {units.percent(progress.fraction):>5}"
        bar = units.bar(progress.fraction or 0.0, cells - len(percent))
        done = bar.rstrip("░")
        style = "$warning" if progress.stalled else "$primary"
        lines = [Content.assemble((done, style), (bar[len(done) :], "$line-track"), (percent, "bold")), Content("")]
    sizes = []
    if stats.total:
        sizes = [("done", units.size(stats.processed)), ("left", units.size(stats.remaining))]
        sizes.append(("of", units.size(stats.total)))
    times = [("elapsed", units.duration(stats.time_elapsed / 1000))] if stats.disk is None else []
    if progress.rate is not None:
        sizes.append(("at", units.rate(progress.rate)))
    if progress.eta is not None and not progress.stalled:
        times.append(("about", f"{units.duration(progress.eta)} to go (estimate)"))
    lines += [_facts(facts) for facts in (sizes, times) if facts]
    if stats.closing:
        lines += [Content(""), Content.styled("finishing: closing the file (result not known yet)", "bold")]
    elif wait.ready:
        lines += [Content(""), Content.styled("ready: everything is copied", "bold $success"),
                  Content("It goes on as a mirror until someone pivots or aborts it.")]  # fmt: skip
    elif progress.stalled:
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


def _result_lines(wait: JobWait, outcome: Outcome, keys: Keys, cells: int) -> list[Content]:
    """How it ended: what was last seen of its progress says nothing any more."""
    headline = f"{outcomes.SYMBOLS[outcome.verdict]} {outcomes.timed_summary(outcome)}"
    lines = [Content.styled(headline, f"bold {VERDICT_STYLES[outcome.verdict]}")]
    if outcome.error and outcome.verdict is not Verdict.COMPLETED:
        lines += Content.styled(outcome.error, "$error").wrap(cells)
    if outcome.left_paused:
        hint = f"The domain is still paused: {keys[Resume]} resumes it."
        lines.append(Content.styled(hint, "bold $warning"))
    stats = wait.progress.stats if wait.progress is not None else None
    return [*lines, Content(""), *labelled(results.facts(outcome, stats, wait.record), cells)]
