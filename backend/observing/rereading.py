"""When files that others write to are read again."""

from __future__ import annotations

import time
from collections.abc import Sequence

from backend.records.database import Signature

ANYWAY = 2.0
"""Seconds after which they are read even if nothing was written: processes end without a word."""


class Rereading:
    """Knows what the files looked like when they were last read.

    `signatures` are those that they have before they are read, so that what is written meanwhile is read again.
    """

    def __init__(self) -> None:
        self._signatures: Sequence[Signature] = ()
        self._due = 0.0

    def begin(self, signatures: Sequence[Signature]) -> None:
        """They are read now."""
        self._signatures, self._due = signatures, time.monotonic() + ANYWAY

    def begin_if_due(self, signatures: Sequence[Signature]) -> bool:
        """Whether they may say something new; if so, they are read now."""
        due = signatures != self._signatures or time.monotonic() >= self._due
        if due:
            self.begin(signatures)
        return due
