"""The standard streams, whatever whoever started the command has made of them."""

from __future__ import annotations

import errno
import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class OutputLost(Exception):
    """What the command has to say cannot be written."""

    def __init__(self, error: OSError) -> None:
        super().__init__(error.strerror)
        self.nobody_reads = error.errno == errno.EPIPE
        """Whether that is so because the reader of a pipe has gone."""


def prepare() -> None:
    """Make standard streams that can be written to in any locale.

    One that is closed leads nowhere from now on: a file that would be opened in its place would get the output. What
    cannot be written to the standard output raises OutputLost; to the standard error, nothing: nobody can be told.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # Gets the lowest number that is free: this one.
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)))
    sys.stdout = _stream(_Output, 1, sys.stdout)
    sys.stderr = _stream(_Complaints, 2, sys.stderr)


class _Output(io.FileIO):
    _lost = False

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if not self._lost:
                self._lost = True
                raise OutputLost(error) from None
            return memoryview(data).nbytes  # What is left in a buffer is tried again; it was told once.


class _Complaints(io.FileIO):
    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError:
            return memoryview(data).nbytes


def _stream(kind: type[io.FileIO], descriptor: int, before: TextIO | None) -> TextIO:
    """A stream in the encoding of the one that was there `before`; one line at a time where a person reads it."""
    raw = kind(descriptor, "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=before.encoding if before is not None else None,
        errors="backslashreplace",
        line_buffering=raw.isatty() or descriptor == 2,
    )
