"""What a job is called, and what can be done about one that is ready."""

from __future__ import annotations

from backend.model import JobOperation, JobStats

READY = "ready: pivot or abort"
"""What a disk's job is that has copied everything, and goes on as a mirror."""


def title(stats: JobStats) -> str:
    """Its operation: ``dump``, ``block copy``; of a backup also its kind, as soon as libvirt tells it."""
    if stats.pull_backup:
        return "pull backup"
    return "push backup" if stats.operation == JobOperation.BACKUP and stats.total else stats.operation.label


SCRATCH_LOW = 0.9
"""The part of its scratch space that a pull backup may use before that is worth a warning: when it is full, it fails."""


def timed(stats: JobStats) -> bool:
    """Whether libvirt reports for how long it has been running."""
    return stats.disk is None and (stats.measured or stats.pull_backup)


def scratch_fraction(stats: JobStats) -> float:
    """The part of its scratch space that a pull backup uses, 0 to 1."""
    return min(1.0, (stats.disk_temp_used or 0) / (stats.disk_temp_total or 1))
