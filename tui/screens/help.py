"""The help: all keys with their current bindings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Static

from tui.commands.commands import Close, Command, Help
from tui.commands.offering import OfferingScreen, heading
from tui.commands.reach import scrolling
from tui.widgets.key_bar import KeyBar


class HelpScreen(OfferingScreen[None], ModalScreen[None]):
    """Made from the live bindings of the screen below."""

    OFFERS = (Close, Help)
    BINDINGS: ClassVar[list[BindingType]] = [Close.binding(), replace(Help.binding(), show=False), *scrolling()]

    def __init__(self, below: Screen[Any]) -> None:
        super().__init__()
        self._lines = keys(below)

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="panel", id="help") as panel:
            panel.border_title = heading("Keys")
            yield Static(self._lines)
        yield KeyBar()

    @property
    def main_list(self) -> Widget:
        return self.query_one("#help")

    @on(Close)
    @on(Help)
    def _close(self, event: Command) -> None:
        event.stop()  # The application would open it again.
        self.leave(None)


def keys(screen: Screen[Any]) -> Content:
    """The keys that work on `screen`, with what each does, one action per line."""
    actions: dict[str, tuple[list[str], str]] = {}
    # What the screen does comes first, then what its widgets and the application do.
    for _, binding, _, tooltip in sorted(screen.active_bindings.values(), key=lambda active: active.node is not screen):
        if tooltip and not binding.system:
            display, _ = actions.setdefault(binding.action, ([], tooltip))
            display.append(screen.app.get_key_display(binding))
    column = max((len(" ".join(display)) for display, _ in actions.values()), default=0) + 2
    lines = [
        Content.assemble((" ".join(sorted(display, key=len)).ljust(column), "bold $accent"), words)
        for display, words in actions.values()
    ]
    return Content("\n").join(lines)
