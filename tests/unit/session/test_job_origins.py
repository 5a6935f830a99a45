"""Where a job comes from, by everything that says something about it."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from backend.backup import Backup, BackupDisk
from backend.dump_request import AutomaticDump, DumpCause, DumpRequest
from backend.job_origin import Client, JobOrigin
from backend.job_stats import JobStats, JobType
from backend.model import BlockOperation, DiskSource, JobOperation
from backend.observing.lookup import DomainRecord
from backend.records import process
from backend.verdicts.job_sources import SourcedJob, merge_sources
from tests.unit.session.test_rows import copying, domain
from tests.unit.test_history import entry
from tui.session import job_origins
from tui.session.job_facts import JobFacts
from tui.session.rows import Row, block_jobs
from tui.words.origins import Origin

DUMP = JobStats(JobType.UNBOUNDED, JobOperation.DUMP, time_elapsed=2000, memory_total=9, memory_remaining=4)
DUMPED = domain("vm", own=DUMP)
SEEN = JobOrigin("/seen.core", Client("virsh dump", 812, "root"))
NOTHING = JobOrigin()


def origin(
    row: Row,
    *records: DomainRecord,
    seen: JobOrigin = NOTHING,
    remembered: list[SourcedJob] | None = None,
    backup: Backup | None = None,
    source: DiskSource | None = None,
) -> Origin:
    return job_origins.origin(row, 1000.0, records, remembered or [], JobFacts(seen, source, backup))


def record(shared: bool, path: str = "/asked.core") -> DomainRecord:
    begun = process.new_record(DumpRequest(DUMPED.domain.key, path), DUMPED.uri)
    return DomainRecord(replace(begun, started=time.time() - 2, user="ann@hv1"), shared)


def test_ones_own_record_is_trusted() -> None:
    assert origin(DUMPED, record(shared=False)) == Origin("/asked.core", format="elf", began=1000.0, by="by ann@hv1")


def test_what_a_shared_record_says_is_a_claim() -> None:
    assert origin(DUMPED, record(shared=True)).by == "by ann@hv1 (claimed)"


def test_a_shared_record_that_names_another_file_than_the_one_that_is_written_is_not_believed() -> None:
    assert origin(DUMPED, record(shared=True), seen=JobOrigin("/seen.core")) == Origin("/seen.core", began=1000.0)


def test_a_record_of_an_earlier_dump_says_nothing() -> None:
    earlier = record(shared=True)
    earlier = replace(earlier, record=replace(earlier.record, started=time.time() - 5000, started_uptime=None))
    assert origin(DUMPED, earlier) == Origin(began=1000.0)


def test_of_a_foreign_dump_its_file_and_its_program_are_seen() -> None:
    by = "apparently by virsh dump (pid 812, root)"
    assert origin(DUMPED, seen=SEEN) == Origin("/seen.core", began=1000.0, by=by)


def test_a_dump_that_libvirt_began_by_itself_was_requested_by_nobody_else() -> None:
    row = replace(DUMPED, automatic_dump=AutomaticDump(DumpCause.PANIC, "/auto.core"))
    assert origin(row, seen=SEEN) == Origin("/auto.core", began=1000.0, by="by libvirt (guest panicked)")


def test_a_migration_goes_to_its_other_end() -> None:
    stats = JobStats(JobType.UNBOUNDED, JobOperation.MIGRATION_OUT, time_elapsed=2000, memory_total=9)
    row = domain("vm", own=stats)
    seen = JobOrigin(client=Client("virsh migrate", 9, "root", "qemu+ssh://hv2/system"))
    assert origin(row, seen=seen).target == "qemu+ssh://hv2/system"
    assert origin(replace(row, other_end="hv2"), seen=seen).target == "hv2"


@pytest.mark.parametrize(
    ("backup", "sign", "target"),
    [
        (Backup(False, (BackupDisk("vda", "/a"),)), "→", "/a"),
        (Backup(False, (BackupDisk("vda", "/a"), BackupDisk("vdb", "/b"))), "→", "/a and 1 more"),
        (Backup(True, (BackupDisk("vda", "/scratch"),), "nbd://hv1:10809"), "at", "nbd://hv1:10809"),
    ],
)
def test_a_backup_goes_to_its_images_or_is_read_at_a_server(backup: Backup, sign: str, target: str) -> None:
    row = domain("vm", own=JobStats(JobType.UNBOUNDED, JobOperation.BACKUP, time_elapsed=2000))
    assert origin(row, backup=backup) == Origin(target, sign, began=1000.0)


def test_a_block_job_goes_to_its_mirror_and_has_been_seen_since_it_is_remembered() -> None:
    [row] = block_jobs(domain("vm", copying("vda")))
    key = row.domain.key
    seen = entry(2000.0, BlockOperation.COPY, uuid=key.uuid, domain=key.name, domain_id=key.id, disk="vda", exact=False)
    remembered = merge_sources([], [seen])
    found = job_origins.origin(row, None, [], remembered, JobFacts(source=DiskSource("/a", mirror="/copy")))
    assert found == Origin("/copy", began=2000.0, exact=False)


def test_a_job_of_a_disk_tells_no_begin_by_its_elapsed_time() -> None:
    assert job_origins.started(JobStats.of_block_job("vda", BlockOperation.COPY, 1, 4), 5000.0) is None
    assert job_origins.started(DUMP, 5000.0) == 4998.0
