"""The fields of forms. They take keys in the order in which these come, however fast that is."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from tui.terminal.private_textual import pass_on


async def take_in_order(field: Widget, event: events.Key) -> None:
    """Do at once what Tab and the field's own keys are for, and pass on what is typed after Tab.

    Textual inserts text as soon as it comes; what bindings do, such as those of Ctrl-U, Space and Tab, it does later,
    when the key has bubbled up. What is typed right after such a key would be deleted, or go to the wrong field.
    """
    focused = field.screen.focused
    if focused is not None and focused is not field:
        pass_on(event, focused)
    elif event.key == "tab":
        field.screen.focus_next()
    elif event.key == "shift+tab":
        field.screen.focus_previous()
    elif (action := _action_of(field, event.key)) is not None:
        await field.run_action(action)
    else:
        return
    event.stop()
    event.prevent_default()


def _action_of(field: Widget, key: str) -> str | None:
    bindings = (binding for binding in field.BINDINGS if isinstance(binding, Binding))
    return next((binding.action for binding in bindings if key in binding.key.split(",")), None)


class TextField(Input, inherit_bindings=False):
    """A line of text. It does not scroll up and down: the keys for that are its panel's."""

    BINDINGS: ClassVar[list[BindingType]] = Input.BINDINGS

    async def on_key(self, event: events.Key) -> None:
        await take_in_order(self, event)
