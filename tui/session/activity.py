"""What happened: results that matter, which are kept until the user acknowledges them, and everything else."""

from __future__ import annotations

import time
from bisect import insort
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from backend.outcome import Outcome, Verdict
from backend.records.entry import JobEntry
from tui.session.activity_log import Tone
from tui.words import outcomes

MOST = 200
"""Entries; older ones are forgotten."""
MOST_KEPT = 50
"""Entries that are kept on top; of more, the oldest are like all others again, the user's own last."""
BAD = (Verdict.FAILED, Verdict.UNPROVEN)
ECHO_TIME, LATEST = 3.0, 5
"""A message that one of so many latest entries has said within so many seconds, the activity has already."""


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
    own: bool = False
    """Whether it is the result of something that the user requested."""
    job: JobEntry | None = None
    """The job that has ended, as it is remembered."""
    counts: str = ""
    """What it counts, of an entry that does."""
    count: int = 0

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
        self.kept: list[Entry] = []
        """What the user has not acknowledged: first their own results, then those of others; newest first."""
        self.others: list[Entry] = []
        """All others, newest first."""
        self._latest = deque[Entry](maxlen=LATEST)
        self._clock = clock or time.time
        self._next = 0

    @property
    def latest(self) -> Entry | None:
        """The entry that was added last."""
        return self._latest[-1] if self._latest else None

    def say(self, subject: str, words: str, tone: Tone = Tone.PLAIN, keep: bool = False) -> None:
        for entry in list(self.kept) if keep else ():
            if (entry.subject, entry.words) == (subject, words):
                self._remove(entry)  # It has happened again.
        self._add(Entry(self._number(), self._clock(), subject, words, tone, own=keep), keep)

    def count(self, subject: str, number: int, singular: str, plural: str, keep: bool = False) -> None:
        for entry in list(self.kept) if keep else list(self._latest)[-1:]:
            if (entry.subject, entry.counts) == (subject, plural):
                number += entry.count
                self._remove(entry)
        words, tone = f"{number} {singular if number == 1 else plural}", Tone.WARNING if keep else Tone.QUIET
        self._add(Entry(self._number(), self._clock(), subject, words, tone, counts=plural, count=number), keep)

    def tell(self, outcome: Outcome, job: JobEntry | None = None, own: bool = False) -> None:
        subject, words = outcome.domain.name, outcomes.news(outcome)
        entry = Entry(self._number(), self._clock(), subject, words, outcome.verdict, own, job)
        self._add(entry, own or outcome.verdict in BAD)

    def note(self, message: str, tone: Tone) -> None:
        """Add what the user is told elsewhere, unless that is here already."""
        now = self._clock()
        if not any(entry.says(message) and now - entry.at < ECHO_TIME for entry in self._latest):
            self.say("", message, tone)

    def acknowledge(self, entry: Entry) -> None:
        """Keep it no longer: it goes where it belongs in time."""
        if entry in self.kept:
            self._let_go(entry)
            self.changed()

    def acknowledge_all(self) -> None:
        """Keep nothing any longer."""
        for entry in list(self.kept):
            self._let_go(entry)
        self.changed()

    def _number(self) -> int:
        self._next += 1
        return self._next

    def _add(self, entry: Entry, keep: bool) -> None:
        self._latest.append(entry)
        if keep:
            insort(self.kept, entry, key=lambda other: (not other.own, -other.number))
            if len(self.kept) > MOST_KEPT:
                self._let_go(self.kept[-1])
        else:
            self.others.insert(0, entry)
            del self.others[MOST:]
        self.changed()

    def _remove(self, entry: Entry) -> None:
        for entries in (self.kept, self.others):
            if entry in entries:
                entries.remove(entry)

    def _let_go(self, entry: Entry) -> None:
        """Move it from what is kept to the others."""
        self.kept.remove(entry)
        insort(self.others, entry, key=lambda other: -other.number)
        del self.others[MOST:]
