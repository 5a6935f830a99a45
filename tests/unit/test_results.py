"""The result of a job as labelled facts, for every kind and every verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend.dump_request import DumpFlags, DumpFormat
from backend.job_stats import JobStats, JobType
from backend.model import BlockOperation, DomainKey, JobOperation, Operation
from backend.outcome import Evidence, Outcome, Verdict
from backend.records.record import JobRecord
from tui.words import results

KEY = DomainKey("6d5e3a05-590e-4843-9af4-d4b2ecfa4b83", 7, "db-01")
DUMP = Outcome(
    KEY,
    JobOperation.DUMP,
    Verdict.COMPLETED,
    Evidence.RESULT,
    "The dump call returned success.",
    path="/dumps/db-01",
    format="elf",
    time_elapsed=2_000,
    bytes=64 << 20,
)
LAST = JobStats(
    JobType.UNBOUNDED, JobOperation.DUMP, memory_total=80 << 20, memory_processed=7 << 20, memory_remaining=73 << 20
)
RECORD = JobRecord(
    "id", "sim:///x", KEY.uuid, "db-01", 7, "/dumps/db-01", DumpFormat.RAW, DumpFlags.NONE, "root@hv3", 0.0
)


def facts(outcome: Outcome, stats: JobStats | None = LAST, record: JobRecord | None = None) -> dict[str, str]:
    return dict(results.facts(outcome, stats, record))


def test_a_completed_dump_has_its_file_and_nothing_of_the_last_sample() -> None:
    shown = facts(DUMP)
    assert shown == {
        "file": "/dumps/db-01",
        "size": "64.0 MiB (elf)",
        "rate": "32.0 MiB/s on average",
        "evidence": "The dump call returned success; source: the dump call's own result.",
    }


def test_who_requested_it() -> None:
    assert facts(DUMP, record=RECORD)["requested"].startswith("by root@hv3 at ")
    assert facts(replace(DUMP, requester="libvirt (guest panicked)"))["requested"] == "by libvirt (guest panicked)"


def test_without_a_size_all_of_it_was_processed() -> None:
    shown = facts(replace(DUMP, bytes=None))
    assert "size" not in shown
    assert (shown["processed"], shown["rate"]) == ("80.0 MiB", "40.0 MiB/s on average")


def test_what_is_not_known_is_left_out() -> None:
    assert facts(replace(DUMP, bytes=None, path=None, time_elapsed=0), None).keys() == {"evidence"}


@pytest.mark.parametrize("verdict", [Verdict.FAILED, Verdict.CANCELLED, Verdict.UNPROVEN])
def test_one_that_was_not_completed_says_how_far_it_was_and_promises_nothing(verdict: Verdict) -> None:
    shown = facts(replace(DUMP, verdict=verdict))
    assert shown["reached"] == "7.0 MiB of 80.0 MiB, when it was last looked at"
    assert not {"size", "rate", "processed"} & shown.keys()


@pytest.mark.parametrize(
    ("operation", "disk", "label"),
    [
        (JobOperation.MIGRATION_OUT, None, "sent"),
        (JobOperation.BACKUP, None, "written"),
        (JobOperation.SAVE, None, "written"),
        (BlockOperation.COPY, "vda", "copied"),
        (BlockOperation.PULL, "vda", "pulled"),
        (BlockOperation.ACTIVE_COMMIT, "vda", "committed"),
    ],
)
def test_other_kinds_have_their_own_words(operation: Operation, disk: str | None, label: str) -> None:
    outcome = replace(DUMP, operation=operation, disk=disk, path=None, format=None)
    assert facts(outcome)[label] == "64.0 MiB"


def test_a_migration_whose_bytes_are_unknown_is_not_said_to_have_sent_its_memory() -> None:
    shown = facts(replace(DUMP, operation=JobOperation.MIGRATION_OUT, bytes=None, path=None))
    assert not {"processed", "sent", "rate"} & shown.keys()


def test_text_from_outside_is_cleaned() -> None:
    shown = facts(replace(DUMP, path="/dumps/\x1b[31mred", requester="me\x07"))
    assert "\x1b" not in shown["file"]
    assert "\x07" not in shown["requested"]
