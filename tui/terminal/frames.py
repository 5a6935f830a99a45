"""Frames on their way to the terminal: none is begun before the terminal has taken the ones before it.

What changes in the meantime is put on the canvas, so the next frame shows what is true when it is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from rich.color import ColorSystem
from rich.segment import Segment

from tui.terminal.canvas import Canvas
from tui.terminal.pacing import QUESTION, Pacing

Span = tuple[int, int, Iterable[Segment]]
"""Column, line, and what is shown from there on."""
_SYNCHRONISED = "\x1b[?2026h", "\x1b[?2026l"
"""Around a frame that the terminal is to show as a whole."""


class Output(Protocol):
    """Where frames go."""

    @property
    def busy(self) -> bool:
        """Whether it has not taken everything yet."""

    def write(self, data: str) -> None:
        """Send; never blocks."""


class Frames:
    """Belongs to the event loop.

    `synchronised`: whether the terminal can show a frame as a whole. `on_slow` is called when the terminal turns out to
    be slow, or not to be any more.
    """

    def __init__(
        self,
        colours: ColorSystem | None,
        synchronised: Callable[[], bool],
        on_slow: Callable[[bool], object] = lambda slow: None,
    ) -> None:
        self._colours = colours
        self._synchronised = synchronised
        self._on_slow = on_slow
        self._canvas = Canvas(0, 0, colours)
        self._pacing = Pacing()
        self._output: Output | None = None
        self._closed = False
        self._cursor = (0, 0)
        self._due: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """The terminal was taken over, at first or again: nobody knows what it shows. It is asked."""
        self._closed = False
        self._canvas.forget()
        self._pacing = Pacing()
        self._pacing.send(len(QUESTION), asyncio.get_running_loop().time())

    def show(self, output: Output, size: tuple[int, int], spans: Sequence[Span], cursor: tuple[int, int]) -> None:
        """Show these as soon as the terminal is ready; the cursor's column and line."""
        self._output = None if self._closed else output
        if self._canvas.size != size:
            self._canvas = Canvas(*size, self._colours)
        for x, y, segments in spans:
            self._canvas.put(x, y, segments)
        self._cursor = cursor
        self.send()

    def redraw(self) -> None:
        """Send everything again: something else has written to the terminal."""
        self._canvas.forget()
        self.send()

    def answered(self) -> None:
        """The terminal has drawn a frame."""
        slow = self._pacing.slow
        self._pacing.answer(asyncio.get_running_loop().time())
        self.send()
        if self._pacing.slow is not slow:
            self._on_slow(not slow)

    def send(self) -> None:
        """Send a frame, if there is anything to show and the terminal is ready: to be called when that may be so."""
        if self._output is None or self._output.busy or not self._canvas.differs:
            return
        loop = asyncio.get_running_loop()
        if (pause := self._pacing.wait(loop.time())) > 0:
            if self._due is None:
                self._due = loop.call_later(pause, self._overdue)
            return
        changes = self._canvas.changes(self._pacing.limit)
        if not changes:
            return
        x, y = self._cursor
        start, end = _SYNCHRONISED if self._synchronised() else ("", "")
        frame = f"{start}{changes}\x1b[{y + 1};{x + 1}H{end}{QUESTION}"
        self._pacing.send(len(frame), loop.time())
        self._output.write(frame)

    def _overdue(self) -> None:
        self._due = None
        self.send()

    def close(self) -> None:
        """Send nothing more, until `begin`."""
        self._closed = True
        self._output = None
        if self._due is not None:
            self._due.cancel()
            self._due = None
