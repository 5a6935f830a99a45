"""What someone who can only write a domain's metadata may attempt, and what a reader makes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from backend.files.dumpfile import DumpFile
from backend.job_stats import JobStats, JobType
from backend.model import JobOperation
from backend.outcome import Evidence, Verdict
from backend.records.codec import InvalidRecord
from backend.records.entry import JobEntry
from backend.records.entry_xml import MOST, from_xml, to_xml
from backend.verdicts.witness_claims import believable, objection_to_dump
from tests.unit.verdicts.observing import KEY

NOW = 10_000.0


def entry(verdict: Verdict = Verdict.COMPLETED, **others: object) -> JobEntry:
    values: dict[str, object] = {
        "id": "a",
        "uri": "qemu:///system",
        "uuid": KEY.uuid,
        "domain": KEY.name,
        "domain_id": KEY.id,
        "operation": JobOperation.DUMP,
        "disk": None,
        "began": 9000.0,
        "exact": True,
        "observer": "root@hv3 (witness)",
        "ended": 9010.0,
        "verdict": verdict,
        "evidence": Evidence.FILE,
        "detail": "Its file is whole.",
        "path": "/dumps/db-01",
    }
    return JobEntry(**(values | others))  # type: ignore[arg-type]


FAILED = entry(Verdict.FAILED, detail="QEMU reported that the dump failed.")


def test_a_claim_is_told_as_a_claim_with_its_author() -> None:
    (claim,) = believable(from_xml(to_xml([entry()])), KEY, [], None, NOW)
    assert (claim.verdict, claim.evidence) == (Verdict.COMPLETED, Evidence.SHARED)
    assert claim.detail == "The domain's metadata says, in the name of root@hv3 (witness): Its file is whole."


ATTEMPTS: dict[str, Callable[[], list[JobEntry]]] = {
    "completed over a dump that failed": lambda: [entry()],
    "failed over a dump that is whole": lambda: [entry(Verdict.FAILED)],
    "the same, a moment later": lambda: [entry(began=9001.0, ended=9011.0)],
    "the same, as another operation": lambda: [entry(operation=JobOperation.SAVE)],
    "the same, as another run's": lambda: [entry(domain_id=8)],
    "of another domain": lambda: [entry(uuid="11111111-2222-3333-4444-555555555555", began=9100.0, ended=9110.0)],
    "in the future": lambda: [entry(began=NOW + 1000, ended=NOW + 2000)],
    "ended before it began": lambda: [entry(began=9200.0, ended=9100.0)],
    "without an end": lambda: [entry(ended=None, verdict=None)],
    "two ends of one job": lambda: [entry(began=9100.0, ended=9110.0), FAILED, entry(began=9101.0, ended=9109.0)],
    "two jobs of one identity": lambda: [entry(began=9100.0, ended=9110.0), entry(began=9200.0, ended=9210.0)],
}


SHORT = entry(Verdict.FAILED, began=9000.0, ended=9000.1)


@pytest.mark.parametrize(
    "attempt", [entry(began=9000.0, ended=9000.1, domain_id=8), entry(ended=9000.1, operation=JobOperation.SAVE)]
)
def test_a_job_of_a_tenth_of_a_second_leaves_no_room_for_another_one(attempt: JobEntry) -> None:
    assert believable([attempt], KEY, [replace(SHORT, id="known")], None, NOW) == []


@pytest.mark.parametrize("truth", [FAILED, entry()], ids=["it failed", "it completed"])
@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)
def test_who_knows_the_job_believes_nothing_else(attempt: Callable[[], list[JobEntry]], truth: JobEntry) -> None:
    assert believable(attempt(), KEY, [replace(truth, id="known")], None, NOW) == []


def test_what_is_claimed_of_the_job_that_runs_now_is_left_out() -> None:
    running = JobStats(JobType.UNBOUNDED, JobOperation.DUMP, time_elapsed=60_000)
    ended = entry(began=NOW - 60, ended=NOW - 10)
    assert believable([ended], KEY, [], running, NOW) == []
    assert believable([entry()], KEY, [], running, NOW) != []


def test_a_true_claim_that_is_replayed_is_the_job_that_it_was_about() -> None:
    known = [entry(id="old"), entry(Verdict.FAILED, id="new", began=9500.0, ended=9510.0)]
    assert believable([entry()], KEY, known, None, NOW) == []


@pytest.mark.parametrize(
    ("verdict", "whole", "objects"),
    [
        (Verdict.COMPLETED, True, False),
        (Verdict.COMPLETED, False, True),
        (Verdict.COMPLETED, None, False),
        (Verdict.FAILED, True, True),
        (Verdict.FAILED, False, False),
        (Verdict.CANCELLED, None, True),
    ],
)
def test_a_claim_about_a_dump_is_held_against_its_file(verdict: Verdict, whole: bool | None, objects: bool) -> None:
    file = DumpFile("/dumps/db-01", "ELF core", 10, whole, "As looked at.")
    assert (objection_to_dump(entry(verdict), file) is not None) is objects


def test_an_abort_that_nobody_saw_is_not_believed_without_a_file_either() -> None:
    assert objection_to_dump(entry(Verdict.CANCELLED), None) is not None


MANY = "<jobs>" + "<job id='a'/>" * 10_000 + "</jobs>"


@pytest.mark.parametrize(
    "text",
    [
        "<jobs>" + "x" * (1 << 20) + "</jobs>",
        MANY,
        '<!DOCTYPE jobs [<!ENTITY a "aaaa">]><jobs>&a;</jobs>',
        "<jobs",
        "<records/>",
        "",
        "\x00",
    ],
    ids=["1 MiB", "10,000 jobs", "entities", "cut short", "another element", "empty", "a control character"],
)
def test_what_is_no_list_of_jobs_is_refused(text: str) -> None:
    with pytest.raises(InvalidRecord):
        from_xml(text)


def test_of_a_list_only_what_is_valid_is_read_and_only_so_much() -> None:
    good = to_xml([entry(id=str(number)) for number in range(20)])
    assert len(from_xml(good)) == MOST
    assert from_xml('<jobs><job id="a" verdict="splendid"/><job/></jobs>') == []


def test_texts_are_cleaned_and_cut() -> None:
    hostile = entry(detail="\u202egnp.\x1b[31m " + "x" * 5000, error="[@click=app.quit]")
    (read,) = from_xml(to_xml([hostile]))
    assert "\x1b" not in read.detail and "\u202e" not in read.detail
    assert len(read.detail) < 1000


def test_what_only_means_something_elsewhere_is_neither_written_nor_read() -> None:
    own = entry(boot="b", machine="m", began_uptime=5.0, ended_uptime=6.0, record="r", pid=7)
    (read,) = from_xml(to_xml([own]))
    assert (read.boot, read.machine, read.record, read.pid) == ("", "", "", 0)
    assert from_xml('<jobs><job boot="mine"/></jobs>') == []


def test_passwords_are_left_out() -> None:
    assert "secret" not in to_xml([entry(uri="qemu+tcp://root:secret@hv3/system")])
