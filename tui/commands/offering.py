"""Screens that offer commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import ClassVar, TypeVar

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.screen import ModalScreen, Screen, ScreenResultType

from tui.commands.commands import Command

Result = TypeVar("Result")


class OfferedCommands(Provider):
    """The commands of the screen below, for the palette."""

    async def discover(self) -> Hits:
        for command, post, key in self._offers():
            yield DiscoveryHit(command.label, post, help=f"{key} · {command.help()}")

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command, post, key in self._offers():
            text = f"{command.label}: {command.help()}"
            if (score := matcher.match(text)) > 0:
                yield Hit(score, matcher.highlight(text), post, help=key)

    def _offers(self) -> Iterator[tuple[type[Command], Callable[[], None], str]]:
        """The commands that have a key now, what does each, and that key, with the reason where it is refused."""
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
    """Posts its commands to itself, and says why those that are refused are refused."""

    OFFERS: ClassVar[tuple[type[Command], ...]] = ()
    COMMANDS: ClassVar = {OfferedCommands}

    def refusal(self, command: type[Command]) -> str | None:
        """Why `command` cannot be done now; None if it can."""
        return None

    def offer(self, command: type[Command]) -> None:
        """Do `command`, or say why not."""
        if reason := self.refusal(command):
            self.refuse(reason)
        elif command.at_once:
            self.do_at_once(command)
        else:
            self.post_message(self.made(command))

    def do_at_once(self, command: type[Command]) -> None:
        """Do a command whose `at_once` is set."""

    def made(self, command: type[Command]) -> Command:
        """The command as it is meant at this very moment: what it is about may be elsewhere when it is handled."""
        return command()

    def leave(self, result: ScreenResultType | None = None) -> None:
        """End with `result`, and with what lies above. Only once: a key that is pressed twice asks twice."""
        if self not in self.app.screen_stack:
            return
        while self.app.screen is not self:
            self.app.pop_screen()
        self.dismiss(result)

    def open(self, screen: Screen[Result], then: Callable[[Result | None], None] | None = None) -> None:
        """Put `screen` above this one, unless something is there: a key that is pressed twice asks twice."""
        if self.is_active:
            self.app.push_screen(screen, then)

    def refuse(self, reason: str) -> None:
        self.notify(reason, severity="warning", markup=False)

    def action_command(self, id: str) -> None:
        if self.is_mounted:  # Keys come as soon as it was pushed.
            self.offer(self._offered(id))

    def refuses(self, id: str | None) -> bool:
        """Whether the command of that id, if it is one of these, is refused now; its key still says why."""
        return any(command.id() == id and self.refusal(command) is not None for command in self.OFFERS)

    def _offered(self, id: str) -> type[Command]:
        return next(command for command in self.OFFERS if command.id() == id)


class OfferingModal(OfferingScreen[ScreenResultType], ModalScreen[ScreenResultType]):
    """The same over another screen."""


def heading(*parts: str) -> Content:
    """A title made of texts from anywhere."""
    return Content(" · ".join(part for part in parts if part))
