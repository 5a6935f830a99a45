"""Honest numbers for one job, made from its samples."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from backend.model import JobStats

RATE_WINDOW = 5.0
"""Seconds that the rate is averaged over."""
STALLED_AFTER = 5.0
"""Seconds without a change after which a job counts as stalled."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a job stands. Sizes in bytes, times in seconds."""

    stats: JobStats
    fraction: float | None
    """0 to 1, never backwards for one job; None while the total is not known."""
    rate: float | None
    """Bytes a second, lately; None until two samples tell."""
    eta: float | None
    """An estimate; None where the rate gives none."""
    stalled: float
    """Seconds since anything moved, once that is long enough to tell; else 0. Never while the file is closed."""


class ProgressMeter:
    """Turns samples of *one* job into Progress. `now` is a monotonic clock of the caller's, in seconds."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()
        self._fraction = 0.0
        self._moved_at: float | None = None

    def update(self, stats: JobStats, now: float) -> Progress:
        processed, total = stats.processed, stats.total
        if not self._samples or self._samples[-1][1] != processed:
            self._moved_at = now
        self._samples.append((now, processed))
        while len(self._samples) > 2 and self._samples[1][0] <= now - RATE_WINDOW:
            self._samples.popleft()
        if total > 0:
            self._fraction = max(self._fraction, min(1.0, processed / total))
        idle = 0.0 if stats.closing or self._moved_at is None else now - self._moved_at
        rate = self._rate()
        return Progress(
            stats=stats,
            fraction=self._fraction if total > 0 else None,
            rate=rate,
            eta=stats.remaining / rate if rate and not stats.closing else None,
            stalled=idle if idle >= STALLED_AFTER else 0.0,
        )

    def _rate(self) -> float | None:
        (first, begun), (last, done) = self._samples[0], self._samples[-1]
        return max(0.0, (done - begun) / (last - first)) if last > first else None
