"""Screens that offer commands: their own, and those of the panes that they are composed of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import ClassVar, Protocol, TypeVar

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.markup import escape
from textual.message import Message
from textual.screen import Screen, ScreenResultType
from textual.widget import Widget

from tui.commands.commands import Command

Result = TypeVar("Result")


class CommandPane(Protocol):
    """A part of a screen with commands of its own. Their keys work wherever the focus is."""

    OFFERS: ClassVar[tuple[type[Command], ...]]

    def has_key(self, command: type[Command]) -> bool:
        """Whether the command's key belongs to it at this moment."""

    def do_at_once(self, command: type[Command]) -> None:
        """Do a command whose `at_once` is set."""

    def post_message(self, message: Message) -> bool:
        """Take a command to handle; every widget has this."""


class OfferedCommands(Provider):
    """The commands of the screen below, for the palette."""

    async def discover(self) -> Hits:
        for command, post, key in self._offers():
            yield DiscoveryHit(escape(command.label), post, help=escape(f"{key} · {command.help()}"))

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command, post, key in self._offers():
            text = escape(f"{command.label}: {command.help()}")
            if (score := matcher.match(text)) > 0:
                yield Hit(score, matcher.highlight(text), post, help=escape(key))

    def _offers(self) -> Iterator[tuple[type[Command], Callable[[], None], str]]:
        """Each command that has a key now, what does it, and that key, with the reason if it is refused."""
        screen = self.screen
        if not isinstance(screen, OfferingScreen):
            return
        keys = {
            active.binding.id: screen.app.get_key_display(active.binding)
            for active in reversed(screen.active_bindings.values())
        }
        for command in screen.OFFERS:
            if (key := keys.get(command.id())) is not None:
                reason = screen.refusal(command)
                yield command, partial(screen.offer, command), f"{key} · not now: {reason}" if reason else key


class OfferingScreen(Screen[ScreenResultType]):
    """Posts each command to the pane that has it, or to itself, and says why a command is refused."""

    OFFERS: ClassVar[tuple[type[Command], ...]] = ()
    COMMANDS: ClassVar = {OfferedCommands}
    PARTS: ClassVar[tuple[type[Widget], ...]] = ()
    """Widgets with keys of their own, for the help."""

    @property
    def panes(self) -> Sequence[CommandPane]:
        """The panes with commands of their own."""
        return ()

    def refusal(self, command: type[Command]) -> str | None:
        """Why `command` cannot be done now; None if it can."""
        return None

    def offer(self, command: type[Command]) -> None:
        """Do `command`, or say why not."""
        pane = self._pane_of(command)
        if reason := self.refusal(command):
            self.refuse(reason)
        elif pane is not None and command.at_once:
            pane.do_at_once(command)
        else:
            (pane or self).post_message(self.made(command))

    def made(self, command: type[Command]) -> Command:
        """The command for the current state: the cursor may have moved by the time it is handled."""
        return command()

    def has_key(self, command: type[Command]) -> bool:
        """Whether the key of a command of the screen's own belongs to it at this moment."""
        return True

    def leave(self, result: ScreenResultType | None = None) -> None:
        """Close this screen with `result`, and all above it. Only once: a key may be pressed twice."""
        if self not in self.app.screen_stack:
            return
        while self.app.screen is not self:
            self.app.pop_screen()
        self.dismiss(result)

    def open(self, screen: Screen[Result], then: Callable[[Result | None], None] | None = None) -> None:
        """Put `screen` above this one, unless another is above it already: a key may be pressed twice."""
        if self.is_active:
            self.app.push_screen(screen, then)

    def refuse(self, reason: str) -> None:
        self.notify(reason, severity="warning", markup=False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action != "command":
            return True
        command = self._command(str(parameters[0]))
        pane = self._pane_of(command)
        return pane.has_key(command) if pane is not None else self.has_key(command)

    def action_command(self, command_id: str) -> None:
        if self.is_mounted:  # Keys arrive as soon as the screen is pushed.
            self.offer(self._command(command_id))

    def refuses(self, command_id: str | None) -> bool:
        """Whether the command of that id, if it is one of these, is refused now; its key still says why."""
        return any(command.id() == command_id and self.refusal(command) is not None for command in self.OFFERS)

    def _command(self, command_id: str) -> type[Command]:
        return next(command for command in self.OFFERS if command.id() == command_id)

    def _pane_of(self, command: type[Command]) -> CommandPane | None:
        return next((pane for pane in self.panes if command in pane.OFFERS), None)


def heading(*parts: str) -> Content:
    """A title made of texts from anywhere."""
    return Content(" · ".join(part for part in parts if part))
