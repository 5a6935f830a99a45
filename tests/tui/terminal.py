"""A real pseudo-terminal with the console in it, and what stands on its screen."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

import pexpect
import pyte

from tests.eventually import eventually
from tests.screen import reads

LIMIT = 30.0
"""Seconds after which a thing that should be seen is missing."""
REST = 1.5
"""Seconds in which nothing comes from a program at rest."""


class Terminal:
    """Types keys and reads the screen."""

    def __init__(self, *arguments: str, size: tuple[int, int] = (120, 36), term: str = "xterm-256color") -> None:
        columns, lines = size
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self.written = b""
        """All that came to the terminal."""
        self._silent = False
        self._process = pexpect.spawn(
            sys.executable,
            ["-m", "tui", *arguments],
            dimensions=(lines, columns),
            # A size in the environment, as a test runner may set it, would be believed before the terminal's.
            env={key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")} | {"TERM": term},
        )
        self._process.delaybeforesend = None

    @property
    def screen(self) -> str:
        return "\n".join(line.rstrip() for line in self._screen.display)

    def is_reversed(self, text: str) -> bool:
        """Whether the first place on the screen where `text` stands shows it in reverse."""
        line = next(line for line, shown in enumerate(self._screen.display) if text in shown)
        cells = self._screen.buffer[line]
        return all(cells[self._screen.display[line].index(text) + place].reverse for place in range(len(text)))

    def type(self, keys: str) -> Self:
        self._process.send(keys)
        return self

    def sees(self, *texts: str) -> Self:
        """Read until all of `texts` are on the screen."""
        return self._until(lambda: all(text in self.screen for text in texts), texts)

    def reads(self, *texts: str) -> Self:
        """Read until the words of all of `texts` are on the screen, wherever lines break."""
        return self._until(lambda: all(reads(self.screen, text) for text in texts), texts)

    def ends(self) -> int:
        """Read until the process is over; its exit code."""
        end = time.monotonic() + LIMIT
        while self._read():
            assert time.monotonic() < end, f"it never ended:\n{self.screen}"
        self._process.close()
        return int(self._process.exitstatus if self._process.exitstatus is not None else -1)

    def resize(self, columns: int, lines: int) -> Self:
        self._screen.resize(lines, columns)
        self._process.setwinsize(lines, columns)
        return self

    def settles(self) -> bytes:
        """Read until nothing has come for a while, and then once more as long: what came in that time."""
        while self._read(REST):
            if self._silent:
                break
        before = len(self.written)
        self._read(REST)
        return self.written[before:]

    def signal(self, number: signal.Signals) -> Self:
        self._process.kill(number)
        return self

    def hang_up(self) -> None:
        """Close the terminal, as its window or a lost connection does, and return when the process has noticed."""
        self._process.ptyproc.fileobj.close()
        eventually(lambda: os.waitpid(self._process.pid, os.WNOHANG) != (0, 0), LIMIT)
        self._process.ptyproc.terminated = self._process.terminated = True
        self._process.closed = self._process.ptyproc.closed = True

    def kill(self) -> None:
        """SIGKILL, as from outside, and wait until the process is gone: on a busy machine that takes its time."""
        if self._process.isalive():
            self._process.kill(signal.SIGKILL)
            self._process.wait()
        self._process.close()

    def _until(self, condition: Callable[[], bool], texts: tuple[str, ...]) -> Self:
        end = time.monotonic() + LIMIT
        while not condition():
            assert time.monotonic() < end, f"there never was {texts}:\n{self.screen}"
            self._read()
        return self

    def _read(self, timeout: float = 0.1) -> bool:
        try:
            some = self._process.read_nonblocking(65536, timeout)
        except pexpect.TIMEOUT:
            self._silent = True
            return True
        except pexpect.EOF:
            return False
        self._silent = False
        self.written += some
        self._stream.feed(some)
        return True


@contextmanager
def terminal(*arguments: str, size: tuple[int, int] = (120, 36), term: str = "xterm-256color") -> Iterator[Terminal]:
    """The console with those arguments; killed at the end if it still runs."""
    found = Terminal(*arguments, size=size, term=term)
    try:
        yield found
    finally:
        found.kill()
