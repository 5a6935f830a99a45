"""What the terminal should show, what it shows, and the shortest way from one to the other.

Textual sends whole spans, and the colours of each of them anew. Here, only cells that differ are sent, and only what
differs in their style from the cell that was sent before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from math import inf
from typing import NamedTuple

from rich.cells import cell_len, get_character_cell_size
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style

GAP = 4
"""Unchanged cells that are sent again rather than skipped: moving the cursor takes as many characters."""
RESTYLED = 0.4
"""The part of a line's cells that have another style than before if it changes its look, and not only its content."""
_PLAIN = Style()
_CONTINUED = ""
"""In place of the right half of a wide character."""


class Pen(NamedTuple):
    """How the terminal draws: parameters of SGR, empty for the default."""

    foreground: str = ""
    background: str = ""
    attributes: str = ""


_DEFAULTS = "39", "49"
"""The parameters that set the default foreground and background."""


class Piece(NamedTuple):
    """Cells of one line that are drawn at once."""

    x: int
    y: int
    end: int
    """The column after the last one."""
    text: str
    pen: Pen


class Canvas:
    """The cells of a terminal. `put` what it should show, send what `changes` returns."""

    def __init__(self, width: int, height: int, colours: ColorSystem | None) -> None:
        self.size = width, height
        self._colours = colours
        self._characters = [[" "] * width for _ in range(height)]
        self._styles = [[_PLAIN] * width for _ in range(height)]
        self._shown: list[tuple[list[str], list[Style]] | None] = [None] * height
        """What each line of the terminal shows; None: nobody knows."""
        self._dirty: dict[int, None] = dict.fromkeys(range(height))
        """Lines that may differ."""
        self._next = 0
        """The line that did not fit into the last frame."""
        self._pen: Pen | None = None
        """None: nobody knows."""

    def put(self, x: int, y: int, segments: Iterable[Segment]) -> None:
        """Show these from that cell on; what does not fit is cut off."""
        width, height = self.size
        if not 0 <= y < height:
            return
        characters, styles = self._characters[y], self._styles[y]
        self._dirty[y] = None
        for text, style, control in segments:
            if control or not text:
                continue
            cells = list(text) if text.isascii() or cell_len(text) == len(text) else list(_cells(text))
            end = min(x + len(cells), width)
            if x < end:
                characters[x:end] = cells[: end - x]
                styles[x:end] = [style or _PLAIN] * (end - x)
            x += len(cells)

    def forget(self) -> None:
        """Nobody knows what the terminal shows: send everything anew."""
        self._shown = [None] * self.size[1]
        self._dirty = dict.fromkeys(range(self.size[1]))
        self._pen = None

    @property
    def differs(self) -> bool:
        """Whether `changes` may have something to send."""
        return bool(self._dirty)

    def changes(self, limit: float = inf) -> str:
        """What to send so that the terminal shows what it should, as far as it fits into about `limit` bytes.

        Lines that change their look come first, whatever their size: a cursor that moved, a dialog that opened.
        """
        restyled, others = self._different_lines()
        pieces = [piece for y in restyled for piece in self._take(y)]
        size = sum(map(_size, pieces))
        small: list[Piece] = []
        for y in others:
            if size >= limit:
                self._next = y
                break
            taken = self._take(y)
            small += taken
            size += sum(map(_size, taken))
        # To go to another line takes fewer characters than to change the style.
        small.sort(key=lambda piece: piece.pen)
        return "".join(self._drawn([*pieces, *small]))

    def _different_lines(self) -> tuple[list[int], list[int]]:
        """Those that change their look, and the others that differ, those first that have waited longest."""
        restyled, others = list[int](), list[int]()
        for y in sorted(self._dirty):
            shown = self._shown[y]
            if shown is None:
                restyled.append(y)
            elif shown[1] == self._styles[y]:
                if shown[0] == self._characters[y]:
                    del self._dirty[y]
                else:
                    others.append(y)
            elif _differences(shown[1], self._styles[y]) > RESTYLED * self.size[0]:
                restyled.append(y)
            else:
                others.append(y)
        return restyled, sorted(others, key=lambda y: (y < self._next, y))

    def _take(self, y: int) -> list[Piece]:
        """What differs on the line, which is taken for shown from now on."""
        characters, styles = self._characters[y], self._styles[y]
        pieces = []
        for start, end in self._runs(y):
            x = start
            while x < end:
                style, begin = styles[x], x
                while x < end and styles[x] is style:
                    x += 1
                pieces.append(Piece(begin, y, x, "".join(characters[begin:x]), _pen(style, self._colours)))
        self._shown[y] = characters.copy(), styles.copy()
        del self._dirty[y]
        return pieces

    def _drawn(self, pieces: list[Piece]) -> Iterator[str]:
        """What draws these, one after the other."""
        at = line = -1
        for x, y, end, text, pen in pieces:
            if y != line:
                yield f"\x1b[{y + 1};{x + 1}H"
            elif x != at:
                yield f"\x1b[{x + 1}G"
            yield self._pick_up(pen)
            yield text
            at, line = end, y

    def _runs(self, y: int) -> Iterator[tuple[int, int]]:
        """The cells of the line that differ, from and to."""
        characters, styles, shown = self._characters[y], self._styles[y], self._shown[y]
        if shown is None:
            yield 0, len(characters)
            return
        old_characters, old_styles = shown
        start, end = -1, -1
        for x, character in enumerate(characters):
            if character == old_characters[x] and styles[x] == old_styles[x]:
                continue
            if start >= 0 and x > end + GAP:
                yield start, end
                start = -1
            if start < 0:
                # A wide character is drawn whole.
                start = x - 1 if character == _CONTINUED and x else x
            end = x + 1
        if start >= 0:
            while end < len(characters) and characters[end] == _CONTINUED:
                end += 1
            yield start, end

    def _pick_up(self, pen: Pen) -> str:
        """What makes the terminal draw like that from now on."""
        before, self._pen = self._pen, pen
        if pen == before:
            return ""
        if before is None or pen.attributes != before.attributes:
            return f"\x1b[{';'.join(filter(None, ('0', *pen)))}m"
        codes = [new or default for new, old, default in zip(pen, before, _DEFAULTS, strict=False) if new != old]
        return f"\x1b[{';'.join(codes)}m"


