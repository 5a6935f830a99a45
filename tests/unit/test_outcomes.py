"""One sentence for an outcome, wherever it is shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend.model import BlockOperation, DomainKey, JobOperation
from backend.outcome import Evidence, Outcome, Verdict
from tui.words import outcomes

COMPLETED = Outcome(
    DomainKey("6d5e3a05-590e-4843-9af4-d4b2ecfa4b83", 7, "db-01"),
    JobOperation.DUMP,
    Verdict.COMPLETED,
    Evidence.RESULT,
    "The dump call returned success.",
    path="/dumps/db-01",
    format="elf",
    time_elapsed=23_000,
)
FAILED = replace(COMPLETED, verdict=Verdict.FAILED, detail="The dump call returned an error.", error="no space")
UNPROVEN = replace(FAILED, verdict=Verdict.UNPROVEN, evidence=Evidence.NONE, detail="The job was gone.", error="")
CONTRADICTED = replace(UNPROVEN, detail="The record says failed. But: Its file is whole.", error="no space")


@pytest.mark.parametrize(
    ("outcome", "line", "report"),
    [
        (
            replace(COMPLETED, operation=BlockOperation.COPY, disk="vda", path=None, evidence=Evidence.JOB_EVENT),
            "✓ block copy of vda completed in 0:23",
            "db-01: block copy of vda completed (evidence: job event) in 0:23",
        ),
        (
            COMPLETED,
            "✓ dump completed in 0:23 → /dumps/db-01",
            "db-01: dump completed (evidence: result) -> /dumps/db-01 (elf) in 0:23",
        ),
        (FAILED, "✗ dump failed: no space", "db-01: dump failed (evidence: result) in 0:23: no space"),
        (
            UNPROVEN,
            "? dump unproven: The job was gone.",
            "db-01: dump unproven (evidence: none) in 0:23: The job was gone.",
        ),
        (
            CONTRADICTED,
            "? dump unproven: The record says failed. But: Its file is whole. (no space)",
            "db-01: dump unproven (evidence: none) in 0:23: The record says failed. But: Its file is whole. (no space)",
        ),
        (
            replace(
                UNPROVEN, detail="The event said success and an error (cancelled): nobody knows.", error="cancelled"
            ),
            "? dump unproven: The event said success and an error (cancelled): nobody knows.",
            "db-01: dump unproven (evidence: none) in 0:23: "
            "The event said success and an error (cancelled): nobody knows.",
        ),
    ],
)
def test_the_sentence_of_an_outcome(outcome: Outcome, line: str, report: str) -> None:
    assert (outcomes.line(outcome), outcomes.report(outcome)) == (line, report)


def test_every_verdict_has_a_symbol_and_every_evidence_has_words() -> None:
    assert outcomes.SYMBOLS.keys() == set(Verdict)
    assert outcomes.EVIDENCE_WORDS.keys() == set(Evidence)


MEASURED = replace(COMPLETED, bytes=1152 << 20, time_elapsed=3_400)


def test_what_a_completed_job_wrote_and_how_fast_stands_in_its_line() -> None:
    measured = "in 3.4 s, 1.1 GiB at 339 MiB/s"
    assert outcomes.line(MEASURED) == f"✓ dump completed {measured} → /dumps/db-01"
    assert outcomes.report(MEASURED) == f"db-01: dump completed (evidence: result) -> /dumps/db-01 (elf) {measured}"


def test_what_is_not_known_is_left_out() -> None:
    assert outcomes.line(replace(MEASURED, time_elapsed=0)) == "✓ dump completed, 1.1 GiB → /dumps/db-01"
    assert outcomes.line(replace(MEASURED, bytes=0)) == "✓ dump completed in 3.4 s → /dumps/db-01"
    assert outcomes.rate(replace(MEASURED, verdict=Verdict.FAILED)) is None


def test_the_time_of_a_job_that_was_not_completed_is_no_duration() -> None:
    assert outcomes.timed_summary(MEASURED) == "dump completed in 3.4 s"
    assert outcomes.timed_summary(replace(MEASURED, verdict=Verdict.FAILED)) == "dump failed after 3.4 s"


def test_the_evidence_is_one_sentence() -> None:
    assert outcomes.evidence(COMPLETED) == "The dump call returned success; source: the dump call's own result."
    assert outcomes.evidence(UNPROVEN) == "The job was gone; source: nothing that proves how it ended."
