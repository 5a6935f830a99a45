"""Where a session reports what happens."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from backend.outcome import Outcome
from backend.records.entry import JobEntry


class Tone(Enum):
    PLAIN = "plain"
    QUIET = "quiet"
    WARNING = "warning"
    ERROR = "error"


class ActivityLog(Protocol):
    """Entries of one line each, newest first. A subject is the name of a domain or a host.

    What is kept stays on top until the user acknowledges it: results of what the user requested, and bad ones.
    """

    def say(self, subject: str, words: str, tone: Tone = Tone.PLAIN, keep: bool = False) -> None:
        """Add an entry."""

    def count(self, subject: str, number: int, singular: str, plural: str, keep: bool = False) -> None:
        """Add to a counting entry like ``12 jobs started or finished`` if that is the newest entry, or begin one."""

    def tell(self, outcome: Outcome, job: JobEntry | None = None, own: bool = False) -> None:
        """Add how a job ended, and keep it if that is not good. `own`: the user requested or waited for it."""
