"""A question before something that cannot be undone."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Static

from tui.commands.commands import Less, More, No, Yes
from tui.commands.offering import OfferingScreen, heading
from tui.widgets.key_bar import KeyBar
from tui.widgets.scrolled import Below, Scrolled


class ConfirmScreen(OfferingScreen[bool], ModalScreen[bool]):
    """Ends with whether the user confirmed; Enter alone does not confirm."""

    OFFERS = (Yes, No, More, Less)
    BINDINGS: ClassVar[list[BindingType]] = [command.binding() for command in OFFERS]

    def __init__(self, title: str, question: str, yes: str) -> None:
        super().__init__()
        self._title = title
        self._question = question
        self._yes = yes
        self._scrolled = Scrolled()

    @property
    def panes(self) -> tuple[Scrolled]:
        return (self._scrolled,)

    def compose(self) -> ComposeResult:
        with Vertical(classes="panel", id="confirm") as panel:
            panel.border_title = heading(self._title)
            with self._scrolled:
                yield Static(Content(self._question))
            with Below(), Horizontal(id="buttons"):
                yield Button(Content("No"), id="no", compact=True)
                yield Button(Content(self._yes), id="yes", variant="error", compact=True)
        yield KeyBar()

    def on_resize(self) -> None:
        self.call_after_refresh(self._scrolled.leave_room)

    def on_mount(self) -> None:
        self.query_one("#no").focus()

    @on(Button.Pressed, "#yes")
    @on(Yes)
    def _confirmed(self) -> None:
        self.leave(True)

    @on(Button.Pressed, "#no")
    @on(No)
    def _declined(self) -> None:
        self.leave(False)
