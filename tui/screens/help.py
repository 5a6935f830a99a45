"""All keys, as they are bound now."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from tui.commands import Back, Help
from tui.screens.offering import OfferingModal, heading
from tui.widgets.key_bar import KeyBar


class HelpScreen(OfferingModal[None]):
    """Made from the live bindings of the screen below."""

    OFFERS = (Back,)
    BINDINGS: ClassVar[list[BindingType]] = [*(command.binding() for command in OFFERS), Help.binding()]

    def __init__(self, below: Screen[Any]) -> None:
        super().__init__()
        self._lines = keys(below)

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="panel", id="help") as panel:
            panel.border_title = heading("Keys")
            yield Static(self._lines)
        yield KeyBar()

    @on(Back)
    @on(Help)
    def _back(self) -> None:
        self.dismiss(None)


def keys(screen: Screen[Any]) -> Content:
    """The keys that do something on `screen`, one action a line, with what it does."""
    actions: dict[str, tuple[list[str], str]] = {}
    for _, binding, _, tooltip in screen.active_bindings.values():
        if words := tooltip or binding.description:
            display, _ = actions.setdefault(binding.action, ([], words))
            display.append(screen.app.get_key_display(binding))
    column = max((len(" ".join(display)) for display, _ in actions.values()), default=0) + 2
    lines = [
        Content.assemble((" ".join(display).ljust(column), "bold $accent"), words)
        for display, words in actions.values()
    ]
    return Content("\n").join(lines)
