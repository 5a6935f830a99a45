"""The help: the keys of the screen below, what signs mean, and the keys of all other screens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen, Screen

from tui.commands.commands import ClearFilter, Close, Command, Filter, Help
from tui.commands.offering import CommandPane, OfferingScreen, heading
from tui.screens.help_sections import sections
from tui.widgets.filter_line import FilterLine
from tui.widgets.help_pane import HelpPane
from tui.widgets.key_bar import KeyBar


class HelpScreen(OfferingScreen[None], ModalScreen[None]):
    """Made from the live bindings of the screen below, and what the others declare."""

    OFFERS = (Filter, ClearFilter, Close, Help)
    BINDINGS: ClassVar[list[BindingType]] = [
        Filter.binding(),
        ClearFilter.binding(),
        Close.binding(),
        replace(Help.binding(), show=False),
    ]

    def __init__(self, below: Screen[Any]) -> None:
        super().__init__()
        self._pane = HelpPane(sections(below))

    def compose(self) -> ComposeResult:
        with Vertical(classes="panel", id="help") as panel:
            panel.border_title = heading("Keys")
            yield self._pane
        yield KeyBar()

    @property
    def panes(self) -> Sequence[CommandPane]:
        return (self._pane,)

    def has_key(self, command: type[Command]) -> bool:
        # While someone types a filter, the keys of these are characters like any other.
        return not isinstance(self.focused, FilterLine)

    @on(Close)
    @on(Help)
    def _close(self, event: Command) -> None:
        event.stop()  # The help of a screen below would open again.
        self.leave(None)