def _size(piece: Piece) -> int:
    """About how many characters it takes to draw."""
    return len(piece.text) + 8


def _differences(one: Sequence[Style], other: Sequence[Style]) -> int:
    return sum(a is not b and a != b for a, b in zip(one, other, strict=True))


def _cells(text: str) -> Iterator[str]:
    """What is in each cell of the text."""
    last = ""
    for character in text:
        size = get_character_cell_size(character)
        if size == 0:
            last += character
            continue
        if last:
            yield from _filled(last)
        last = character
    if last:
        yield from _filled(last)


def _filled(character: str) -> Iterator[str]:
    yield character
    if get_character_cell_size(character[0]) == 2:
        yield _CONTINUED


@lru_cache(maxsize=1024)
def _pen(style: Style, colours: ColorSystem | None) -> Pen:
    if colours is None:
        return Pen()
    # Rich has no public way to the parameters but what it renders.
    rendered = Style(
        color=style.color,
        bgcolor=style.bgcolor,
        bold=style.bold,
        dim=style.dim,
        italic=style.italic,
        underline=style.underline,
        blink=style.blink,
        reverse=style.reverse,
        strike=style.strike,
    ).render("x", color_system=colours)
    codes = rendered.partition("x")[0].removeprefix("\x1b[").removesuffix("m").split(";")
    foreground, background, attributes = "", "", []
    while codes and codes[0]:
        taken = {"5": 3, "2": 5}.get(codes[1], 1) if codes[0] in ("38", "48") and len(codes) > 1 else 1
        code, codes = ";".join(codes[:taken]), codes[taken:]
        number = int(code.partition(";")[0])
        if number in range(30, 40) or number in range(90, 98):
            foreground = code
        elif number in range(40, 50) or number in range(100, 108):
            background = code
        else:
            attributes.append(code)
    return Pen(foreground, background, ";".join(attributes))
