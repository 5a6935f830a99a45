"""How jobs look in the table of `list`, and in the progress line of commands that wait."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend.job_stats import JobStats, JobType
from backend.model import BlockOperation, Domain, DomainKey, DomainState, JobOperation
from backend.observing.progress import ProgressMeter
from tui.cli import follow, tables
from tui.cli.hosts import DomainJobs
from tui.cli.progress_line import progress_line

MIB = 1 << 20
DOMAIN = Domain(DomainKey("6d5e3a05-590e-4843-9af4-d4b2ecfa4b83", 7, "db-01"), DomainState.RUNNING)
COPY = JobStats.of_block_job("vda", BlockOperation.COPY, 16 * MIB, 64 * MIB)
READY = JobStats.of_block_job("vdb", BlockOperation.COPY, 64 * MIB, 64 * MIB, ready=True)
DUMP = JobStats(
    JobType.UNBOUNDED,
    JobOperation.DUMP,
    time_elapsed=5000,
    memory_total=64 * MIB,
    memory_processed=32 * MIB,
    memory_remaining=32 * MIB,
)
PULL = JobStats(JobType.UNBOUNDED, JobOperation.BACKUP, time_elapsed=5000, disk_temp_used=MIB, disk_temp_total=64 * MIB)
PUSH = replace(COPY, operation=JobOperation.BACKUP, time_elapsed=5000, disk=None, ready=None)


def rows(own: JobStats | None, *of_disks: JobStats) -> list[list[str]]:
    listed = tables.domain_rows(DomainJobs(DOMAIN, own, of_disks))
    assert {tuple(row[:3]) for row in listed} == {("7", "db-01", "running")}
    return [row[3:] for row in listed]


def test_a_domain_without_jobs_has_one_row() -> None:
    assert rows(None) == [["", "", "", "", ""]]


def test_the_domains_own_job_comes_before_those_of_its_disks() -> None:
    assert rows(DUMP, COPY, READY) == [
        ["dump", "50 %", "0:05", "32.0 MiB", "32.0 MiB"],
        ["block copy vda", "25 %", "", "16.0 MiB", "48.0 MiB"],
        ["block copy vdb (ready)", "100 %", "", "64.0 MiB", "0 B"],
    ]


def test_a_job_of_a_disk_needs_none_of_the_domain() -> None:
    assert [row[0] for row in rows(None, COPY)] == ["block copy vda"]


def test_a_push_backup_has_a_share_and_a_pull_backup_its_scratch_space() -> None:
    assert rows(PUSH) == [["push backup", "25 %", "0:05", "16.0 MiB", "48.0 MiB"]]
    assert rows(PULL) == [["pull backup (scratch 1.0 MiB of 64.0 MiB)", "", "0:05", "", ""]]


def test_only_the_domains_own_job_leads_to_another_host() -> None:
    migration = replace(DUMP, operation=JobOperation.MIGRATION_OUT)
    listed = tables.domain_rows(DomainJobs(DOMAIN, migration, [COPY]), "hv2")
    assert [row[3] for row in listed] == ["migration out -> hv2", "block copy vda"]


@pytest.mark.parametrize(
    ("stats", "line"),
    [
        (COPY, "db-01  block copy of vda  #####...............  25 %  48.0 MiB left of 64.0 MiB"),
        (READY, "db-01  block copy of vdb  ready: mirrors until someone pivots to it or aborts it"),
        (PULL, "db-01  pull backup  scratch 1.0 MiB of 64.0 MiB  0:05  ends when its client ends it"),
        (PUSH, "db-01  push backup  #####...............  25 %  48.0 MiB left of 64.0 MiB  0:05"),
    ],
    ids=["copy", "ready", "pull backup", "push backup"],
)
def test_the_progress_line(stats: JobStats, line: str) -> None:
    assert progress_line("db-01", ProgressMeter().update(stats, 0.0), blocks=False) == line


def test_a_ready_mirror_is_never_stalled() -> None:
    meter = ProgressMeter()
    meter.update(READY, 0.0)
    assert "stalled" not in progress_line("db-01", meter.update(READY, 60.0))


def test_progress_has_the_memory_of_every_job_and_the_rest_of_its_kind() -> None:
    progress = follow.progress_json("sim:///x", DOMAIN.key, PULL)
    assert (progress["memory_total"], progress["disk_temp_used"], progress["disk_temp_total"]) == (0, MIB, 64 * MIB)
    assert "disk_total" not in progress
    assert follow.progress_json("sim:///x", DOMAIN.key, DUMP)["memory_processed"] == 32 * MIB


def test_a_migrations_dirty_rate_is_told_in_bytes_too() -> None:
    migration = replace(DUMP, memory_iteration=3, memory_dirty_rate=10, memory_page_size=4096)
    job = tables.job_json(migration)
    assert (job["iteration"], job["memory_dirty_rate"], job["dirty_rate"]) == (3, 10, 40960)
