"""The console."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ScreenError, SystemCommand
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.css.query import NoMatches
from textual.dom import DOMNode, NoScreen
from textual.events import Event, Key
from textual.filter import ANSIToTruecolor, LineFilter, NoColor
from textual.message import Message
from textual.message_pump import MessagePump
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.theme import ThemeProvider
from textual.timer import Timer
from textual.widget import Widget

from backend.log import internal_error
from tui.commands.keys import Keys
from tui.config.values import Config
from tui.screens.confirm import ConfirmScreen
from tui.screens.main import MainScreen
from tui.screens.palette import Palette
from tui.session.activity_log import Tone
from tui.session.flash import Flash
from tui.terminal import notify, themes
from tui.terminal.ascii_filter import AsciiFilter
from tui.terminal.encoding import blocks_fit, has_colours, letters_fit
from tui.terminal.ending import end_in_order
from tui.terminal.failures import Failures
from tui.terminal.notify import Notice
from tui.terminal.private_textual import OpenApp
from tui.widgets.flash_line import FlashLine

logger = logging.getLogger(__name__)

_TONES: Mapping[SeverityLevel, Tone] = {"information": Tone.QUIET, "warning": Tone.WARNING, "error": Tone.ERROR}


class Console(OpenApp):
    """The application: one main screen on all hosts."""

    TITLE = "virt-jobs"
    CSS_PATH = Path(__file__).parent / "styles" / "console.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "Quit", id="quit", tooltip="Quit; jobs continue"),
        Binding("ctrl+q", "quit", show=False, priority=True, tooltip="Quit; jobs continue"),
        Binding("ctrl+l", "redraw", show=False, priority=True, tooltip="Draw the whole screen again"),
        Binding("ctrl+p", "command_palette", show=False, priority=True, tooltip="Find a command or a domain by name"),
    ]

    @dataclass
    class Flashed(Message):
        """There is something to say to the user."""

        text: str
        tone: Tone
        seconds: float

    def __init__(self, uris: list[str], readonly: bool = False, config: Config | None = None) -> None:
        if not has_colours():
            os.environ.setdefault("NO_COLOR", "1")  # Textual takes it out again.
        super().__init__()
        self._uris = uris
        self._readonly = readonly
        self._config = config or Config()
        self._quit_question: ConfirmScreen | None = None
        self._failures = Failures()
        self._flash = Flash()
        self._flash_timer: Timer | None = None
        terminal = sys.__stderr__ or sys.stderr
        ascii_only = not blocks_fit(terminal) if self._config.ascii == "auto" else self._config.ascii
        # Under NO_COLOR Textual would still write greys, which may be black on black.
        self._last_filters: list[LineFilter] = [NoColor()] if self.no_color else []
        if ascii_only:
            self._last_filters.append(AsciiFilter(letters_fit(terminal)))
        for theme in themes.OURS:
            self.register_theme(theme)
        self.theme = self._config.theme
        self.set_keymap(self._config.custom_keys)

    def suit_colours(self) -> None:
        """Use a theme that can be read in the colours that the terminal has."""
        self.theme = themes.for_colours(self.theme, self.console.color_system)

    def get_line_filters(self) -> Sequence[LineFilter]:
        # No colour here needs translation, and looking for one in every cell takes time.
        filters = (item for item in super().get_line_filters() if not isinstance(item, ANSIToTruecolor))
        return [*filters, *self._last_filters]

    def get_key_display(self, binding: Binding) -> str:
        # Few fonts have Textual's symbol, and ASCII does not.
        return "enter" if binding.key == "enter" else super().get_key_display(binding)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return themes.variables(self.current_theme)

    def get_css_variables(self) -> dict[str, str]:
        self.theme_variables = themes.readable(self.current_theme, super().get_css_variables())
        return self.theme_variables

    def get_default_screen(self) -> Screen[None]:
        return MainScreen(self._uris, self._readonly, self._config, Keys(self._config.keymap, self.get_key_display))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        yield SystemCommand("Theme", "Choose the colours", self.action_change_theme)
        if isinstance(main := self.screen_stack[0], MainScreen):
            shown = "Dumps that an earlier console queued and never began"
            yield SystemCommand("Queued dumps", shown, main.left_queue.show)
        yield SystemCommand("Quit", "Quit; jobs continue", self.action_quit)

    def handle_failure(self, error: Exception, node: MessagePump) -> bool:
        # Something that still works on a screen that was left, or is left because the console exits, misses widgets.
        if not self._shows(node) and isinstance(error, NoMatches | NoScreen | ScreenError | LookupError):
            logger.debug("a screen that was left failed", exc_info=error)
        elif self.fail_at_once:
            return False
        else:
            self._survive(error, node)
        return True

    @property
    def fail_at_once(self) -> bool:
        """Whether an unexpected exception ends the console with a traceback: a test should see it."""
        return self.is_headless

    def _survive(self, error: Exception, node: MessagePump) -> None:
        """Show the exception in one line, and close the screen that failed. If nothing can be shown, exit with it."""
        problem = internal_error(error)
        main, above = next(iter(self.screen_stack), None), self.screen_stack[1:]
        if self._failures.add() or self.return_code is not None or not isinstance(main, MainScreen):
            self.exit(return_code=os.EX_SOFTWARE, message=Text(f"virt-jobs: {problem.message}"))
            return
        main.session.internal_error("console", problem)
        self.screen.refresh()  # If it was the painting that failed, the rest of that frame was not painted either.
        failed = [part for part in node.ancestors_with_self if part in above] if isinstance(node, Widget) else []
        for screen in failed:
            self.call_later(self._close, screen)

    def _close(self, screen: DOMNode) -> None:
        """Close a screen and those above it."""
        while screen in self.screen_stack:
            self.pop_screen()

    async def on_event(self, event: Event) -> None:
        if isinstance(event, Key):
            self._failures.forget()
        await super().on_event(event)

    def _shows(self, node: MessagePump) -> bool:
        """Whether the node is, or belongs to, a screen of a console that does not exit."""
        if self.return_code is not None:
            return False
        return not isinstance(node, Widget) or any(part in self.screen_stack for part in node.ancestors_with_self)

    def show_slow(self, slow: bool) -> None:
        main = next(iter(self.screen_stack), None)
        if isinstance(main, MainScreen):
            main.show_slow_terminal(slow)

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Say it in the flash line and in the activity, from any thread. An error stays longer."""
        text = Content.from_markup(message).plain if markup else message
        seconds = self.NOTIFICATION_TIMEOUT * (2 if severity == "error" else 1) if timeout is None else timeout
        introduction = title if not title or title.endswith("?") else f"{title}:"
        whole = " ".join(f"{introduction} {text}".split())
        self.post_message(self.Flashed(whole, _TONES[severity], seconds))

    @on(Flashed)
    def _flashed(self, event: Flashed) -> None:
        self._flash.add(event.text, event.tone, event.seconds)
        self._show_flash()
        main = next(iter(self.screen_stack), None)
        if isinstance(main, MainScreen):
            main.flashed(event.text, event.tone)

    @on(FlashLine.Mounted)
    def _flash_line_mounted(self, event: FlashLine.Mounted) -> None:
        event.line.show(self._flash.shown)

    def _show_flash(self) -> None:
        """Show what there is to say, and again as soon as there is less."""
        shown = self._flash.shown
        for screen in self.screen_stack:
            for line in screen.query(FlashLine):
                line.show(shown)
        if self._flash_timer is not None:
            self._flash_timer.stop()
        seconds = self._flash.seconds
        self._flash_timer = self.set_timer(seconds, self._show_flash) if seconds is not None else None

    def action_redraw(self) -> None:
        self.frames.redraw()
        self.screen.refresh()

    def search_themes(self) -> None:
        self.push_screen(Palette(providers=[ThemeProvider], placeholder="theme name"))

    def on_load(self) -> None:
        if not self.is_headless:
            end_in_order(lambda code: self.exit(return_code=code))

    def action_command_palette(self) -> None:
        if not isinstance(self.screen, Palette):
            self.push_screen(Palette(placeholder="command or domain name"))

    async def action_quit(self) -> None:
        main, *above = self.screen_stack
        if self._quit_question in above:
            return  # The key was pressed twice.
        queued = len(main.session.waits.queued) if isinstance(main, MainScreen) else 0
        if not isinstance(main, MainScreen) or not queued:
            self.exit()
            return

        def answered(confirmed: bool | None) -> None:
            if confirmed:
                main.session.cancel_queued()
                self.exit()

        dumps = "One dump is queued." if queued == 1 else f"{queued} dumps are queued."
        question = f"{dumps}\nRunning dumps continue; queued dumps will be cancelled."
        self._quit_question = ConfirmScreen("Quit", question, "Quit")
        self.push_screen(self._quit_question, answered)

    @on(MainScreen.WaitEnded)
    def _wait_ended(self, event: MainScreen.WaitEnded) -> None:
        outcome = event.wait.outcome
        if outcome is None:
            return
        self._tell_that_it_ended(notify.of_outcome(outcome, event.wait.host.uri))

    @on(MainScreen.CommandEnded)
    def _command_ended(self, event: MainScreen.CommandEnded) -> None:
        self._tell_that_it_ended(notify.of_command(event.record))

    def _tell_that_it_ended(self, notice: Notice) -> None:
        settings = self._config.notifications
        self.write_to_terminal(notify.signal(notice, settings))
        try:
            notify.run(settings.on_end, notice)
        except (OSError, ValueError) as error:
            self.notify(f"on_end could not be run: {error}", severity="error", markup=False)
