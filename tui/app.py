"""The console."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.theme import Theme

from tui.screens.main import MainScreen

THEME = Theme(
    name="virt-jobs",
    primary="#5fafd7",
    secondary="#87afaf",
    accent="#ffaf5f",
    foreground="#d7dae0",
    background="#12151c",
    surface="#12151c",
    panel="#1c212b",
    success="#87d787",
    warning="#ffd75f",
    error="#ff6f6f",
    dark=True,
)


class Console(App[None]):
    """Watches hypervisors, and offers what can be done to their domains."""

    TITLE = "virt-jobs"
    CSS_PATH = Path(__file__).parent / "styles" / "console.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "Quit", id="quit", tooltip="Quit; every job goes on"),
    ]

    def __init__(self, uris: list[str], readonly: bool = False) -> None:
        super().__init__()
        self._uris = uris
        self._readonly = readonly
        self.register_theme(THEME)
        self.theme = THEME.name

    def get_default_screen(self) -> Screen[None]:
        return MainScreen(self._uris, self._readonly)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        yield SystemCommand("Theme", "Choose other colours", self.action_change_theme)
        yield SystemCommand("Quit", "Quit; every job goes on", self.action_quit)
