"""What happened: results that matter, which are kept until the user acknowledges them, and everything else."""

from __future__ import annotations

import time
from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass

from backend.outcome import Outcome, Verdict
from backend.records.entry import JobEntry
from tui.session.activity_log import Tone
from tui.words import outcomes

MOST = 200
"""Entries; older ones are forgotten."""
MOST_KEPT = 50
"""Entries that are kept on top; the oldest of more are like all others again."""
BAD = (Verdict.FAILED, Verdict.UNPROVEN)
ECHO_TIME = 3.0
"""Seconds in which a message says what the activity says already."""


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One thing that happened."""

    number: int
    """Entries are numbered as they come."""
    at: float
    """Seconds since the epoch."""
    subject: str
    """The name of a domain or a host; empty: it is about the console."""
    words: str
    tone: Tone | Verdict
    job: JobEntry | None = None
    """The job that has ended, as it is remembered."""

    def says(self, message: str) -> bool:
        """Whether that message says nothing else."""
        rest = message.removeprefix(self.subject).lstrip(": ")
        return bool(rest) and self.words.endswith(rest)


class Activity:
    """An ActivityLog. `changed` is called whenever there is something new to show.

    `clock`: seconds since the epoch; None: the system's.
    """

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self.changed: Callable[[], object] = lambda: None
        self._clock = clock or time.time
        self._next = 0
        self._kept: list[Entry] = []
        self._others: list[Entry] = []
        """Newest first, as those that are kept."""
        self._counted: tuple[str, str, int, Entry] | None = None
        """The subject, the words and the number of the newest entry, if it counts."""

    @property
    def newest(self) -> int:
        """The number of the latest entry; 0 before the first one."""
        return self._next

    @property
    def kept(self) -> list[Entry]:
        """Those that the user has not acknowledged, newest first."""
        return self._kept

    @property
    def others(self) -> list[Entry]:
        """All others, newest first."""
        return self._others

    def say(self, subject: str, words: str, tone: Tone = Tone.PLAIN, keep: bool = False) -> None:
        self._counted = None
        self._add(subject, words, tone, keep)

    def count(self, subject: str, number: int, singular: str, plural: str, keep: bool = False) -> None:
        if self._counted is not None and self._counted[:2] == (subject, plural):
            *_, before, entry = self._counted
            number += before
            self._forget(entry)
        words = f"{number} {singular if number == 1 else plural}"
        entry = self._add(subject, words, Tone.WARNING if keep else Tone.QUIET, keep)
        self._counted = subject, plural, number, entry

    def tell(self, outcome: Outcome, job: JobEntry | None = None, own: bool = False) -> None:
        self._counted = None
        keep = own or outcome.verdict in BAD
        self._add(outcome.domain.name, outcomes.news(outcome), outcome.verdict, keep, job)

    def note(self, message: str, tone: Tone) -> None:
        """Add what the user is told elsewhere, unless that is here already."""
        now = self._clock()
        newest = (*self._kept[:3], *self._others[:3])
        if not any(entry.says(message) and now - entry.at < ECHO_TIME for entry in newest):
            self.say("", message, tone)

    def acknowledge(self, entry: Entry) -> None:
        """Keep it no longer: it goes where it belongs in time."""
        if entry in self._kept:
            self._kept.remove(entry)
            self._let_go(entry)
            self.changed()

    def _add(self, subject: str, words: str, tone: Tone | Verdict, keep: bool, job: JobEntry | None = None) -> Entry:
        self._next += 1
        entry = Entry(self._next, self._clock(), subject, words, tone, job)
        if keep:
            self._kept.insert(0, entry)
            if len(self._kept) > MOST_KEPT:
                self._let_go(self._kept.pop())
        else:
            self._others.insert(0, entry)
            del self._others[MOST:]
        self.changed()
        return entry

    def _forget(self, entry: Entry) -> None:
        for entries in (self._kept, self._others):
            if entry in entries:
                entries.remove(entry)

    def _let_go(self, entry: Entry) -> None:
        insort(self._others, entry, key=lambda other: -other.number)
        del self._others[MOST:]
