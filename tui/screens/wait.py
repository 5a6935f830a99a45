"""One job, big, until its end."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from backend.verdicts.verdict import Outcome
from tui.commands.commands import Close, Command, Detach, Resume
from tui.commands.keys import Keys
from tui.commands.offering import OfferingModal, heading
from tui.session import news
from tui.session.host import Link
from tui.session.planned import QUEUED
from tui.session.waiting import Waiting
from tui.widgets.activity import VERDICT_STYLES
from tui.widgets.key_bar import KeyBar
from tui.words import outcomes, units
from tui.words.cells import crop_path, width


class WaitScreen(OfferingModal[bool]):
    """Shows a wait that someone else runs; leaving is theirs to act upon. Ends with whether to resume the domain."""

    OFFERS = (Detach, Close, Resume)
    BINDINGS: ClassVar[list[BindingType]] = [command.binding() for command in OFFERS]

    def __init__(self, waiting: Waiting, keys: Keys) -> None:
        super().__init__()
        self.waiting = waiting
        self._key_names = keys
        self._state = Static(markup=False)

    def compose(self) -> ComposeResult:
        with Vertical(classes="panel", id="wait") as panel:
            panel.border_title = heading(self.waiting.domain.name, f"waiting for {self.waiting.operation.label}")
            yield self._state
        yield KeyBar()

    def on_mount(self) -> None:
        self.waiting.on_change = self._changed
        self._changed()

    def on_unmount(self) -> None:
        self.waiting.on_change = lambda: None

    def on_resize(self) -> None:
        self._changed()

    def _changed(self) -> None:
        if not self._state.is_mounted:
            return  # What changed before is shown when it is.
        room = max(20, self._state.content_region.width or self.size.width - 8)
        self._state.update(state(self.waiting, self._key_names, room))
        if self.waiting.over:
            self.refresh_bindings()

    def link_changed(self) -> None:
        """The connection of the job's host came or went."""
        self._changed()

    def made(self, command: type[Command]) -> Command:
        return Resume([]) if command is Resume else super().made(command)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        over, outcome = self.waiting.over, self.waiting.outcome
        allowed: dict[tuple[object, ...], bool] = {
            (Detach.id(),): not over,
            (Close.id(),): over,
            (Resume.id(),): outcome is not None and outcome.left_paused,
        }
        return allowed.get(parameters, True)

    @on(Detach)
    @on(Close)
    def _leave(self) -> None:
        self.leave(False)

    @on(Resume)
    def _leave_and_resume(self) -> None:
        self.leave(True)


def state(waiting: Waiting, keys: Keys, cells: int) -> Content:
    """How the job stands, or how it ended, in so many cells."""
    lines: list[Content] = []
    if waiting.record is not None:
        what = f"{waiting.record.format_name} → "
        lines.append(Content(what + crop_path(waiting.record.path, cells - width(what))))
        asked = f"asked by {waiting.record.user} at {units.clock(waiting.record.started)}"
        lines.append(Content.styled(asked, "$foreground-muted"))
        lines.append(Content(""))
    lines += _progress_lines(waiting, cells)
    lines.append(Content(""))
    if waiting.outcome is not None:
        lines += _outcome_lines(waiting.outcome, keys)
    elif waiting.error is not None:
        lines.append(Content.styled(f"the wait ended: {waiting.error.message}", "bold $warning"))
        lines.append(Content.styled("The job itself was not touched.", "$foreground-muted"))
    else:
        if waiting.host.link is Link.DOWN:
            lines.append(Content.styled(f"{news.no_connection(waiting.host)}; trying again", "$error"))
        lines.append(Content.styled(f"{keys[Detach]} detaches; the job goes on.", "$foreground-muted"))
    return Content("\n").join(lines)


def _progress_lines(waiting: Waiting, cells: int) -> list[Content]:
    progress = waiting.progress
    if progress is None:
        if waiting.over:
            return []
        said = {QUEUED: "queued: it is started when its turn comes", "starting": "starting …"}
        words = said.get(waiting.stage, "waiting for the first sign of the job …")
        return [Content.styled(words, "$foreground-muted")]
    stats = progress.stats
    percent = f" {units.percent(progress.fraction):>5}"
    bar = units.bar(progress.fraction or 0.0, cells - len(percent))
    done = bar.rstrip("░")
    style = "$warning" if progress.stalled and not waiting.over else "$primary"
    lines = [Content.assemble((done, style), (bar[len(done) :], "$line-track"), (percent, "bold")), Content("")]
    if waiting.over and stats.remaining:
        lines.append(Content.styled("when it was last seen:", "$foreground-muted"))
    sizes = []
    if stats.total:
        sizes = [("done", units.size(stats.processed)), ("left", units.size(stats.remaining))]
        sizes.append(("of", units.size(stats.total)))
    times = [("elapsed", units.duration(stats.time_elapsed / 1000))]
    if not waiting.over:
        if progress.rate is not None:
            sizes.append(("at", units.rate(progress.rate)))
        if progress.eta is not None and not progress.stalled:
            times.append(("about", f"{units.duration(progress.eta)} to go (estimate)"))
    lines += [_facts(sizes), _facts(times)] if sizes else [_facts(times)]
    if not waiting.over and stats.closing:
        lines += [Content(""), Content.styled("closing: the hypervisor closes the file; nothing is proved yet", "bold")]
    elif not waiting.over and progress.stalled:
        lines += [Content(""), Content.styled(f"stalled: nothing moved for {units.duration(progress.stalled)}",
                                              "bold $warning")]  # fmt: skip
    return lines


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
    lines.append(Content.assemble(("known from ", "$foreground-muted"), outcomes.EVIDENCE_WORDS[outcome.evidence]))
    if outcome.left_paused:
        hint = f"The domain was left paused: {keys[Resume]} resumes it."
        lines += [Content(""), Content.styled(hint, "bold $warning")]
    return lines
