"""What the palette offers, and what it finds for the text that is typed into it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from itertools import islice
from typing import Protocol, runtime_checkable

from tui.session.rows import Row, RowKey

MOST = 20
"""Domains that are offered; to see others, type more letters."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the palette."""

    name: str
    about: str
    """What it does."""
    act: Callable[[], object]
    aliases: tuple[str, ...] = ()
    """What else it is called by those who know it from elsewhere."""


@runtime_checkable
class DomainScreen(Protocol):
    """A screen that shows domains."""

    def all_domains(self) -> Iterator[Row]:
        """All domains, including those that the filter hides."""

    def go_to(self, key: RowKey) -> None:
        """Put the cursor on that domain, even if the filter hides it."""


class _Fit(IntEnum):
    """How well an entry fits what was typed, the best first."""

    CALLED = 0
    """That is its name."""
    DOMAIN_BEGINS = 1
    BEGINS = 2
    CONTAINS = 3
    SPEAKS_OF = 4
    """Words of what is said about it begin like that."""


class Finder:
    """Finds among `entries`, and the domains of `screen` if it shows any."""

    def __init__(self, entries: Sequence[Entry], screen: object = None) -> None:
        self._entries = entries
        self._domains = screen if isinstance(screen, DomainScreen) else None

    def find(self, typed: str) -> list[Entry]:
        """What fits, the best first; without a text all entries, but no domains."""
        text = typed.casefold().strip().lstrip(":")
        if not text:
            return list(self._entries)
        fitting = [(fit, entry) for entry in self._entries if (fit := _fit(entry, text)) is not None]
        fitting += islice(self._fitting_domains(text), MOST)
        return [entry for _, entry in sorted(fitting, key=lambda pair: pair[0])]

    def _fitting_domains(self, text: str) -> Iterator[tuple[_Fit, Entry]]:
        if self._domains is None:
            return
        for row in self._domains.all_domains():
            name = row.domain.name.casefold()
            if text in name:
                go = partial(self._domains.go_to, row.key)
                fit = _Fit.DOMAIN_BEGINS if name.startswith(text) else _Fit.CONTAINS
                yield fit, Entry(row.domain.name, f"{row.domain.state.label} · go to it", go)


def _fit(entry: Entry, text: str) -> _Fit | None:
    name = entry.name.casefold()
    if text == name or text in entry.aliases:
        return _Fit.CALLED
    if name.startswith(text):
        return _Fit.BEGINS
    if text in name:
        return _Fit.CONTAINS
    spoken = re.findall(r"\w+", f"{name} {entry.about.casefold()}")
    begun = all(any(word.startswith(begin) for word in spoken) for begin in text.split())
    return _Fit.SPEAKS_OF if begun else None
