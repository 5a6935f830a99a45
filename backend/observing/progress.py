"""Honest numbers for one job, made from its samples."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from backend.job_stats import JobStats
from backend.observing.convergence import Convergence, ConvergenceMeter

RATE_WINDOW = 5.0
"""Seconds that the rate is averaged over."""
STALLED_AFTER = 5.0
"""Seconds without a change after which a job counts as stalled."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a job stands. Sizes in bytes, times in seconds."""

    stats: JobStats
    fraction: float | None
    """0 to 1, never backwards for one job; None while the total is not known, and where what remains may grow."""
    rate: float | None
    """Bytes a second, lately; None until two samples tell."""
    eta: float | None
    """An estimate; None where the rate gives none, or the end of a migration is not in sight."""
    stalled: float
    """Seconds since anything moved, once that is long enough to tell; else 0. Never while the file is closed, nor once
    a disk's job is ready: then it has nothing to do unless the guest writes."""
    convergence: Convergence | None = None
    """Of a migration out."""


@dataclass(frozen=True, slots=True)
class _Sample:
    at: float
    processed: int
    """Bytes transferred or written."""
    done: int
    """Bytes that need no more work: more than were processed where pages were empty or constant."""


class ProgressMeter:
    """Turns samples of *one* job into Progress. `now` is a monotonic clock of the caller's, in seconds.

    One that goes on from what is `known` falls behind none of that: neither the fraction nor since when nothing moved.
    """

    def __init__(self, known: Progress | None = None, now: float = 0.0) -> None:
        self._samples: deque[_Sample] = deque()
        self._fraction = 0.0
        self._moved_at = 0.0
        self._convergence = ConvergenceMeter()
        if known is not None:
            self._samples.append(_sample(known.stats, now))
            self._fraction = known.fraction or 0.0
            self._moved_at = now - known.stalled

    def update(self, stats: JobStats, now: float) -> Progress:
        if not stats.measured:
            return Progress(stats, None, None, None, 0.0)
        sample = _sample(stats, now)
        last = self._samples[-1] if self._samples else None
        if last is None or (last.processed, last.done) != (sample.processed, sample.done):
            self._moved_at = now
        self._samples.append(sample)
        while len(self._samples) > 2 and self._samples[1].at <= now - RATE_WINDOW:
            self._samples.popleft()
        if stats.total > 0 and not stats.may_grow:
            self._fraction = max(self._fraction, min(1.0, sample.done / stats.total))
        copied = stats.closing or stats.ready is True
        idle = 0.0 if copied else now - self._moved_at
        first, seconds = self._samples[0], now - self._samples[0].at
        rate = max(0.0, (sample.processed - first.processed) / seconds) if seconds > 0 else None
        pace = (sample.done - first.done) / seconds if seconds > 0 else 0.0
        eta = stats.remaining / pace if pace > 0 and not copied else None
        convergence = self._convergence.update(stats, now)
        return Progress(
            stats=stats,
            fraction=self._fraction if stats.total > 0 and not stats.may_grow else None,
            rate=rate,
            eta=convergence.left if convergence is not None else None if stats.may_grow else eta,
            stalled=idle if idle >= STALLED_AFTER else 0.0,
            convergence=convergence,
        )


def _sample(stats: JobStats, at: float) -> _Sample:
    return _Sample(at, stats.processed, stats.total - stats.remaining)
