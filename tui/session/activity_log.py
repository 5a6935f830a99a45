"""Where a session reports what happens."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from backend.outcome import Outcome


class Tone(Enum):
    PLAIN = "plain"
    QUIET = "quiet"
    WARNING = "warning"
    ERROR = "error"


class ActivityLog(Protocol):
    """Entries of one line each, newest first. A subject is the name of a domain or a host."""

    def say(self, subject: str, words: str, tone: Tone = Tone.PLAIN) -> None:
        """Add an entry."""

    def count(self, subject: str, number: int, singular: str, plural: str) -> None:
        """Add to a counting entry like ``12 jobs started or finished`` if that is the newest entry, or begin one."""

    def tell(self, outcome: Outcome) -> None:
        """Add how a job ended."""
