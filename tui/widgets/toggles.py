"""Choices whose marks tell without colour."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widgets import Checkbox, RadioButton, RadioSet

from tui.widgets.fields import take_in_order


class Check(Checkbox):
    """``[x]`` or ``[ ]``."""

    BUTTON_LEFT = BUTTON_RIGHT = ""

    @property
    def BUTTON_INNER(self) -> str:  # type: ignore[override]
        return "[x]" if self.value else "[ ]"

    async def on_key(self, event: events.Key) -> None:
        await take_in_order(self, event)


class Radio(RadioButton):
    """``(•)`` or ``( )``."""

    BUTTON_LEFT = BUTTON_RIGHT = ""

    @property
    def BUTTON_INNER(self) -> str:  # type: ignore[override]
        return "(•)" if self.value else "( )"


class Choice(RadioSet, inherit_bindings=False):
    """A set of radio buttons. Moving chooses: the highlighted button is always the chosen one.

    It does not scroll by itself: the keys for that are its panel's.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,space", "toggle_button", show=False),
        Binding("down,right,j", "choose_next", show=False),
        Binding("up,left,k", "choose_previous", show=False),
    ]

    async def on_key(self, event: events.Key) -> None:
        await take_in_order(self, event)

    @property
    def highlighted(self) -> RadioButton | None:
        """The button that the user has moved to, and thereby chosen: it is pressed only when messages have arrived."""
        return next((button for button in self.query(RadioButton) if button.has_class("-selected")), None)

    def begin_at_chosen(self) -> None:
        """Highlight the one that is chosen at first; for when all are mounted."""
        chosen = self.pressed_button
        while chosen is not None and not chosen.has_class("-selected"):
            self.action_next_button()

    def action_choose_next(self) -> None:
        self.action_next_button()
        self.action_toggle_button()

    def action_choose_previous(self) -> None:
        self.action_previous_button()
        self.action_toggle_button()
