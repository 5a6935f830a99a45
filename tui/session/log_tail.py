"""The end of a log that other processes write, rotate and delete."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backend.errors import NotPermitted, OperationFailed
from backend.text import clean, clean_lines

KEPT = 256 * 1024
"""Bytes of a log that are shown, the last ones."""


@dataclass(frozen=True, slots=True)
class Tail:
    lines: Sequence[str]
    """Cleaned."""
    cut: bool = False
    """Whether there was more before them."""


class LogTail:
    """Reads the log at `path`, and the part before it (``.0``) where it was rotated lately. Blocks."""

    def __init__(self, path: Path, kept: int = KEPT) -> None:
        self.path = path
        self._parts = (path.with_name(f"{path.name}.0"), path)
        self._kept = kept
        self._last: Sequence[object] = ()

    def read(self) -> Tail | None:
        """The end of the log; None if that is what it was. NotPermitted or OperationFailed where it cannot be read."""
        files = [file for part in self._parts if (file := self._opened(part)) is not None]
        try:
            states = [os.fstat(file) for file in files]
            seen = [(state.st_ino, state.st_size, state.st_mtime_ns) for state in states]
            if files and seen == self._last:
                return None
            self._last = seen
            if not files:
                raise OperationFailed(f"there is no log yet: {clean(str(self.path))}")
            text, rest = b"", self._kept
            for file, state in zip(reversed(files), reversed(states), strict=True):
                size = min(rest, state.st_size)
                text = os.pread(file, size, state.st_size - size) + text
                rest -= size
        except OSError as error:
            raise self._unreadable(error) from None
        finally:
            for file in files:
                os.close(file)
        cut = sum(state.st_size for state in states) > self._kept
        if cut:
            text = text.partition(b"\n")[2] or text  # The line that it begins with is not whole.
        return Tail(clean_lines(text.decode("utf-8", "replace")), cut)

    def _opened(self, part: Path) -> int | None:
        """The descriptor of that file; None if there is none."""
        try:
            file = os.open(part, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        except FileNotFoundError:
            return None
        except OSError as error:
            if part != self.path:
                return None  # What is there to say is said of the log itself.
            raise self._unreadable(error) from None
        if stat.S_ISREG(os.fstat(file).st_mode):
            return file
        os.close(file)
        raise OperationFailed(f"not a regular file: {clean(str(part))}")

    def _unreadable(self, error: OSError) -> NotPermitted | OperationFailed:
        path = clean(str(self.path))
        if isinstance(error, PermissionError):
            return NotPermitted(f"this user may not read {path}; root may")
        return OperationFailed(f"{path} cannot be read: {error.strerror}")
