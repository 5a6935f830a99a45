"""The rounds of a live migration: each sends the memory that the guest has written during the one before.

Whether the rounds become short enough for the rest to be sent while the guest stands still follows from numbers alone.
Times are in seconds after the migration's begin, sizes in bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from backend.simulator.plans.plan import PAGE


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast memory is sent and written."""

    speed: float
    """Bytes per second that are sent."""
    dirtying: float
    """Bytes per second that the guest writes."""
    working_set: int
    """The guest writes to so many bytes of its memory and no more."""
    max_downtime: float
    """Seconds that the guest may stand still."""

    def downtime(self, size: int) -> float:
        """Seconds that it takes to send so many bytes."""
        return size / self.speed


@dataclass(frozen=True, slots=True)
class Round:
    """A round, or what was left of it at the moment `since`, when the pace last changed."""

    number: int
    begun: float
    size: int
    """What was dirty when it began."""
    since: float
    left: int
    """What was still to be sent at `since`."""
    sent: int
    """What the migration had sent by then."""
    dirty_rate: int = 0
    """Bytes per second that the guest wrote during the round before."""

    def end(self, pace: Pace) -> float:
        """When everything is sent."""
        return self.since + self.left / pace.speed

    def left_at(self, now: float, pace: Pace) -> int:
        """What is still to be sent at `now`."""
        return max(0, min(self.left, int(self.left - pace.speed * (now - self.since))))

    def dirtied(self, now: float, pace: Pace) -> int:
        """What the guest has written by `now` since the round began."""
        return int(min(pace.working_set, pace.dirtying * (now - self.begun))) // PAGE * PAGE

    def changed(self, now: float, pace: Pace) -> Round:
        """The round, if the pace changes at `now`; `pace` is the one until then."""
        left = self.left_at(now, pace)
        return replace(self, since=now, left=left, sent=self.sent + self.left - left)

    def following(self, pace: Pace) -> Round:
        """The round after it."""
        end = self.end(pace)
        size = self.dirtied(end, pace)
        rate = int(size / (end - self.begun)) if end > self.begun else 0
        return Round(self.number + 1, end, size, end, size, self.sent + self.left, rate)


def last_round(current: Round, pace: Pace) -> Round | None:
    """The round in which the guest stands still; None: the migration never gets there at this pace."""
    while True:
        following = current.following(pace)
        if pace.downtime(following.size) <= pace.max_downtime:
            return following
        # What a whole round leaves behind decides about the size of the next, so from here on they never shrink.
        if current.left == current.size <= following.size:
            return None
        current = following


def round_at(current: Round, pace: Pace, now: float, last: float) -> Round:
    """The round at `now`, which is not before `current`; the one that begins at `last` or later is the last one."""
    while current.begun < last and (end := current.end(pace)) <= now:
        following = current.following(pace)
        if current.left == current.size == following.size and following.begun < last:
            # From here on all rounds are alike.
            length = following.end(pace) - end
            times = int((now - end) / length)
            begun = end + times * length
            sent = following.sent + times * following.size
            return replace(following, number=following.number + times, begun=begun, since=begun, sent=sent)
        current = following
    return current
