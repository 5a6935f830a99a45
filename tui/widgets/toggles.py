"""Choices whose marks tell without colour."""

from __future__ import annotations

from textual.widgets import Checkbox, RadioButton


class Check(Checkbox):
    """``[x]`` or ``[ ]``."""

    BUTTON_LEFT = BUTTON_RIGHT = ""

    @property
    def BUTTON_INNER(self) -> str:  # type: ignore[override]
        return "[x]" if self.value else "[ ]"


class Radio(RadioButton):
    """``(•)`` or ``( )``."""

    BUTTON_LEFT = BUTTON_RIGHT = ""

    @property
    def BUTTON_INNER(self) -> str:  # type: ignore[override]
        return "(•)" if self.value else "( )"
