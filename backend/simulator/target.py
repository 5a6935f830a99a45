"""The real file that a simulated dump writes: a marker, then the domain's memory, sparse."""

from __future__ import annotations

import contextlib
import os

from backend.model import DumpFormat

MAGIC = "TestGuestMagic"
"""What libvirt's test driver begins its files with."""


def marker(format: DumpFormat) -> bytes:
    return f"{MAGIC}_{int(format)}".encode()


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
    """Give the file its whole length. OSError where it cannot be."""
    os.truncate(path, len(marker(format)) + memory)


def remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)


def _open(path: str, how: int) -> int:
    # Without O_NONBLOCK a pipe that nobody reads would hold up the whole simulator.
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC | how, 0o600)
