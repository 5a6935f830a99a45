"""What the user is asked before an abort."""

from __future__ import annotations

from dataclasses import replace

from backend.model import JobOperation, JobStats, JobType
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
    assert aborting.question("vm", PULL) == f"Abort the backup of vm?\n{LOSS}"


def test_of_several_the_pull_backups_are_named() -> None:
    question = aborting.question_about_several([("a", DUMP), ("b", PULL)], [("c", "no job")])
    assert question.splitlines() == [
        "Abort the jobs of a, b?",
        "Their progress will be lost.",
        f"b: {LOSS}",
        "Skipped c: no job",
    ]
