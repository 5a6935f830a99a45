"""The screen of what was done here, kept up to date while it is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.commands.offering import OfferingScreen
from tui.session.deeds import Deeds

if TYPE_CHECKING:
    from tui.screens.done import DoneScreen


class DoneFlow:
    """Opens it above `screen`."""

    def __init__(self, screen: OfferingScreen[None], deeds: Deeds) -> None:
        self._screen = screen
        self._deeds = deeds
        self._open: DoneScreen | None = None

    def show(self) -> None:
        """Show what was done."""
        from tui.screens.done import DoneScreen  # Few need it, and everyone waits for the start.

        if self._open is None and self._screen.is_active:
            self._open = DoneScreen(self._deeds)
            self._screen.open(self._open, self._left)

    def refresh(self) -> None:
        """Something was done, or has a result."""
        if self._open is not None:
            self._open.show()

    def _left(self, _: None) -> None:
        self._open = None
