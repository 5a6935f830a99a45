"""A text and the line to search it with."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from tui.commands.commands import Command
from tui.commands.texts import CopyText, EndSearch, NextMatch, PreviousMatch, Search
from tui.widgets.clipboard import copy
from tui.widgets.filter_line import FilterLine
from tui.widgets.text_view import TextView


class TextPane(Vertical):
    """Searches and copies."""

    OFFERS: ClassVar[tuple[type[Command], ...]] = (Search, NextMatch, PreviousMatch, EndSearch, CopyText)

    def __init__(self, grows: bool) -> None:
        super().__init__()
        self.view = TextView(grows, id="text")
        self._line = FilterLine("text to search for; Enter keeps it", self.view, stays=False)

    def compose(self) -> ComposeResult:
        yield self.view
        yield self._line

    @property
    def typing(self) -> bool:
        """Whether somebody types what to search for."""
        return self._line.typing

    @property
    def searching(self) -> bool:
        """Whether a text is searched for."""
        return bool(self._line.value)

    def has_key(self, command: type[Command]) -> bool:
        return self.typing or self.searching if command is EndSearch else not self.typing

    def do_at_once(self, command: type[Command]) -> None:
        if command is Search:
            self._line.open()

    @on(FilterLine.Changed)
    def _search(self, event: FilterLine.Changed) -> None:
        self.view.search(event.value)
        self.screen.refresh_bindings()

    @on(EndSearch)
    def _end_search(self) -> None:
        self._line.clear_and_close()

    @on(NextMatch)
    def _next_match(self) -> None:
        self.view.go_to_match(1)

    @on(PreviousMatch)
    def _previous_match(self) -> None:
        self.view.go_to_match(-1)

    @on(CopyText)
    def _copy_text(self) -> None:
        lines = self.view.lines
        number = "1 line" if len(lines) == 1 else f"{len(lines)} lines"
        copy(self, "\n".join(lines), number, "text")
