"""A table that fits a terminal: its columns are shortened, and then dropped, the least important first."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence

from tui.cli.choices import is_quiet
from tui.cli.tables import cells_of

NAMES = frozenset({"Host", "Domain"})
"""Columns of names: both ends of one tell it from others."""
_GAP = 3
"""Cells between two columns."""


class Layout:
    """How wide each column is; a table whose rows come one after the other keeps its layout."""

    def __init__(
        self, headings: Sequence[str], rows: Sequence[Sequence[str]], width: int, steps: Sequence[tuple[str, int]]
    ) -> None:
        """`rows` are what the columns have to hold, and `width` what the terminal has.

        `steps`: where that is too narrow, to how many cells which column is shortened next; 0 drops it.
        """
        columns = zip(headings, *rows, strict=True)
        natural = {heading: max(map(cells_of, [heading, *cells])) for heading, *cells in columns}
        self._headings = headings
        self._width = width
        self._widths = _narrowed(natural, width, steps)

    def heading(self) -> list[str]:
        """The lines above the rows."""
        return [self.line(self._headings), "-" * min(self._width, _total(self._widths))]

    def line(self, row: Sequence[str]) -> str:
        """The row on one line."""
        cells = dict(zip(self._headings, row, strict=True))
        fitting = (shortened(cells[name], width, name in NAMES) for name, width in self._widths.items())
        padded = (
            text + " " * (width - cells_of(text)) for text, width in zip(fitting, self._widths.values(), strict=True)
        )
        return _cut((" " + (" " * _GAP).join(padded)).rstrip(), self._width)


class FittingTable:
    """A table for a terminal: its layout is that of the first rows, which come with the headings, but for -q."""

    def __init__(
        self,
        headings: Sequence[str],
        steps: Sequence[tuple[str, int]],
        width: int,
        sample: Sequence[Sequence[str]] = (),
    ) -> None:
        """See Layout. `sample`: rows for which there has to be room as well."""
        self._headings = headings
        self._steps = steps
        self._width = width
        self._sample = sample
        self._layout: Layout | None = None

    def lines(self, rows: Sequence[Sequence[str]]) -> list[str]:
        """These rows."""
        if self._layout is not None:
            return list(map(self._layout.line, rows))
        self._layout = Layout(self._headings, [*rows, *self._sample], self._width, self._steps)
        return [*([] if is_quiet() else self._layout.heading()), *map(self._layout.line, rows)]


def terminal_width() -> int | None:
    """The columns of the terminal that is written to; None for a file or a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def wrapped(text: str, width: int | None, indent: int = 2) -> list[str]:
    """`text` in lines of at most `width` cells, broken between words, all but the first one indented.

    A longer word has a line of its own, so that a path can be copied. One line if there is no `width`.
    """
    if width is None or cells_of(text) <= width:
        return [text]
    first, *words = text.split(" ")
    lines = [first]
    for word in words:
        line = f"{lines[-1]} {word}"
        if cells_of(line) <= width or not lines[-1].strip():
            lines[-1] = line
        else:
            lines.append(f"{' ' * indent}{word}")
    return lines


def shortened(text: str, cells: int, name: bool = False) -> str:
    """`text` in at most `cells` cells: a path, a URI or a `name` without its middle, other text without its end."""
    if cells_of(text) <= cells:
        return text
    room = cells - 1
    head = room // 2 if name else room // 3
    kept = name or text.startswith("/") or "://" in text
    tail = _cut(text[::-1], room - head)[::-1] if kept else ""
    return _cut(text, room - cells_of(tail)).rstrip(" ") + _ellipsis() + tail


def _cut(text: str, cells: int) -> str:
    """As much of the begin of `text` as these cells take."""
    end = min(len(text), max(0, cells))
    while cells_of(text[:end]) > cells:
        end -= 1
    return text[:end]


def _ellipsis() -> str:
    try:
        "…".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return "~"
    return "…"


def _narrowed(natural: Mapping[str, int], width: int, steps: Sequence[tuple[str, int]]) -> dict[str, int]:
    widths = dict(natural)
    for name, least in steps:
        excess = _total(widths) - width
        if excess <= 0:
            break
        if least == 0:
            widths.pop(name, None)
        elif widths.get(name, 0) > least:
            widths[name] = max(least, widths[name] - excess)
    # What was dropped may have left more room than was missing.
    for name in dict.fromkeys(name for name, _ in reversed(steps)):
        if name in widths:
            widths[name] = min(natural[name], widths[name] + max(0, width - _total(widths)))
    return widths


def _total(widths: Mapping[str, int]) -> int:
    return 1 + sum(widths.values()) + _GAP * (len(widths) - 1)
