"""The input line for the filter."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input


class FilterLine(Input):
    """Hidden unless there is a filter or the user is typing one; submitting keeps it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter",
            "submit",
            "Keep",
            priority=True,
            id="keep-filter",
            tooltip="Keep the filter and leave its line",
        ),
        Binding("down", "submit", show=False),
    ]

    def __init__(self, placeholder: str, id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(placeholder=placeholder, id=id, compact=True)
        self.cursor_blink = False

    async def action_submit(self) -> None:
        # The key has priority: keys typed after it are meant for the domains.
        self.screen.set_focus(None)
        await super().action_submit()
