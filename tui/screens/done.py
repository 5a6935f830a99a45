"""What was done through this console, and the commands that do the same."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from backend.text import clean
from tui.commands.commands import Close, Command
from tui.commands.domains import CopyCommand, CopyVirsh
from tui.commands.offering import OfferingScreen, heading
from tui.session.activity_log import Tone
from tui.session.deeds import Deed, Deeds
from tui.widgets.clipboard import copy
from tui.widgets.cursor_lines import MARGIN, CursorLines
from tui.widgets.key_bar import KeyBar
from tui.words import units
from tui.words.cells import fit, shorten, width

EMPTY = "nothing was done here yet: dumps, aborts, pivots, resumes, changes of migrations and hosts are listed"
NO_COMMAND = "no command does the same"
SUBJECT = 20
"""Cells of a name, at most."""
TONES = {Tone.PLAIN: "$success", Tone.QUIET: "$foreground-muted", Tone.WARNING: "$warning", Tone.ERROR: "$error"}


class DoneScreen(OfferingScreen[None], ModalScreen[None]):
    """Lists the deeds of this console, newest first; call `show` when they change."""

    AUTO_FOCUS = "CursorLines"
    OFFERS = (CopyCommand, CopyVirsh, Close)
    BINDINGS: ClassVar[list[BindingType]] = [command.binding() for command in OFFERS]
    PARTS = (CursorLines,)

    def __init__(self, deeds: Deeds) -> None:
        super().__init__()
        self._deeds = deeds
        self._shown: list[Deed] = []
        self._lines = CursorLines(id="deeds")

    def compose(self) -> ComposeResult:
        with Vertical(classes="panel", id="done"):
            yield self._lines
            yield Static(id="commands", markup=False)
        yield KeyBar()

    def on_mount(self) -> None:
        self.call_after_refresh(self.show)

    def on_resize(self) -> None:
        self.call_after_refresh(self.show)

    @property
    def chosen(self) -> Deed | None:
        """The one under the cursor."""
        return self._shown[self._lines.index] if self._shown else None

    def show(self) -> None:
        """Show them as they are now; the cursor stays on its deed."""
        if not self.query("#commands"):
            return
        before = self.chosen
        self._shown = list(self._deeds)
        numbers = [deed.number for deed in self._shown]
        if before is not None and before.number in numbers and self._lines.index:
            self._lines.index = numbers.index(before.number)
        self.query_one("#done").border_title = heading("Done here", str(len(self._shown)) if self._shown else "")
        cells, now = self._lines.scrollable_content_region.width - MARGIN, time.time()
        subjects = min(SUBJECT, max((width(clean(deed.subject)) for deed in self._shown), default=0))
        self._lines.show([_line(deed, subjects, cells, now) for deed in self._shown])
        self._show_commands()

    def _show_commands(self) -> None:
        deed = self.chosen
        text = Content("\n").join(_commands(deed)) if deed is not None else Content.styled(EMPTY, "$foreground-muted")
        self.query_one("#commands", Static).update(text)
        self.refresh_bindings()

    def refusal(self, command: type[Command]) -> str | None:
        if command is Close:
            return None
        deed = self.chosen
        if deed is None:
            return "nothing was done here yet"
        if command is CopyVirsh:
            return None if deed.commands.virsh else "virsh has no command for that"
        return None if deed.commands.virt_jobs else NO_COMMAND

    @on(CursorLines.Moved)
    def _moved(self) -> None:
        self._show_commands()

    @on(CopyCommand)
    @on(CursorLines.Chosen)
    def _copy_command(self) -> None:
        copy(self, self.chosen.commands.virt_jobs if self.chosen is not None else "", "the command", "command")

    @on(CopyVirsh)
    def _copy_virsh(self) -> None:
        copy(self, self.chosen.commands.virsh if self.chosen is not None else "", "the virsh command", "virsh command")

    @on(Close)
    def _close(self) -> None:
        self.leave(None)


def _line(deed: Deed, subjects: int, cells: int, now: float) -> Content:
    """``16:40:12 web-01 dump → /dumps/web-01.core  completed``, in so many cells."""
    stamp = units.recent(deed.at, now)
    subject = fit(shorten(clean(deed.subject), subjects), subjects)
    room = cells - width(stamp) - subjects - 2
    result = shorten(clean(deed.result) or "…", max(12, room // 2))
    what = fit(shorten(clean(deed.what), room - width(result) - 2), room - width(result) - 2)
    return Content.assemble((stamp, "$foreground-muted"), " ", subject, " ", what, "  ", (result, TONES[deed.tone]))


def _commands(deed: Deed) -> Iterator[Content]:
    if deed.tone is Tone.ERROR:
        yield Content.styled(clean(deed.result), "$error")
    for command in (deed.commands.virt_jobs, deed.commands.virsh):
        if command:
            yield Content.assemble(("$ ", "$foreground-muted"), clean(command))
    if not deed.commands.virt_jobs:
        yield Content.styled(NO_COMMAND, "$foreground-muted")
