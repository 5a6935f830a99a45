"""The file of a running dump, held open."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Self

from backend.errors import OperationFailed, Unreadable
from backend.text import clean


class DumpTarget:
    """A file held open, so that it stays the one that is meant, whatever becomes of its name.

    It is closed with its last reference: a thread that still reads it may outlive whoever started that.
    The calls may block for as long as the storage does.
    """

    def __init__(self, path: str, descriptor: int, since: float) -> None:
        self.path = path
        self.since = since
        """A time, on the monotonic clock, at which its domain was being dumped to it."""
        self._descriptor = descriptor

    @classmethod
    def open(
        cls, path: str | Path, through: str | Path | None = None, since: float | None = None, *, devices: bool = False
    ) -> Self:
        """Open the file at `path`, reached `through` another name of it where that is given. OperationFailed if not,
        Unreadable where that says nothing about the file.

        Its `since` is now, if it is not known better. A block device is opened only where `devices` are welcome: it
        does not say when it was written to, nor where what was written last ends.
        """
        since = time.monotonic() if since is None else since
        shown, reached = clean(str(path)), through or path
        try:
            # Looked at before it is opened: opening a FIFO would make us the reader that a dump waits for.
            mode = os.stat(reached).st_mode
            if stat.S_ISBLK(mode) and not devices:
                raise OperationFailed(f"{shown} is a block device: what was on it before is in no way marked off")
            if not (stat.S_ISREG(mode) or stat.S_ISBLK(mode)):
                raise OperationFailed(f"{shown} is not a regular file")
            return cls(str(path), os.open(reached, os.O_RDONLY | os.O_CLOEXEC), since)
        except FileNotFoundError as error:
            raise OperationFailed(f"cannot read {shown}: {error.strerror}") from None
        except OSError as error:
            raise Unreadable(f"cannot read {shown}: {error.strerror}") from None

    @property
    def linked(self) -> bool:
        """Whether the file still has a name somewhere."""
        return os.fstat(self._descriptor).st_nlink > 0

    @property
    def modified(self) -> float:
        """When it was last written to, in seconds since the epoch."""
        return os.fstat(self._descriptor).st_mtime

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
        """The file from its beginning; it stays held afterwards."""
        with open(self._descriptor, "rb", buffering=0, closefd=False) as file:
            file.seek(0)
            yield file

    def __del__(self) -> None:
        os.close(self._descriptor)
