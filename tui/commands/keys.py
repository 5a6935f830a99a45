"""The keys that texts name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from textual.binding import Binding

from tui.commands.commands import Command
from tui.config.keys import DEFAULT_KEYS


class Keys:
    """What the first key of each command is called, as the user has mapped it; `display` names it as in the footer."""

    def __init__(self, keymap: Mapping[str, str], display: Callable[[Binding], str]) -> None:
        self._keymap = keymap
        self._display = display

    def __getitem__(self, command: type[Command]) -> str:
        return self.of(command.id())

    def of(self, binding_id: str) -> str:
        """The same of any binding."""
        first, *_ = self._keymap.get(binding_id, DEFAULT_KEYS[binding_id]).split(",")
        # One character names itself; a plus sign would be taken for what joins a key to its modifiers.
        return first if len(first) == 1 else self._display(Binding(first, "", ""))
