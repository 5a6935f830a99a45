"""What a command prints, passed on as it comes: to a terminal without anything that acts on it, else to the letter."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager

from backend.running.output import Gap, OutputReader
from backend.text import clean
from tui.cli.output import complain
from tui.words import units

TAIL = 64 << 10
"""Bytes of what was printed before that are shown when attaching later."""
LONGEST = 1 << 16
"""Characters of a line that are shown together."""


class Printer:
    """Prints to stdout, inside of `away`, which makes room for that on a terminal."""

    def __init__(self, name: str, away: Callable[[], AbstractContextManager[None]]) -> None:
        self._name = name
        self._away = away
        self._terminal = sys.stdout.isatty()
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self._line = ""

    def show(self, reader: OutputReader) -> None:
        """Print what is new."""
        for piece in reader.read():
            if isinstance(piece, Gap):
                self.leave_out(piece.size)
            elif self._terminal:
                self._show_text(self._decoder.decode(piece))
            else:
                sys.stdout.buffer.write(piece)
                sys.stdout.buffer.flush()

    def leave_out(self, size: int, where: str = "") -> None:
        """Tell that so many bytes are left out here; `where` they are."""
        self.end()
        with self._away():
            complain(clean(f"{self._name}: {units.size(size)} of output left out{where}"))

    def end(self) -> None:
        """Print the last line, if nothing has ended it."""
        if self._line or self._decoder.getstate()[0]:
            self._show_text(self._decoder.decode(b"", final=True) + "\n")

    def _show_text(self, text: str) -> None:
        *lines, self._line = (self._line + text).split("\n")
        if len(self._line) > LONGEST:
            lines.append(self._line)
            self._line = ""
        if lines:
            with self._away():
                # Of what would overwrite a line, as a progress does, the last stays.
                print("\n".join(clean(line.rstrip("\r").rpartition("\r")[2]) for line in lines), flush=True)


class JsonPrinter:
    """Gives the text to `take`, with the number of bytes that were left out before it."""

    def __init__(self, take: Callable[[str, int], object]) -> None:
        self._take = take
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")

    def show(self, reader: OutputReader) -> None:
        """Pass on what is new."""
        for piece in reader.read():
            if isinstance(piece, Gap):
                self.leave_out(piece.size)
            elif text := self._decoder.decode(piece):
                self._take(text, 0)

    def leave_out(self, size: int, where: str = "") -> None:
        """So many bytes are left out here."""
        self._take("", size)

    def end(self) -> None:
        """Pass on what is no whole character."""
        if text := self._decoder.decode(b"", final=True):
            self._take(text, 0)
