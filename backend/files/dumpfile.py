"""What a dump file is."""

from __future__ import annotations

from dataclasses import dataclass

MIGRATION_STREAM = "migration stream"
"""The format of a raw dump, in words."""


@dataclass(frozen=True, slots=True)
class DumpFile:
    """The content of a file. `memory` is in bytes, None where the format does not say."""

    path: str
    format: str
    """In words; "unknown" for anything that is not a dump."""
    size: int
    whole: bool | None
    """Whether the file is complete; None if its format does not say."""
    detail: str
    """One sentence that says how that is known."""
    architecture: str | None = None
    memory: int | None = None

    @property
    def is_stream(self) -> bool:
        """Whether it is a raw dump."""
        return self.format == MIGRATION_STREAM
