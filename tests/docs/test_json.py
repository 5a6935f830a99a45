"""docs/json.md names every key that commands print."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from backend.backup import Backup, BackupDisk
from backend.dump_request import DumpFlags, DumpFormat
from backend.files.dumpfile import DumpFile
from backend.job_stats import JobStats
from backend.model import BlockOperation, DomainKey, JobOperation
from backend.observing.job_changes import JobChange
from backend.outcome import Evidence, Outcome, Verdict
from backend.records import entry_fields
from backend.records.command import CommandRecord
from backend.records.entry import JobEntry
from backend.records.record import JobRecord, RecordState
from backend.verdicts.job_sources import Source, merge_sources
from tui.cli import change_lines, follow, history_json, tables
from tui.cli.command_follow import result_json, started_json
from tui.cli.findings import Finding

NAMES = {*re.findall(r"`([^`\n]+)`", (Path(__file__).parents[2] / "docs" / "json.md").read_text())}
DOMAIN = DomainKey("6d5e3a05-590e-4843-9af4-d4b2ecfa4b83", 7, "db-01")
EVERYTHING = JobStats.from_params(2, {spec.name: 1 for spec in fields(JobStats)})
COPY = JobStats.of_block_job("vda", BlockOperation.COPY, 1, 2)
OUTCOME = Outcome(DOMAIN, BlockOperation.COPY, Verdict.COMPLETED, Evidence.JOB_EVENT, "Its event said so.", disk="vda")
JOB = JobEntry("1", "", DOMAIN.uuid, DOMAIN.name, 7, JobOperation.DUMP, None, 0.0, True, "root@hv3 (watch)")
BACKUP = Backup(True, (BackupDisk("vda"),))
RECORD = JobRecord("1", "", DOMAIN.uuid, DOMAIN.name, 7, "/d", DumpFormat.RAW, DumpFlags.NONE, "root@hv3", 0.0)
COMMAND = CommandRecord("1", "", DOMAIN.uuid, DOMAIN.name, 7, ("true",), "/", "root@hv3", 0.0)


@pytest.mark.parametrize(
    "keys",
    [
        [*tables.job_json(EVERYTHING), *tables.job_json(COPY)],
        ["backup", *tables.backup_json(BACKUP), *tables.backup_json(BACKUP)["disks"][0]],
        [*follow.progress_json("", DOMAIN, COPY)],
        [*follow.ready_json("", DOMAIN, BlockOperation.COPY, "vda")],
        [*follow.outcome_json("", OUTCOME)],
        [
            *change_lines.change_json(JobChange(JOB, ended=False), ""),
            *change_lines.change_json(JobChange(JOB, True), ""),
        ],
        [*history_json.to_json(merge_sources([(RECORD, RecordState.RUNNING)])[0])],
        [*result_json(COMMAND), *started_json(COMMAND), *entry_fields.to_json(JOB), "output", "text", "left_out"],
        [spec.name for type in (DumpFile, Finding) for spec in fields(type)],
    ],
    ids=["job", "backup", "progress", "ready", "outcome", "change", "record", "run", "others"],
)
def test_every_key_is_documented(keys: list[str]) -> None:
    assert [key for key in keys if key not in NAMES] == []


@pytest.mark.parametrize("values", [Verdict, Evidence, RecordState, Source], ids=lambda values: values.__name__)
def test_every_word_is_documented(values: type[Verdict | Evidence | RecordState | Source]) -> None:
    assert [value.value for value in values if value.value not in NAMES] == []


@pytest.mark.parametrize(
    "operation",
    [*JobOperation, *(kind for kind in BlockOperation if kind not in (BlockOperation.UNKNOWN, BlockOperation.BACKUP))],
)
def test_every_operation_is_documented(operation: JobOperation | BlockOperation) -> None:
    assert operation.label in NAMES
