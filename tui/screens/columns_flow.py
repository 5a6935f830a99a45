"""Which columns the domain table shows: those of the config, else those that were chosen last."""

from __future__ import annotations

from collections.abc import Sequence

from backend.threads import in_thread
from tui.commands.offering import OfferingScreen
from tui.config.columns import DEFAULT_COLUMNS, usable
from tui.session import preferences
from tui.session.preferences import Saver
from tui.widgets.domain_table import DomainTable

KEPT = "kept for the next start"
NOT_KEPT = "until you quit: your config sets the columns"


class ColumnsFlow:
    """Shows them in `table`, and lets the user choose others above `screen`. `configured`: those of the config."""

    def __init__(self, screen: OfferingScreen[None], table: DomainTable, configured: Sequence[str]) -> None:
        self._screen = screen
        self._table = table
        self._configured = bool(configured)
        self._shown: Sequence[str] = configured or DEFAULT_COLUMNS
        self._saver = Saver()
        table.show_columns(self._shown)

    async def remember(self) -> None:
        """Show those that were chosen last, unless the config has others. Takes as long as the file system does."""
        if self._configured:
            return
        remembered = await in_thread(lambda: preferences.load().columns, "preferences")
        if remembered:
            self._show(usable(remembered.split()))

    async def close(self) -> None:
        """Wait until the choice is saved, but not for ever."""
        await self._saver.close()

    def choose(self) -> None:
        """Let the user choose."""
        from tui.screens.columns import ColumnsScreen  # Few need it, and everyone waits for the start.

        self._screen.open(ColumnsScreen(self._shown, NOT_KEPT if self._configured else KEPT), self._chosen)

    def _chosen(self, ids: list[str] | None) -> None:
        if ids is None:
            return
        self._show(ids)
        if not self._configured:
            self._saver.save(columns="" if tuple(ids) == DEFAULT_COLUMNS else " ".join(ids))

    def _show(self, ids: Sequence[str]) -> None:
        self._shown = ids
        self._table.show_columns(ids)
