"""How many jobs have failed, or ended without proof, since the console was started."""

from __future__ import annotations

import time
from collections import Counter

from backend.outcome import Outcome, Verdict
from backend.records.entry import JobEntry

KEPT = 1000
"""Jobs whose verdicts can change yet."""


class Tally:
    """`since`: what ended before is history (seconds since the epoch; None: now)."""

    def __init__(self, since: float | None = None) -> None:
        self._since = time.time() if since is None else since
        self._numbers = Counter[Verdict]()
        self._counted: dict[str, Verdict] = {}
        """By the ids of the jobs that were counted last."""

    @property
    def failed(self) -> int:
        return self._numbers[Verdict.FAILED]

    @property
    def unproven(self) -> int:
        return self._numbers[Verdict.UNPROVEN]

    def take(self, entry: JobEntry, counted: Verdict | None = None) -> None:
        """Count how that job ended, if it has; what is known better now, anew. `counted`: what was added of it."""
        if entry.verdict is None or entry.ended is None or entry.ended < self._since:
            return
        if (before := self._counted.pop(entry.id, counted)) is not None:
            self._numbers[before] -= 1
        self._numbers[entry.verdict] += 1
        self._counted[entry.id] = entry.verdict
        if len(self._counted) > KEPT:
            del self._counted[next(iter(self._counted))]

    def add(self, outcome: Outcome) -> None:
        """Count how a job ended that nothing is remembered of."""
        self._numbers[outcome.verdict] += 1
