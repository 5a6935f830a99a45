"""Several jobs, a line each, until the last one's end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from backend.verdicts.verdict import Verdict
from tui.commands.commands import Close, Command, Detach, DropQueued, Resume
from tui.commands.keys import Keys
from tui.commands.offering import OfferingModal, heading
from tui.session.host import Link
from tui.session.planned import QUEUED
from tui.session.waiting import SHOW_INTERVAL, Waiting
from tui.widgets.activity import VERDICT_STYLES
from tui.widgets.key_bar import KeyBar
from tui.widgets.lines import Lines
from tui.words import outcomes, units
from tui.words.cells import fit, width

BAR = 20
"""Cells of a job's progress."""


class WaitsScreen(OfferingModal[bool]):
    """Shows waits that someone else runs; leaving is theirs to act upon. Ends with whether to resume the left paused.

    `drop` takes one out of the queue.
    """

    OFFERS = (Detach, Close, DropQueued, Resume)
    BINDINGS: ClassVar[list[BindingType]] = [command.binding() for command in OFFERS]

    def __init__(self, waitings: Sequence[Waiting], drop: Callable[[Waiting], None], keys: Keys) -> None:
        super().__init__()
        self.waitings = waitings
        self._drop = drop
        self._key_names = keys
        self._due: Timer | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="panel", id="waits") as panel:
            first, *others = self.waitings
            about = f"{len(self.waitings)} domains" if others else first.domain.name
            panel.border_title = heading("Waiting", about)
            yield Static(id="summary", markup=False)
            yield Lines(id="jobs")
        yield KeyBar()

    def on_mount(self) -> None:
        for waiting in self.waitings:
            waiting.on_change = self._changed
        self.query_one("#jobs").styles.height = len(self.waitings)
        self.call_after_refresh(self._show)

    def on_unmount(self) -> None:
        for waiting in self.waitings:
            waiting.on_change = lambda: None

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def refusal(self, command: type[Command]) -> str | None:
        if command is DropQueued and not any(waiting.stage == QUEUED for waiting in self.waitings):
            return "nothing is queued"
        return None

    def link_changed(self) -> None:
        """The connection of one of the jobs' hosts came or went."""
        self._changed()

    def _changed(self) -> None:
        # Many jobs change at much the same time: they are shown together.
        if self._due is None:
            self._due = self.set_timer(SHOW_INTERVAL, self._show)

    def _show(self) -> None:
        self._due = None
        self.query_one("#summary", Static).update(summary(self.waitings, self._key_names))
        lines = self.query_one("#jobs", Lines)
        cells = lines.scrollable_content_region.width
        names = min(28, max(width(waiting.domain.name) for waiting in self.waitings))
        lines.show_lines([line(waiting, names, cells) for waiting in self.waitings])
        self.refresh_bindings()

    @on(DropQueued)
    def _drop_queued(self) -> None:
        for waiting in self.waitings:
            if waiting.stage == QUEUED:
                self._drop(waiting)

    def made(self, command: type[Command]) -> Command:
        return Resume([]) if command is Resume else super().made(command)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        over = all(waiting.over for waiting in self.waitings)
        allowed: dict[tuple[object, ...], bool] = {
            (Detach.id(),): not over,
            (Close.id(),): over,
            (DropQueued.id(),): not over,
            (Resume.id(),): any(waiting.outcome and waiting.outcome.left_paused for waiting in self.waitings),
        }
        return allowed.get(parameters, True)

    @on(Detach)
    @on(Close)
    def _leave(self) -> None:
        self.leave(False)

    @on(Resume)
    def _leave_and_resume(self) -> None:
        self.leave(True)


def summary(waitings: Sequence[Waiting], keys: Keys) -> Content:
    """How many of them there are of each kind."""
    ended = [waiting.outcome for waiting in waitings if waiting.outcome is not None]
    counts = [
        (sum(outcome.verdict is verdict for outcome in ended), str(verdict), VERDICT_STYLES[verdict])
        for verdict in Verdict
    ]
    queued = sum(waiting.stage == QUEUED for waiting in waitings)
    counts.append((sum(waiting.error is not None for waiting in waitings), "not waited for", "$warning"))
    counts.append((sum(not waiting.over for waiting in waitings) - queued, "under way", ""))
    counts.append((queued, QUEUED, "$foreground-muted"))
    parts = [Content.styled(f"{count} {words}", style) for count, words, style in counts if count]
    left = sum(outcome.left_paused for outcome in ended)
    if left:
        parts.append(Content.styled(f"{left} left paused: {keys[Resume]} resumes", "bold $warning"))
    going = any(not waiting.over for waiting in waitings)
    hint = f"{keys[Detach]} detaches; the jobs go on." if going else "All are over."
    return Content("\n").join([Content(" · ").join(parts), Content.styled(hint, "$foreground-muted"), Content("")])


def line(waiting: Waiting, names: int, cells: int) -> Content:
    """One job in so many cells."""
    name = Content.styled(fit(waiting.domain.name, names) + " ", "bold")
    return Content.assemble(name, _words(waiting)).truncate(cells, ellipsis=True)


def _words(waiting: Waiting) -> Content:
    if waiting.outcome is not None:
        outcome = waiting.outcome
        left = "left paused · " if outcome.left_paused else ""
        return Content.assemble((left, "bold $warning"), (outcomes.line(outcome), VERDICT_STYLES[outcome.verdict]))
    if waiting.error is not None:
        return Content.styled(f"✗ {waiting.error.message}", "$warning")
    if waiting.host.link is not Link.UP:
        return Content.styled("no connection, trying again", "$error")
    progress = waiting.progress
    if waiting.stage or progress is None:
        return Content.styled(waiting.stage or "waiting for the first sign of the job …", "$foreground-muted")
    if progress.stats.closing:
        return Content.styled("closing: nothing is proved yet", "bold")
    bar = units.bar(progress.fraction or 0.0, BAR)
    done = bar.rstrip("░")
    style = "$warning" if progress.stalled else "$primary"
    facts = f" {units.percent(progress.fraction):>5}  {waiting.operation.label}"
    if progress.stalled:
        facts += f"  stalled {units.duration(progress.stalled)}"
    else:
        facts += f"  {units.rate(progress.rate)}"
        facts += f"  ~{units.duration(progress.eta)}" if progress.eta is not None else ""
    return Content.assemble((done, style), (bar[len(done) :], "$line-track"), facts)
