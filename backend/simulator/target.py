"""The real file that a simulated dump writes: a marker, then the domain's memory, sparse, which ends with a mark."""

from __future__ import annotations

import contextlib
import os

from backend.dumpfile import SIMULATED_END, SIMULATED_MAGIC
from backend.model import DumpFormat


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
    target = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.pwrite(target, SIMULATED_END, len(marker(format)) + memory - len(SIMULATED_END))
    finally:
        os.close(target)


def remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


def _open(path: str, how: int) -> int:
    # Without O_NONBLOCK a pipe that nobody reads would hold up the whole simulator.
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC | how, 0o600)
