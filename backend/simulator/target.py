"""The file of a simulated dump: a magic number with the format, sparse memory, and a mark at the end."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
from collections.abc import Iterator

from backend.dump_request import DumpFormat
from backend.files import simulated
from backend.log import ignored

logger = logging.getLogger(__name__)


def marker(dump_format: DumpFormat) -> bytes:
    """The bytes that a dump in that format begins with."""
    return simulated.MAGIC + str(int(dump_format)).encode()


def create(path: str, dump_format: DumpFormat) -> bool:
    """Create or truncate the file and write its marker. Returns whether it is a new file; OSError if that fails."""
    try:
        target, created = _open(path, os.O_EXCL), True
    except FileExistsError:
        target, created = _open(path, os.O_TRUNC), False
    try:
        os.write(target, marker(dump_format))
    finally:
        os.close(target)
    return created


def finish(path: str, dump_format: DumpFormat, memory: int) -> None:
    """Extend the file to its full length, with the mark at its end. OSError if that fails."""
    with _own(path, dump_format) as target:
        os.pwrite(target, simulated.END, len(marker(dump_format)) + memory - len(simulated.END))


def remove(path: str, dump_format: DumpFormat) -> None:
    """Remove the unfinished file, if it is still the one that `create` made."""
    with ignored(logger, "a simulated dump's file stays", OSError), _own(path, dump_format):
        os.unlink(path)


@contextlib.contextmanager
def _own(path: str, dump_format: DumpFormat) -> Iterator[int]:
    """Open the file that `create` made. OSError if another file has taken its place."""
    target = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if os.pread(target, len(marker(dump_format)), 0) != marker(dump_format):
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        yield target
    finally:
        os.close(target)


def _open(path: str, mode: int) -> int:
    # Without O_NONBLOCK, a pipe without a reader would block the whole simulator.
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC | mode, 0o600)
