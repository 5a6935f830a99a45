"""The phases of an attachment, and until when each waits for news.

    Starting ─▶ Running ─▶ Closing ─▶ Ended, or Succeeded if another job was seen to follow
        ├──────────┼──────────┴─▶ Orphaned ─▶ Ended       (the daemon died, and is back without the job)
        └──────────┴─▶ Broken ─▶ Running, or Ended        (a post-copy failed, and was recovered, or not in time)

The connection is another matter: it may be lost in any phase.
"""

from __future__ import annotations

from dataclasses import dataclass

from backend.verdicts.claims import RecordEvidence

GRACE = 2.0
"""Seconds after the job's end in which its proof may still arrive."""
RUNNER_GRACE = 10.0
"""The same while the process that holds the result is alive."""
FILE_GRACE = 60.0
"""The same while the file is being checked."""
STOP_GRACE = 10.0
"""The same until it is reported why a domain has stopped: the hypervisor does that once it is done with the domain's
process, which takes a busy host some time."""
RECONNECT_GRACE = 60.0
"""Seconds without a connection after which a wait gives up; the job continues."""
ORPHAN_GRACE = 20.0
"""Seconds without news of a dump whose daemon died, after which no news will come."""
RECOVERY_GRACE = 10.0
"""Seconds after which nobody may be about to recover a migration whose post-copy failed: unless somebody does, nothing
ever ends it, not even the end of the domain on the other host."""
EVENT_LAG = 0.5
"""Seconds by which an event may arrive later than the answer to a look at the same fact."""


@dataclass(frozen=True, slots=True)
class Starting:
    """Its job has not been seen yet."""

    missed: float | None = None
    """When it was first looked for in vain although its runner was alive, or about to begin."""


@dataclass(frozen=True, slots=True)
class Running:
    """Its job was there when it was last looked at."""


@dataclass(frozen=True, slots=True)
class Closing:
    """The hypervisor has finished and is closing the file."""


@dataclass(frozen=True, slots=True)
class Orphaned:
    """Its daemon died and came back without the job; the hypervisor may still be working on it."""

    news: float
    """When there was last a sign of life."""


@dataclass(frozen=True, slots=True)
class Broken:
    """Its post-copy failed: the guest stands still on both hosts, and can be recovered as long as both have it."""

    since: float


@dataclass(frozen=True, slots=True)
class Ended:
    """The job is over; its proof may take a little longer."""

    at: float


@dataclass(frozen=True, slots=True)
class Succeeded(Ended):
    """The job is over, and another one followed it: all further reports are about that one."""

    began: float
    """When the other job began, at the earliest."""


Phase = Starting | Running | Closing | Orphaned | Broken | Ended


@dataclass(slots=True)
class Link:
    """The connection through which the job is watched."""

    lost_at: float | None = None
    """Since when there is none; None: there is one."""
    gap: bool = False
    """Whether it was lost since the job was last seen: the job's end may have been missed."""

    def lose(self, now: float) -> None:
        self.gap = True
        if self.lost_at is None:
            self.lost_at = now


def deadline(
    phase: Phase, link: Link, record: RecordEvidence, file_awaited: bool, stop_awaited: bool = False
) -> float | None:
    """Until when a phase waits for news; None: for as long as it takes.

    `stop_awaited`: the domain was found stopped, which the hypervisor has yet to report.
    """
    match phase:
        case Ended(at):
            settled = at + _settling_time(record, file_awaited)
            return max(settled, at + STOP_GRACE) if stop_awaited and not link.gap else settled
        case Orphaned(news):
            return news + ORPHAN_GRACE
        case Broken(since):
            return since + RECOVERY_GRACE
        case _ if link.lost_at is not None and not record.alive:
            return link.lost_at + RECONNECT_GRACE
        case _:
            return None


def _settling_time(record: RecordEvidence, file_awaited: bool) -> float:
    """Seconds after a job's end in which a better proof may still arrive."""
    if file_awaited:
        return FILE_GRACE
    if record.shared and record.claim is not None:
        return EVENT_LAG
    return RUNNER_GRACE if record.alive else GRACE
