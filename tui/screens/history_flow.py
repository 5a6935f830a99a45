"""The history, which is loaded when it is first opened: few need it, and everyone waits for the start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.commands.offering import OfferingScreen
from tui.session.session import Session

if TYPE_CHECKING:
    from tui.screens.history import HistoryScreen


class HistoryFlow:
    """Opens it above `screen`."""

    def __init__(self, screen: OfferingScreen[None], session: Session) -> None:
        self._screen = screen
        self._session = session
        self._history: HistoryScreen | None = None
        """While it is open."""

    def show(self) -> None:
        """Show the history."""
        from tui.screens.history import HistoryScreen

        if self._history is None and self._screen.is_active:
            self._history = HistoryScreen(self._session.host_name, lambda: self._session.memory.trouble)
            self._screen.open(self._history, self._left)

    def remembered(self) -> None:
        """This console has learned something of a job."""
        if self._history is not None:
            self._history.remembered()

    def _left(self, _: None) -> None:
        self._history = None
