"""The chooser of the domain table's columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.commands.commands import Back
from tui.commands.domains import KeepColumns, ResetColumns
from tui.commands.offering import OfferingScreen, heading
from tui.config.columns import DEFAULT_COLUMNS
from tui.widgets.column_list import ColumnList
from tui.widgets.key_bar import KeyBar


class ColumnsScreen(OfferingScreen[list[str]], ModalScreen[list[str]]):
    """Ends with the ids of the columns to show, or None. `note`: what is to be known of the choice."""

    AUTO_FOCUS = "ColumnList"
    OFFERS = (KeepColumns, ResetColumns, Back)
    BINDINGS: ClassVar[list[BindingType]] = [command.binding() for command in OFFERS]
    PARTS = (ColumnList,)

    def __init__(self, shown: Sequence[str], note: str) -> None:
        super().__init__()
        self._list = ColumnList(shown)
        self._note = note

    def compose(self) -> ComposeResult:
        with Vertical(classes="panel", id="columns") as panel:
            panel.border_title = heading("Columns", "from left to right")
            yield self._list
            yield Static(Content.styled(self._note, "$foreground-muted"), id="columns-note")
        yield KeyBar()

    @on(KeepColumns)
    def _keep(self) -> None:
        self.leave(self._list.shown)

    @on(ResetColumns)
    def _reset(self) -> None:
        self._list.put(DEFAULT_COLUMNS)

    @on(Back)
    def _back(self) -> None:
        self.leave(None)
