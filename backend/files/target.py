"""The file of a running dump, held open."""

from __future__ import annotations

import io
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Self

from backend.errors import OperationFailed, Unreadable
from backend.files.birth import birth
from backend.text import clean

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class DumpTarget:
    """A file held open: it stays the same file even if it is renamed or removed.

    It is closed with its last reference, because a thread that reads it may outlive the code that started the thread.
    Every call may block for as long as the storage does.
    """

    def __init__(self, path: str, descriptor: int, since: float) -> None:
        self.path = path
        self.since = since
        """A time, on the monotonic clock, at which its domain was being dumped to it."""
        self.first_seen, self.last_seen = inf, -inf
        """The first and the last known time, on the same clock, at which whatever writes the dump was at work on it."""
        self._descriptor = descriptor

    @classmethod
    def open(
        cls, path: str | Path, through: str | Path | None = None, since: float | None = None, *, devices: bool = False
    ) -> Self:
        """Open the file at `path`, or reach it `through` another name. OperationFailed if that is impossible,
        Unreadable where that says nothing about the file.

        `since` defaults to now. A block device is opened only if `devices` are allowed: it does not record when it was
        written, nor where the data written last ends.
        """
        since = time.monotonic() if since is None else since
        label, reached = clean(str(path)), through or path
        try:
            # Looked at before it is opened: opening a FIFO would make us the reader that a dump waits for.
            mode = os.stat(reached).st_mode
            if stat.S_ISBLK(mode) and not devices:
                raise OperationFailed(f"{label} is a block device: nothing separates a dump from older data on it")
            if not (stat.S_ISREG(mode) or stat.S_ISBLK(mode)):
                raise OperationFailed(f"{label} is not a regular file")
            return cls(str(path), os.open(reached, os.O_RDONLY | os.O_CLOEXEC), since)
        except FileNotFoundError as error:
            raise OperationFailed(f"cannot read {label}: {error.strerror}") from None
        except OSError as error:
            raise Unreadable(f"cannot read {label}: {error.strerror}") from None

    @property
    def linked(self) -> bool:
        """Whether the file still has a name somewhere."""
        return os.fstat(self._descriptor).st_nlink > 0

    @property
    def modified(self) -> float:
        """When it was last written to, in seconds since the epoch."""
        return os.fstat(self._descriptor).st_mtime

    @property
    def created(self) -> float | None:
        """When the file was created, in seconds since the epoch; None if that is not known."""
        return birth(self._descriptor)

    @property
    def device(self) -> bool:
        """Whether it is a block device."""
        return stat.S_ISBLK(os.fstat(self._descriptor).st_mode)

    @property
    def size(self) -> int:
        """In bytes; that of the whole device, if it is one."""
        if self.device:
            return os.lseek(self._descriptor, 0, os.SEEK_END)
        return os.fstat(self._descriptor).st_size

    @contextmanager
    def reader(self) -> Iterator[BinaryIO]:
        """The file from its beginning; it stays held afterwards. Others may read it at the same time."""
        with io.BufferedReader(_Reader(self._descriptor)) as file:
            yield file

    def __del__(self) -> None:
        os.close(self._descriptor)


class _Reader(io.RawIOBase):
    """A descriptor read at a position of its own: that of the descriptor is shared by all who read through it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._position = 0

    def fileno(self) -> int:
        return self._descriptor

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_END:
            offset = os.lseek(self._descriptor, offset, whence)  # Also that of a block device.
        self._position = offset + (self._position if whence == os.SEEK_CUR else 0)
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        count = os.preadv(self._descriptor, [buffer], self._position)
        self._position += count
        return count
