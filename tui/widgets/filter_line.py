"""Where the words of a filter are typed."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input


class FilterLine(Input):
    """Hidden while there is no filter and nobody types one; submitted when it is to be kept."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter", "submit", "Keep", priority=True, id="keep-filter", tooltip="Keep the filter and go to the domains"
        ),
        Binding("down", "submit", show=False),
    ]

    def __init__(self, id: str | None = None) -> None:
        super().__init__(placeholder="words of a name, a state or a job; ! before them inverts", id=id, compact=True)
        self.cursor_blink = False

    async def action_submit(self) -> None:
        # With the key's priority, whatever is typed after it is meant for the domains already.
        self.screen.set_focus(None)
        await super().action_submit()
