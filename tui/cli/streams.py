"""Standard streams that work even if they were closed, redirected to a full disk or opened in an odd locale."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class OutputLost(Exception):
    """The command's output cannot be written."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error.strerror)
        self.nobody_reads = error.errno == errno.EPIPE
        """Whether the reader of a pipe has gone away."""


def prepare() -> None:
    """Make the standard streams writable in any locale.

    A closed stream is opened on /dev/null; otherwise the next file to be opened would receive the output. A failed
    write to stdout raises OutputLost; one to stderr is ignored, since there is nowhere to report it.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # Gets the lowest free number, which is this one.
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)))
    sys.stdout = _stream(_Output, 1, sys.stdout)
    sys.stderr = _stream(_Errors, 2, sys.stderr)


_abandoned: list[TextIO] = []
"""Kept alive: the end of a stream writes what is left in it."""


def abandon_output() -> None:
    """Let go of stdout, whose reader has stopped: while another thread writes to it, nobody else can even flush it."""
    _abandoned.append(sys.stdout)
    sys.stdout = io.StringIO()


class _Output(io.FileIO):
    _lost = False

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if not self._lost:
                self._lost = True
                raise OutputLost(error) from None
            return memoryview(data).nbytes  # The buffer retries its rest; it was reported once.


class _Errors(io.FileIO):
    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def _stream(kind: type[io.FileIO], descriptor: int, before: TextIO | None) -> TextIO:
    """A stream with the encoding of the one `before`; line-buffered if a person reads it."""
    raw = kind(descriptor, "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=before.encoding if before is not None else None,
        errors="backslashreplace",
        line_buffering=raw.isatty() or descriptor == 2,
    )
