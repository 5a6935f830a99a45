"""An input line for a number: letters are keys of the screen."""

from __future__ import annotations

from textual.events import Key

from tui.widgets.fields import TextField

_CHARACTERS = "+-0123456789"


class NumberField(TextField):
    """Takes what a number is made of."""

    def __init__(self, id: str) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id, type="integer", compact=True)
        self.cursor_blink = False

    def check_consume_key(self, key: str, character: str | None) -> bool:
        return character is not None and character in _CHARACTERS

    async def on_key(self, event: Key) -> None:
        if event.is_printable and not self.check_consume_key(event.key, event.character):
            event.prevent_default()  # An Input would keep it from the screen, and then refuse it.
