"""What the user is asked before an abort."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend.job_stats import JobStats, JobType
from backend.model import BlockOperation, JobOperation
from tui.words import aborting

DUMP = JobStats(JobType.UNBOUNDED, JobOperation.DUMP, data_total=1, data_processed=0, data_remaining=1)
PUSH = replace(DUMP, operation=JobOperation.BACKUP)
PULL = JobStats(JobType.UNBOUNDED, JobOperation.BACKUP, disk_temp_used=0, disk_temp_total=1 << 28)
LOSS = (
    "The client that reads this pull backup loses its export, and nobody can tell whether what it has read is complete."
)


def test_an_abort_loses_the_progress() -> None:
    assert aborting.question("vm", DUMP) == "Abort the dump of vm?\nIts progress will be lost."
    assert aborting.question("vm", PUSH) == "Abort the backup of vm?\nIts progress will be lost."
    assert aborting.question("vm", None) == "Abort the job of vm?\nIts progress will be lost."


def test_an_abort_of_a_pull_backup_takes_something_from_its_client() -> None:
    assert aborting.question("vm", PULL) == f"Abort the pull backup of vm?\n{LOSS}"


def test_of_several_the_pull_backups_are_named() -> None:
    question = aborting.question_about_several([("a", DUMP), ("b", PULL)], [("c", "no job")])
    assert question.splitlines() == [
        "Abort the jobs of a, b?",
        "Their progress will be lost.",
        f"b: {LOSS}",
        "Skipped c: no job",
    ]


@pytest.mark.parametrize(
    ("operation", "ready", "meaning"),
    [
        (BlockOperation.COPY, False, "The copy is incomplete"),
        (BlockOperation.COPY, True, "The copy is complete as of that moment; the guest stays on its present image."),
        (BlockOperation.ACTIVE_COMMIT, False, "the guest stays on its present one. No data are lost."),
        (BlockOperation.ACTIVE_COMMIT, True, "the guest stays on its present one. No data are lost."),
        (BlockOperation.COMMIT, False, "No data are lost."),
        (BlockOperation.PULL, False, "The image keeps what was pulled so far"),
    ],
)
def test_an_abort_of_the_job_of_a_disk_says_what_becomes_of_its_images(
    operation: BlockOperation, ready: bool, meaning: str
) -> None:
    question = aborting.question("vm", JobStats.of_block_job("vda", operation, 1, 1, ready))
    assert question.startswith(f"Abort the {operation.label} of vda on vm?\n")
    assert meaning in question
    assert "progress" not in question
