"""A table with a line of titles and a cursor, sorted by one of its columns."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from textual.message import Message
from textual.scroll_view import ScrollView

Item = TypeVar("Item")
"""What a row shows."""


class SortColumn(Protocol):
    """A column that a table can be sorted by."""

    @property
    def id(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def descending(self) -> bool:
        """Whether the largest value sorts first."""


class TableView(ScrollView, Generic[Item], can_focus=True):
    """The cursor stays on its row; until the user moves it, at the top."""

    sorted_by: str
    """The id of the column."""
    descending: bool
    _cursor: Item | None = None
    _index = 0
    """The line of the cursor, from 0."""
    _moved = False
    _origin: tuple[Item | None, int] | None = None
    """The cursor that was moved, and its line on the screen, before the filter; None if it was moved since."""

    @dataclass
    class Sorted(Message):
        """The user has chosen what to sort by."""

        table: TableView[Any]

    @property
    @abstractmethod
    def columns(self) -> Sequence[SortColumn]:
        """All columns."""

    @property
    @abstractmethod
    def shown_columns(self) -> Sequence[SortColumn]:
        """Those that have room."""

    @abstractmethod
    def sort(self, column: SortColumn, descending: bool) -> None:
        """Sort by that column. The first rows come into view; the cursor stays on its row if that is one of them."""

    @abstractmethod
    def shows(self, item: Item) -> bool:
        """Whether the filter lets it through."""

    @abstractmethod
    def action_move(self, lines: int) -> None:
        """Move the cursor by so many lines."""

    def hold(self) -> None:
        """Keep the cursor on its row from now on: the user is doing something about it."""
        self._moved, self._origin = True, None

    def _follow_filter(self, before: bool, now: bool) -> None:
        """The filter has changed; whether there was one before, and is one now.

        The cursor returns to where it was when the filter is cleared, unless the user has moved it meanwhile.
        """
        if now and not before:
            self._origin = self._cursor if self._moved else None, self._index - self.scroll_offset.y
        if now or self._origin is None:
            self._moved = True
            return
        (origin, line), self._origin = self._origin, None
        self._moved = origin is not None
        if origin is not None and self.shows(origin):
            self._cursor = origin
        self._index = self.scroll_offset.y + line

    def column(self, id: str) -> SortColumn | None:  # noqa: A002 - Textual's own name
        """The column of that id; None if there is none."""
        return next((column for column in self.columns if column.id == id), None)

    def sort_by(self, column: SortColumn) -> None:
        """Sort by that column in its default direction; if that is done already, the other way round."""
        self.sort(column, not self.descending if column.id == self.sorted_by else column.descending)
        self.post_message(self.Sorted(self))

    def sort_by_next(self) -> None:
        """Sort by the next shown column."""
        shown = self.shown_columns
        at = next((index for index, column in enumerate(shown) if column.id == self.sorted_by), -1)
        self.sort_by(shown[(at + 1) % len(shown)])

    def reverse(self) -> None:
        """Sort the other way round."""
        if (column := self.column(self.sorted_by)) is not None:
            self.sort_by(column)

    def action_page(self, direction: int) -> None:
        """Move the cursor by half of what is shown."""
        self.action_move(direction * max(1, self._page // 2))

    @property
    def _page(self) -> int:
        """Rows that fit below the titles."""
        return max(1, self.scrollable_content_region.height - 1)

    def _reveal(self) -> None:
        """Scroll no further than it takes to show the cursor."""
        top = round(self.scroll_target_y)
        if self._index < top:
            self.scroll_to(y=self._index, animate=False)
        elif self._index >= top + self._page:
            self.scroll_to(y=self._index - self._page + 1, animate=False)
