"""What the module of a format reports about the content of a file."""

from __future__ import annotations

from dataclasses import dataclass

HEAD = 1 << 16
"""Bytes that are read of the beginning: more than any header has."""


@dataclass(frozen=True, slots=True)
class Content:
    """See `DumpFile`."""

    format: str
    whole: bool | None
    detail: str
    architecture: str | None = None
    memory: int | None = None


class Damaged(Exception):
    """The file claims to be something that it cannot be."""


def measured(format_name: str, size: int, needed: int, architecture: str | None, memory: int | None) -> Content:
    """The content of a file whose headers, written first, say how many bytes are `needed`."""
    if size < needed:
        return Content(format_name, False, f"{needed - size} bytes are missing at its end.", architecture, memory)
    return Content(format_name, True, "Everything that its headers announce is in the file.", architecture, memory)
