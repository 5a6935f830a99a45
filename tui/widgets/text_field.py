"""A line of text in a form."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widgets import Input

from tui.terminal.private_textual import pass_on


class TextField(Input, inherit_bindings=False):
    """Takes keys in the order in which they come, however fast, and is left by Tab at once.

    Textual inserts what is typed as soon as it comes; what bindings do, such as Ctrl-U and Tab, it does later, when
    the key has bubbled up. Text that was typed right after such a key would be deleted, or go to the wrong field.

    A line does not scroll up and down: the keys for that are its panel's.
    """

    BINDINGS: ClassVar[list[BindingType]] = Input.BINDINGS

    async def on_key(self, event: events.Key) -> None:
        focused = self.screen.focused
        if focused is not None and focused is not self:
            pass_on(event, focused)
        elif event.key == "tab":
            self.screen.focus_next()
        elif event.key == "shift+tab":
            self.screen.focus_previous()
        elif event.key in _ACTIONS:
            await self.run_action(_ACTIONS[event.key])
        else:
            return
        event.stop()
        event.prevent_default()


_ACTIONS = {
    key: binding.action for binding in Input.BINDINGS if isinstance(binding, Binding) for key in binding.key.split(",")
}
