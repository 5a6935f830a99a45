"""What a job is called: by its operation, its disk, and for a backup by who writes it."""

from __future__ import annotations

from backend.job_stats import JobStats
from backend.model import JobOperation, Operation
from tui.words import units


def job_name(operation: Operation, disk: str | None = None) -> str:
    """``dump``, ``block copy of vda``."""
    return f"{operation.label} of {disk}" if disk else operation.label


def name_of(stats: JobStats) -> str:
    """The same; ``pull backup`` or ``push backup`` once the stats tell which of them it is."""
    return job_name(stats.operation, stats.disk) if stats.operation != JobOperation.BACKUP else backup_name(stats)


def backup_name(stats: JobStats) -> str:
    """``pull backup``, ``push backup``, and ``backup`` while the hypervisor has reported no sizes."""
    if stats.pull_backup:
        return "pull backup"
    return "push backup" if stats.disk_total else "backup"


def scratch(stats: JobStats) -> str:
    """What a pull backup occupies besides the disks: ``1.2 MiB of 64.0 MiB``."""
    return f"{units.size(stats.disk_temp_used or 0)} of {units.size(stats.disk_temp_total or 0)}"
