"""The input line for the filter."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input


class FilterLine(Input):
    """Hidden unless there is a filter or the user is typing one; submitting keeps it.

    `served` has the focus while nobody types. One that does not stay is hidden as well once its text is kept.
    """

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

    def __init__(self, placeholder: str, served: Widget, stays: bool = True) -> None:
        super().__init__(placeholder=placeholder, id="filter", compact=True)
        self._served = served
        self._stays = stays
        self.cursor_blink = False

    @property
    def typing(self) -> bool:
        """Whether somebody types here: a slash is a character like any other then."""
        return self.screen.focused is self

    def open(self) -> None:
        """Let the user type."""
        self.display = True
        self.screen.set_focus(self)

    def clear_and_close(self) -> None:
        """Show everything again."""
        self.value = ""
        self._close()

    async def action_submit(self) -> None:
        self._close()
        await super().action_submit()

    def _close(self) -> None:
        self.display = self._stays and bool(self.value.strip())
        # The keys that lead here have priority: those that are typed after them are meant for what is filtered.
        self.screen.set_focus(self._served)
