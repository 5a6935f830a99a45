"""The command palette: finds commands and domains by name, at once with every letter.

Textual's own searches in the background: Enter after quick typing would do what was found for other letters.
"""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from tui.commands.finding import Entry, Finder
from tui.words.cells import fit, width

NAME = 12
"""Cells that a name has at least."""


class Palette(ModalScreen[None]):
    """Does what is chosen after it has closed. Enter without a text or a choice does nothing."""

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close"),
        Binding("down,ctrl+n", "move('cursor_down')", "Next"),
        Binding("up", "move('cursor_up')", "Previous"),
        Binding("pagedown", "move('page_down')", "Next page"),
        Binding("pageup", "move('page_up')", "Previous page"),
    ]

    def __init__(self, finder: Finder, placeholder: str) -> None:
        super().__init__()
        self._finder = finder
        self._input = Input(placeholder=placeholder, compact=True)
        self._input.cursor_blink = False
        self._list = OptionList(compact=True)
        self._list.can_focus = False
        self._found: list[Entry] = []
        self._found_for: str | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="panel", id="palette"):
            yield self._input
            yield self._list

    def on_mount(self) -> None:
        self._find()

    def on_key(self, event: Key) -> None:
        """A key that comes before the line has the focus is meant for it."""
        if self.focused is not None:
            return
        if event.key == "enter":
            self._choose()
        elif event.is_printable and event.character is not None:
            self._input.value += event.character
            self._input.cursor_position = len(self._input.value)
        else:
            return
        event.stop()

    async def action_move(self, action: str) -> None:
        await self.app.run_action(action, self._list)

    @on(Input.Changed)
    def _find(self) -> None:
        """Show what is found for the text; the first of it is highlighted, unless there is no text."""
        text = self._input.value
        if text == self._found_for:
            return
        self._found_for, self._found = text, self._finder.find(text)
        names = max((width(entry.name) for entry in self._found), default=0)
        self._list.clear_options()
        self._list.add_options([Option(_line(entry, max(NAME, min(names, 30)))) for entry in self._found])
        if not self._found:
            self._list.add_option(Option(Content.styled("nothing is called that", "$foreground-muted"), disabled=True))
        self._list.highlighted = 0 if self._found and text.strip(" :") else None

    @on(Input.Submitted)
    def _choose(self) -> None:
        self._find()
        if self._found and self._list.highlighted is not None:
            self._do(self._found[self._list.highlighted])

    @on(OptionList.OptionSelected)
    def _clicked(self, event: OptionList.OptionSelected) -> None:
        self._do(self._found[event.option_index])

    def _do(self, entry: Entry) -> None:
        if self.is_current:  # A key may be pressed twice.
            self.dismiss()
            self.app.call_later(entry.act)

    def action_close(self) -> None:
        if self.is_current:
            self.dismiss()


def _line(entry: Entry, cells: int) -> Content:
    return Content.assemble((fit(entry.name, cells), "bold"), "  ", (entry.about, "$foreground-muted"))
