"""From the commands to read about a domain to the screens that show it."""

from __future__ import annotations

from tui.commands.offering import OfferingScreen
from tui.session.rows import Row
from tui.session.session import Session


class TextFlow:
    """Opens them above `screen`. Their modules are loaded then: few need them, and everyone waits for the start."""

    def __init__(self, screen: OfferingScreen[None], session: Session) -> None:
        self._screen = screen
        self._session = session

    def show_log(self, row: Row) -> None:
        """Show the log of the row's domain."""
        from tui.screens.text import TextScreen
        from tui.session.domain_texts import LogText

        self._screen.open(TextScreen(LogText(self._session.hosts[row.uri], row.domain.key), row.domain.name))

    def show_xml(self, row: Row) -> None:
        """Show the XML of the row's domain."""
        from tui.screens.text import TextScreen
        from tui.session.domain_texts import XmlText

        self._screen.open(TextScreen(XmlText(self._session.hosts[row.uri], row.domain.key), row.domain.name))
