"""What jobs are called."""

from __future__ import annotations

import pytest

from backend.job_stats import JobStats, JobType
from backend.model import BlockOperation, JobOperation
from tui.words.job_names import name_of


@pytest.mark.parametrize(
    ("stats", "name"),
    [
        (JobStats(JobType.UNBOUNDED, JobOperation.DUMP), "dump"),
        (JobStats.of_block_job("vda", BlockOperation.ACTIVE_COMMIT, 0, 0), "active block commit of vda"),
        (JobStats(JobType.UNBOUNDED, JobOperation.BACKUP, disk_temp_used=0, disk_temp_total=1), "pull backup"),
        (JobStats(JobType.UNBOUNDED, JobOperation.BACKUP, disk_total=1), "push backup"),
        (JobStats(JobType.UNBOUNDED, JobOperation.BACKUP), "backup"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_job_is_called(stats: JobStats, name: str) -> None:
    assert name_of(stats) == name
