"""The real file that a simulated dump writes: a marker, then the domain's memory, sparse, which ends with a mark."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
from collections.abc import Iterator

from backend.files.dumpfile import SIMULATED_END, SIMULATED_MAGIC
from backend.log import ignored
from backend.model import DumpFormat

logger = logging.getLogger(__name__)


def marker(format: DumpFormat) -> bytes:
    return SIMULATED_MAGIC + str(int(format)).encode()


def create(path: str, format: DumpFormat) -> bool:
    """Create or truncate the file and write its marker. Whether it is a new one; OSError where it cannot be."""
    try:
        target, created = _open(path, os.O_EXCL), True
    except FileExistsError:
        target, created = _open(path, os.O_TRUNC), False
    try:
        os.write(target, marker(format))
    finally:
        os.close(target)
    return created


def finish(path: str, format: DumpFormat, memory: int) -> None:
    """Give the file its whole length and its end. OSError where it cannot be."""
    with _own(path, format) as target:
        os.pwrite(target, SIMULATED_END, len(marker(format)) + memory - len(SIMULATED_END))


def remove(path: str, format: DumpFormat) -> None:
    """Remove what is there of the file."""
    with ignored(logger, "a simulated dump's file stays", OSError), _own(path, format):
        os.unlink(path)


@contextlib.contextmanager
def _own(path: str, format: DumpFormat) -> Iterator[int]:
    """The file that `create` made. OSError where somebody put something else in its place meanwhile."""
    target = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if os.pread(target, len(marker(format)), 0) != marker(format):
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        yield target
    finally:
        os.close(target)


def _open(path: str, how: int) -> int:
    # Without O_NONBLOCK a pipe that nobody reads would hold up the whole simulator.
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC | how, 0o600)
