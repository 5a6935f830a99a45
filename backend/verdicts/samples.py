"""The samples that were taken of one job, and whether further ones can be the same job's."""

from __future__ import annotations

from collections import deque

from backend.job_stats import JobStats

GAP = 2.0
"""Seconds between two samples in which an unseen job may have come and gone."""
START_SLACK = 1.0
"""Seconds by which two estimates of one job's start may differ."""
CLOCK_SLACK = 0.02
"""The same between two quick samples, when no clock was set in between: milliseconds are rounded."""
SLEW = 0.001
"""Seconds per second by which a clock that is not set may be slowed or hurried: twice of what Linux allows."""

LOOKS = 50
"""Samples of which it is remembered when they were taken."""
FASTEST = 32 << 30
"""Bytes a second that no dump writes or skips: one thread of the hypervisor reads the memory, and none is as fast."""


def began(stats: JobStats, at: float) -> float:
    """When a job began that has these stats at that time."""
    return at - stats.time_elapsed / 1000


class Samples:
    """What identifies a job are its start, by its elapsed time, and its progress.

    Times are the caller's monotonic clock, in seconds.
    """

    def __init__(self) -> None:
        self.last: JobStats | None = None
        """The latest one."""
        self.sent = 0.0
        """When that was asked for."""
        self._at = 0.0
        self._looks: deque[tuple[float, float]] = deque(maxlen=LOOKS)
        """When the latest ones were requested, and when they were there."""
        self._started_from = 0.0
        self._started_by = 0.0

    @property
    def seen_at(self) -> float | None:
        """When the latest one came."""
        return self._at if self.last is not None else None

    def take(self, stats: JobStats, sent: float, now: float) -> None:
        """Keep one more sample of this very job; the request was sent at `sent`."""
        started = began(stats, sent), began(stats, now)
        if self.last is not None:
            if started[1] < self._started_from - START_SLACK:
                started = self._started_from, self._started_by  # Its clock was set forward since.
            started = min(self._started_from, started[0]), min(self._started_by, started[1])
        self._started_from, self._started_by = started
        self.last, self.sent, self._at = stats, sent, now
        self._looks.append((sent, now))

    def follow_on(self, stats: JobStats, sent: float, now: float) -> bool:
        """Whether stats requested at `sent` can be the same job's, later."""
        last = self.last
        if last is None:
            return True
        if last.closing and not stats.closing:
            return False  # What was finished does not begin anew.
        if last.time_elapsed == 0 and stats.processed < last.processed and not stats.closing:
            return False  # What its clock does not tell, since libvirt has forgotten its start, its bytes do.
        if (last.closing or not stats.closing) and self._began_since(last, stats, sent, now):
            return False
        if sent - self._at >= GAP and not stats.closing:
            # No clock tells that it went on unless it began at the same time: clocks may have been set meanwhile.
            return self._began_together(stats, sent, now) or (stats.time_elapsed == 0 and _moved_on(last, stats))
        if stats.time_elapsed < last.time_elapsed:
            # A clock that was set back does that to the same job, too.
            return self._is_older_than_gap(stats, now) or (_moved_on(last, stats) and sent - self._at < GAP)
        return True

    def successor_began(self, stats: JobStats, sent: float) -> float:
        """When the job with these stats began, which followed this one, at the earliest.

        If nobody looked for a while, a clock that was set may be all that tells the two apart: then its word on the
        begin is worth nothing, and this job may be at work still.
        """
        if self.last is not None and stats.operation == self.last.operation and sent - self._at >= GAP:
            return min(self._at, began(stats, sent))
        return began(stats, sent)

    def _is_older_than_gap(self, stats: JobStats, now: float) -> bool:
        """Whether the job had begun by the latest sample, when the domain had no other one, whatever its clock says."""
        return stats.time_elapsed / 1000 > now - self.sent + START_SLACK

    def _began_together(self, stats: JobStats, sent: float, now: float) -> bool:
        """Whether the job with these stats began when this one did, by a clock that was at most slowed or hurried."""
        slack = CLOCK_SLACK + SLEW * (now - self.sent)
        return began(stats, sent) - slack <= self._started_by and self._started_from <= began(stats, now) + slack

    def _began_since(self, last: JobStats, stats: JobStats, sent: float, now: float) -> bool:
        """Whether `stats` can only be those of a job that began after the latest sample, `last`, and lasted longer.

        libvirt lets the time elapsed of a raw dump stand still while it closes the file; of a short one, that is soon
        less than the next job's.
        """
        if not 0 < last.time_elapsed < stats.time_elapsed:
            return False
        return began(stats, now) >= self.sent and began(stats, sent) > self._started_by + CLOCK_SLACK

    def going_on(self, at: float) -> bool:
        """Whether the job had begun by then, within the precision of milliseconds, and not ended."""
        return self.last is not None and self._started_from - CLOCK_SLACK <= at <= self.sent

    def begun_by(self, at: float) -> bool:
        """Whether the job had begun by then, by the earliest estimate."""
        return self.last is not None and self._started_from - CLOCK_SLACK <= at

    def taken_between(self, first: float, last: float) -> bool:
        """Whether the job was looked at, and there, between these two times; no clock but the caller's matters."""
        return any(first <= sent and there <= last for sent, there in self._looks)

    def end_with(self, final: JobStats, now: float) -> bool:
        """Whether stats reported at a job's end can be this job's, not those of the job before it."""
        last = self.last
        if last is None:
            return True
        # An answer may take long, and tells the time elapsed from right after its question on.
        longest = last.time_elapsed / 1000 + now - self.sent + CLOCK_SLACK
        return last.time_elapsed <= final.time_elapsed <= longest * 1000

    def may_have_finished(self, now: float) -> bool:
        """Whether what remained at the latest sample may have been written since then, at whatever pace."""
        return self.last is None or self.last.remaining <= FASTEST * (now - self.sent)


def _moved_on(last: JobStats, stats: JobStats) -> bool:
    """Whether the same bytes go on: by a job that has not stopped, even if it makes no progress."""
    if stats.total != last.total or not last.processed:
        return False
    return stats.processed > last.processed or stats.processed == last.processed < stats.total
