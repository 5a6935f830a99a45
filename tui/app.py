"""The console."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on
from textual._context import active_message_pump
from textual.app import App, ScreenError, SystemCommand
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.dom import NoScreen
from textual.filter import ANSIToTruecolor, LineFilter, NoColor
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.theme import ThemeProvider
from textual.widget import Widget
from textual.worker import WorkerFailed, get_current_worker

from backend.log import internal_error
from tui.commands.keys import Keys
from tui.config.values import Config
from tui.screens.confirm import ConfirmScreen
from tui.screens.main import MainScreen
from tui.screens.palette import Palette
from tui.session.waits import WaitEnded
from tui.terminal import notify, themes
from tui.terminal.ascii_filter import AsciiFilter
from tui.terminal.encoding import blocks_fit
from tui.terminal.ending import end_in_order

logger = logging.getLogger(__name__)


class Console(App[None]):
    """Watches hypervisors, and offers what can be done to their domains."""

    TITLE = "virt-jobs"
    CSS_PATH = Path(__file__).parent / "styles" / "console.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "Quit", id="quit", tooltip="Quit; every job goes on"),
        Binding("ctrl+q", "quit", show=False, priority=True, tooltip="Quit; every job goes on"),
        Binding(
            "ctrl+p", "command_palette", show=False, priority=True, tooltip="Find any command or domain by its name"
        ),
    ]

    def __init__(self, uris: list[str], readonly: bool = False, config: Config | None = None) -> None:
        super().__init__()
        self._uris = uris
        self._readonly = readonly
        self._config = config or Config()
        self._quit_question: ConfirmScreen | None = None
        utf8 = blocks_fit(sys.__stderr__ or sys.stderr)
        ascii_only = not utf8 if self._config.ascii == "auto" else self._config.ascii
        # Under NO_COLOR Textual would still write greys, which may be black on black.
        self._last_filters: list[LineFilter] = [NoColor()] if self.no_color else []
        if ascii_only:
            self._last_filters.append(AsciiFilter(utf8))
        for theme in themes.OURS:
            self.register_theme(theme)
        self.theme = self._config.theme
        self.set_keymap(dict(self._config.keymap))

    def get_line_filters(self) -> Sequence[LineFilter]:
        # Nothing here is painted in colours that would have to be translated, and looking at every cell takes its time.
        others = (filter for filter in super().get_line_filters() if not isinstance(filter, ANSIToTruecolor))
        return [*others, *self._last_filters]

    def get_key_display(self, binding: Binding) -> str:
        # Textual's sign for it is in few fonts, and not in ASCII.
        return "enter" if binding.key == "enter" else super().get_key_display(binding)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return themes.variables(self.current_theme)

    def get_css_variables(self) -> dict[str, str]:
        self.theme_variables = themes.readable(self.current_theme, super().get_css_variables())
        return self.theme_variables

    def get_default_screen(self) -> Screen[None]:
        return MainScreen(self._uris, self._readonly, self._config, Keys(self._config.keymap, self.get_key_display))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        yield SystemCommand("Theme", "Choose other colours", self.action_change_theme)
        yield SystemCommand("Quit", "Quit; every job goes on", self.action_quit)

    def _handle_exception(self, error: Exception) -> None:
        # What still works on a screen that was left, or is left because it was told to exit, misses widgets.
        failed = error if isinstance(error, WorkerFailed) else None
        cause = failed.error if failed else error
        node = get_current_worker().node if failed else active_message_pump.get(self)
        if not self._shows(node) and isinstance(cause, NoMatches | NoScreen | ScreenError | LookupError):
            logger.debug("a screen that was left failed", exc_info=cause)
        elif self.is_headless:
            super()._handle_exception(error)  # The tests' own: they are to see it.
        else:
            self._report(internal_error(cause).message, goes_on=failed is not None)

    def _report(self, problem: str, goes_on: bool) -> None:
        """Show what a worker failed with; where a part of the screen failed, which then hears no key, end with it."""
        if goes_on:
            self.notify(problem, severity="error", markup=False)
        else:
            self.exit(return_code=1, message=Text(f"virt-jobs: {problem}"))

    def _shows(self, node: MessagePump) -> bool:
        """Whether that is, or is part of, what is shown or lies below it, and stays."""
        if self.return_code is not None:
            return False
        return not isinstance(node, Widget) or any(one in self.screen_stack for one in node.ancestors_with_self)

    def search_themes(self) -> None:
        self.push_screen(Palette(providers=[ThemeProvider], placeholder="words of a theme's name"))

    def on_load(self) -> None:
        if not self.is_headless:
            end_in_order(lambda code: self.exit(return_code=code))

    def action_command_palette(self) -> None:
        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(placeholder="words of a command, or a domain's name"))

    async def action_quit(self) -> None:
        main, *above = self.screen_stack
        if self._quit_question in above:
            return  # The key was pressed twice.
        queued = len(main.waits.queued) if isinstance(main, MainScreen) else 0
        if not queued:
            self.exit()
            return
        dumps = "A dump is queued here and was" if queued == 1 else f"{queued} dumps are queued here and were"
        question = f"{dumps} not started yet.\nWhat runs goes on; what is queued is dropped."
        self._quit_question = ConfirmScreen("Quit", question, "Quit")
        self.push_screen(self._quit_question, lambda confirmed: self.exit() if confirmed else None)

    @on(WaitEnded)
    def _wait_ended(self, event: WaitEnded) -> None:
        outcome = event.waiting.outcome
        if outcome is None:
            return
        wanted = self._config.notifications
        if self._driver is not None and not self.is_headless:
            # The driver's own thread writes it, between two paintings.
            self._driver.write(notify.signal(outcome, wanted))
        try:
            notify.run(wanted.on_end, outcome, event.waiting.host.uri)
        except (OSError, ValueError) as error:
            self.notify(f"on_end could not be run: {error}", severity="error", markup=False)
