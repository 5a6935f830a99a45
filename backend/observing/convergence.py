"""Whether a live migration will end by itself, judged from its samples.

QEMU sends the memory of the running guest in passes, libvirt's iterations. The first one sends everything, each further
one what the guest wrote to during the one before. A pass ends when the rest can be sent within the allowed downtime. If
that holds even with what the guest wrote to meanwhile, QEMU stops the guest and sends it; else the next pass begins.
What a pass leaves is known only at its end, when `memory_dirty_rate` and `downtime` are set anew.

So nothing tells during the first pass when the migration will end; and from then on, the time left is only told where
the end is in sight: where no more is left than is allowed, or where two passes exceeded that by steadily less.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from backend.job_stats import JobStats, Postcopy
from backend.model import JobOperation

KEEPS_UP = 0.9
"""The part of the link's rate from which on a guest that writes as fast counts as one that keeps up with it: each pass
would be hardly shorter than the one before."""
STEADY = 0.8
"""How much of the excess of one pass the next one may have at the most, for those to come to be foretold."""
WINDOW = 5.0
"""Seconds that rates are averaged over."""
SHORTEST = 1.0
"""Seconds that must have been seen for that; until then, QEMU's own rate of the last 100 ms is taken."""


class Course(StrEnum):
    FIRST_PASS = "first pass"
    SECOND_PASS = "second pass"
    """What the guest wrote to during the first pass is being sent; how much of it the guest writes to again in the
    meantime, which is shorter, is not known yet."""
    CONVERGING = "converging"
    NOT_CONVERGING = "not converging"
    POSTCOPY = "post-copy"
    """The guest runs on the other host: what remains only becomes less."""
    POSTCOPY_FAILED = "post-copy failed"


@dataclass(frozen=True, slots=True)
class Convergence:
    """Where a migration stands. Times in seconds, rates in bytes a second; None: not known."""

    course: Course
    iteration: int
    dirty_rate: float | None
    """What the guest wrote to in the last whole pass; None during the first one."""
    bandwidth: float | None
    """What is sent."""
    downtime: float | None
    """How long the guest would have had to stand still after the last whole pass; None during the first one."""
    max_downtime: float | None
    """How long it may."""
    pass_left: float | None
    """Until the end of this pass, or of the post-copy phase."""
    left: float | None
    """Until the end of the migration; None where that cannot be told."""
    throttle: int
    """Percent of its time that QEMU takes from the guest to slow it down."""

    @property
    def needs_help(self) -> bool:
        """Whether it will not end unless somebody helps."""
        return self.course in (Course.NOT_CONVERGING, Course.POSTCOPY_FAILED)


