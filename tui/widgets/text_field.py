"""A line of text in a form."""

from __future__ import annotations

from textual import events
from textual.widgets import Input

from tui.terminal.private_textual import pass_on


class TextField(Input):
    """Is left by Tab at once: what is typed after that, however fast, is meant for the next field."""

    async def _on_key(self, event: events.Key) -> None:
        focused = self.screen.focused
        if focused is not None and focused is not self:
            pass_on(event, focused)
        elif event.key == "tab":
            event.stop()
            self.screen.focus_next()
        elif event.key == "shift+tab":
            event.stop()
            self.screen.focus_previous()
        else:
            await super()._on_key(event)
