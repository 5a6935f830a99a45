"""The question what to do with the dumps that earlier consoles had queued and never began."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from tui.commands.commands import Command
from tui.commands.jobs import ForgetQueued, Later, QueueAgain
from tui.commands.offering import OfferingScreen, heading
from tui.session.left_queue import LeftDump
from tui.widgets.key_bar import KeyBar
from tui.widgets.lines import Lines
from tui.words import units
from tui.words.cells import crop, fit, shorten, width

MOST_NAME = 28
"""Cells of a domain's name, and of a host's."""


class Choice(Enum):
    LATER = auto()
    AGAIN = auto()
    FORGET = auto()


class LeftQueueScreen(OfferingScreen[Choice], ModalScreen[Choice]):
    """Ends with the choice; Enter alone leaves everything as it is.

    No letter chooses anything: the screen appears while the console starts, when keys may be meant for the table.
    """

    OFFERS = (QueueAgain, ForgetQueued, Later)
    BINDINGS: ClassVar[list[BindingType]] = [command.binding() for command in OFFERS]

    def __init__(self, dumps: Sequence[LeftDump]) -> None:
        super().__init__()
        self.dumps = dumps

    def compose(self) -> ComposeResult:
        with Vertical(classes="panel", id="left-queue"):
            yield Static(id="about", markup=False)
            yield Lines(id="jobs")
            with Horizontal(id="buttons"):
                yield Button(Content("Later"), id="later", compact=True)
                yield Button(Content("Queue them again"), id="again", variant="primary", compact=True)
                yield Button(Content("Forget them"), id="forget", variant="error", compact=True)
        yield KeyBar()

    def on_mount(self) -> None:
        self.query_one("#later").focus()
        self.call_after_refresh(self._show)

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    def show(self, dumps: Sequence[LeftDump]) -> None:
        """Ask about these."""
        self.dumps = dumps
        self._show()
        self.refresh_bindings()

    def refusal(self, command: type[Command]) -> str | None:
        if command is QueueAgain and all(left.objection for left in self.dumps):
            return self.dumps[0].objection
        return None

    def _show(self) -> None:
        dumps = self.dumps
        self.query_one("#left-queue").border_title = heading("Queued dumps", str(len(dumps)))
        self.query_one("#about", Static).update(Content(about(dumps)))
        lines = self.query_one("#jobs", Lines)
        lines.styles.height = len(dumps)
        cells = lines.scrollable_content_region.width
        names = min(MOST_NAME, max(width(left.dump.domain) for left in dumps))
        several = len({left.host.uri for left in dumps}) > 1
        hosts = min(MOST_NAME, max(width(left.host.name) for left in dumps)) if several else 0
        lines.show_lines([line(left, names, hosts, cells) for left in dumps])

    @on(Button.Pressed, "#later")
    @on(Later)
    def _later(self) -> None:
        self.leave(Choice.LATER)

    @on(Button.Pressed, "#again")
    def _again_pressed(self) -> None:
        self.offer(QueueAgain)

    @on(QueueAgain)
    def _again(self) -> None:
        self.leave(Choice.AGAIN)

    @on(Button.Pressed, "#forget")
    @on(ForgetQueued)
    def _forget(self) -> None:
        self.leave(Choice.FORGET)


def about(dumps: Sequence[LeftDump]) -> str:
    """What these are."""
    first = min((left.dump for left in dumps), key=lambda dump: dump.queued)
    what, they, them = ("This dump was", "it", "it") if len(dumps) == 1 else ("These dumps were", "they", "them")
    return (
        f"{what} queued by a console that ended before {they} began ({first.user}, {units.moment(first.queued)}). "
        f"Nothing starts unless you queue {them} again.\n"
    )


def line(left: LeftDump, names: int, hosts: int, cells: int) -> Content:
    """One dump in `cells` cells; what is against it comes before its path."""
    dump = left.dump
    start = Content.styled(fit(shorten(dump.domain, names), names) + " ", "bold")
    if hosts:
        start += Content.styled(fit(shorten(left.host.name, hosts), hosts) + " ", "$foreground-muted")
    room = max(0, cells - start.cell_length)
    if left.objection:
        return start + Content.styled(crop(f"✗ {left.objection}", room), "$error")
    if left.note:
        start += Content.styled(crop(f"{left.note}  ", room), "$warning")
    return start + Content(shorten(f"→ {dump.path}", max(0, cells - start.cell_length)))
