"""Domains in the palette: pick one to move the cursor to it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Protocol, runtime_checkable

from textual.command import Hit, Hits, Provider
from textual.content import Content

from tui.session.rows import Row, RowKey

MOST = 20
"""Domains that are offered; to see others, type more letters."""


@runtime_checkable
class DomainScreen(Protocol):
    """A screen that shows domains."""

    def all_domains(self) -> Iterator[Row]:
        """All domains, including those that the filter hides."""

    def go_to(self, key: RowKey) -> None:
        """Put the cursor on that domain, even if the filter hides it."""


class DomainSearch(Provider):
    """Offers the domains whose name contains what was typed."""

    async def search(self, query: str) -> Hits:
        screen = self.screen
        if not isinstance(screen, DomainScreen):
            return
        text = query.casefold().strip()
        rows = (row for row in screen.all_domains() if text in row.domain.name.casefold())
        for _, row in zip(range(MOST), rows, strict=False):
            name = row.domain.name
            at = name.casefold().index(text)
            end = at + len(text)
            words = Content.assemble(name[:at], (name[at:end], "bold underline"), name[end:])
            # The beginning of a name means that domain, before any command that contains these letters.
            score = 1.0 if at == 0 else 0.5
            go = partial(screen.go_to, row.key)
            yield Hit(score, words, go, text=name, help=f"{row.domain.state.label} · go to it")
