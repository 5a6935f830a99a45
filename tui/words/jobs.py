"""What the console says about jobs besides their numbers."""

from __future__ import annotations

from backend.job_stats import JobStats
from backend.model import JobOperation
from tui.words import job_names
from tui.words.job_names import backup_name

READY = "ready: pivot or abort"
"""What the job of a disk is that has copied everything, and goes on as a mirror."""
PULL_ENDS = "when its client ends it"
"""When a pull backup ends."""
SCRATCH_LOW = 0.9
"""The part of its scratch space from which on a pull backup is in danger: it fails when that is full."""


def kind(stats: JobStats) -> str:
    """Its operation, without the disk: ``dump``, ``block copy``, ``pull backup``."""
    return backup_name(stats) if stats.operation == JobOperation.BACKUP else stats.operation.label


def timed(stats: JobStats) -> bool:
    """Whether libvirt reports for how long it has been running."""
    return stats.disk is None and (stats.measured or stats.pull_backup)


def scratch(stats: JobStats) -> str:
    """The space that a pull backup uses besides the disks: ``1.2 MiB of 64.0 MiB used``."""
    return f"{job_names.scratch(stats)} used"


def scratch_fraction(stats: JobStats) -> float:
    """The part of its scratch space that a pull backup uses, 0 to 1."""
    return min(1.0, (stats.disk_temp_used or 0) / (stats.disk_temp_total or 1))
