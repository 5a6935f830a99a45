"""The whole screen in ASCII, with Textual's own borders and scrollbars: translated on its way to the terminal."""

from __future__ import annotations

import unicodedata

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_MARKS = {
    **dict.fromkeys("▏▎▍▌▋▊▉", ">"),  # The tip of a bar, and the cursor.
    **dict(zip("▁▂▃▄▅▆▇█", "_.-=+*%#", strict=True)),
    **dict(zip("▐░▒▓▔▀", "|.:%-^", strict=True)),
    **dict(zip("●◌○•·…✓✗⊘▲▼▶▸◀", "*oo*-~+x/^v>><", strict=True)),
    **dict(zip("←↑→↓↵⏎", "<^>v<<", strict=True)),
    **dict(zip("‘’“”–—", "''\"\"--", strict=True)),  # noqa: RUF001
    "\u00a0": " ",
    "🔎": "> ",
}


class AsciiFilter(LineFilter):
    """Draws with ASCII. Letters of names stay as they are where the terminal can show them (`utf8`)."""

    def __init__(self, utf8: bool) -> None:
        super().__init__()
        self._table = _Table(utf8)

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        table = self._table
        return [
            segment if segment.text.isascii() else Segment(segment.text.translate(table), segment.style)
            for segment in segments
        ]


class _Table(dict[int, str]):
    """What `str.translate` puts in place of each character, in as many cells."""

    def __init__(self, utf8: bool) -> None:
        super().__init__()
        self._utf8 = utf8

    def __missing__(self, code: int) -> str:
        character = chr(code)
        drawn = character if code < 0x80 else _drawn(character)
        if drawn is None:
            drawn = character if self._utf8 else "?" * cell_len(character)
        self[code] = drawn
        return drawn


def _drawn(character: str) -> str | None:
    """The ASCII character for one that is drawn with; None for any other."""
    if character in _MARKS:
        return _MARKS[character]
    if "\u2500" <= character <= "\u257f":
        *_, last = words = unicodedata.name(character).split()
        straight = "AND" not in words
        return "-" if straight and last == "HORIZONTAL" else "|" if straight and last == "VERTICAL" else "+"
    return "#" if "\u2580" <= character <= "\u259f" else None
