"""Domains in the palette: pick one to go to it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual.command import Hit, Hits, Provider
from textual.content import Content

if TYPE_CHECKING:
    from tui.screens.viewing import ViewingScreen

MOST = 20
"""Domains that are offered; more want more letters."""


class DomainSearch(Provider):
    """Offers the domains whose name has what was typed, whatever the filter shows."""

    async def search(self, query: str) -> Hits:
        screen: ViewingScreen = self.screen  # type: ignore[assignment]
        wanted = query.casefold().strip()
        rows = (row for row in screen.table.rows if wanted in row.domain.name.casefold())
        for _, row in zip(range(MOST), rows, strict=False):
            name = row.domain.name
            at = name.casefold().index(wanted)
            text = Content.assemble(
                name[:at], (name[at : at + len(wanted)], "bold underline"), name[at + len(wanted) :]
            )
            # Whoever types the beginning of a name means that domain, before any command that has these letters.
            score = 1.0 if at == 0 else 0.5
            yield Hit(
                score, text, partial(screen.go_to, row.key), text=name, help=f"{row.domain.state.label} · go to it"
            )