class ConvergenceMeter:
    """Turns samples of *one* migration into Convergence. `now` is a monotonic clock of the caller's, in seconds."""

    def __init__(self) -> None:
        self._phase: tuple[int, Postcopy | None] = (0, None)
        """The iteration, and whether it is post-copy."""
        self._samples: deque[tuple[float, int]] = deque()
        """When how much remained, in this pass."""
        self._sent: deque[tuple[int, int]] = deque()
        """How many bytes had been sent after so many ms, by the migration's own clock."""
        self._start = 0
        """The most that was seen to remain in this pass."""
        self._unseen = 0.0
        """How much more it may have been when the pass began."""
        self._starts_before: list[int] = []
        """The same of the passes right before, but for the first one, oldest first."""

    def update(self, stats: JobStats, now: float) -> Convergence | None:
        """None for other jobs, and until there are numbers."""
        if stats.operation != JobOperation.MIGRATION_OUT or not stats.total or stats.closing:
            return None
        self._learn(stats, now)
        iteration = stats.memory_iteration or 1
        bandwidth = self._rate() or stats.memory_bps
        pace = self._pace() or stats.memory_bps
        first = iteration <= 1
        dirty_rate = None if first else float((stats.memory_dirty_rate or 0) * (stats.memory_page_size or 0))
        downtime = None if first else self._downtime(stats, bandwidth)
        max_downtime = None if stats.max_downtime is None else stats.max_downtime / 1000
        pass_left = stats.remaining / pace if pace else None
        course, left = Course.FIRST_PASS, None
        if stats.postcopy is Postcopy.FAILED:
            course, pass_left = Course.POSTCOPY_FAILED, None
        elif stats.postcopy is Postcopy.ACTIVE:
            course, left = Course.POSTCOPY, pass_left
        elif dirty_rate is not None:
            left = self._left(downtime, max_downtime, pass_left)
            stuck = left is None and self._keeps_up(dirty_rate, bandwidth)
            undecided = iteration == 2 and left is None
            course = Course.SECOND_PASS if undecided else Course.CONVERGING
            course = Course.NOT_CONVERGING if stuck else course
        return Convergence(
            course=course,
            iteration=iteration,
            dirty_rate=dirty_rate,
            bandwidth=bandwidth,
            downtime=downtime,
            max_downtime=max_downtime,
            pass_left=pass_left,
            left=left,
            throttle=stats.auto_converge_throttle or 0,
        )

    def _learn(self, stats: JobStats, now: float) -> None:
        phase = stats.memory_iteration or 1, stats.postcopy
        if phase != self._phase:
            whole = self._phase[0] > 1 and phase == (self._phase[0] + 1, None)
            self._starts_before = [*self._starts_before[-1:], self._start] if whole else []
            self._phase, self._start = phase, 0
            self._unseen = (now - self._samples[-1][0]) * (stats.memory_bps or 0) if self._samples else 0.0
            self._samples.clear()
        self._start = max(self._start, stats.remaining)
        self._samples.append((now, stats.remaining))
        while len(self._samples) > 2 and self._samples[1][0] <= now - WINDOW:
            self._samples.popleft()
        self._sent.append((stats.time_elapsed, stats.processed))
        while len(self._sent) > 2 and self._sent[1][0] <= stats.time_elapsed - WINDOW * 1000:
            self._sent.popleft()

    def _rate(self) -> float | None:
        """Bytes a second that are sent; None if too little was seen of it."""
        (since, before), (now, sent) = self._sent[0], self._sent[-1]
        seconds = (now - since) / 1000
        return (sent - before) / seconds if seconds >= SHORTEST else None

    def _pace(self) -> float | None:
        """Bytes a second by which what remains becomes less; None if it does not, or nobody knows yet."""
        (since, before), (now, remaining) = self._samples[0], self._samples[-1]
        return (before - remaining) / (now - since) if now > since and before > remaining else None

    def _keeps_up(self, dirty_rate: float, bandwidth: float | None) -> bool:
        """Whether the guest writes about as fast as its memory is sent."""
        return not bandwidth or dirty_rate / bandwidth >= KEEPS_UP

    def _downtime(self, stats: JobStats, bandwidth: float | None) -> float | None:
        # For a moment after a pass, QEMU's figure is still that of the pass before, or the default.
        figures = [self._start / bandwidth] if bandwidth else []
        if stats.downtime is not None:
            figures.append(stats.downtime / 1000)
        return max(figures, default=None)

    def _left(self, downtime: float | None, max_downtime: float | None, pass_left: float | None) -> float | None:
        """Seconds until the end, if that is in sight. `downtime`: that after the last pass.

        By how much passes exceed what is allowed becomes less at the same rate, as long as the guest writes to other
        pages at any time. One that writes to the same pages again and again seems slow in long passes, and gains in
        shorter ones.
        """
        if downtime is None or max_downtime is None or pass_left is None:
            return None
        if downtime <= max_downtime:
            return pass_left
        if len(self._starts_before) < 2:
            return None
        allowed = self._start / downtime * max_downtime
        first, second = (start - allowed for start in self._starts_before)
        third = self._start + self._unseen - allowed
        if not first > second > 0:
            return None
        ratio = third / second * max(1.0, third / second * first / second)
        if ratio > STEADY:
            return None
        return pass_left + (downtime - max_downtime) * ratio / (1 - ratio)
