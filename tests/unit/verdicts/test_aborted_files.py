"""Of a raw dump, a whole file alone proves little: QEMU may have written all of it and be told to abort just then."""

from __future__ import annotations

import pytest

from backend.events import JobEvent
from backend.files.dumpfile import MIGRATION_STREAM
from backend.job_stats import JobType
from backend.model import JobOperation
from backend.outcome import Evidence, Outcome, Verdict
from backend.verdicts.attachment import Attachment
from backend.verdicts.observations import FileChecked, Observation, Sampled
from backend.verdicts.phase import FILE_GRACE
from tests.unit.verdicts.observing import BACK, GONE, HELD, KEY, LOST, RUNNING, TOTAL, checked, stats, verdict_of

STREAM_WRITTEN = JobEvent(KEY, stats(1050, TOTAL, JobType.COMPLETED))
CANCELLED = Sampled(stats(1050, TOTAL, JobType.CANCELLED), 100.1)


def stream(age: float | None, asked: float = 100.3, linked: bool = True) -> FileChecked:
    """A whole raw dump of that age when it is looked at. RUNNING's job began at 99.0, and is gone at 100.2."""
    return checked(whole=True, linked=linked, format=MIGRATION_STREAM, asked=asked, age=age)


CREATED, OLDER = 1.29, 1.4
"""Ages of files that were created right after the job began, and before it."""


@pytest.mark.parametrize(
    ("reported", "age", "verdict"),
    [
        ([], CREATED, Verdict.COMPLETED),
        ([], OLDER, Verdict.UNPROVEN),
        ([], None, Verdict.UNPROVEN),
        ([STREAM_WRITTEN], OLDER, Verdict.COMPLETED),
        ([STREAM_WRITTEN], None, Verdict.COMPLETED),
    ],
)
def test_one_that_was_there_before_proves_the_end_only_of_a_stream_whose_end_was_reported(
    reported: list[Observation], age: float | None, verdict: Verdict
) -> None:
    outcome = verdict_of(RUNNING, HELD, *reported, GONE, stream(age))
    assert outcome is not None
    assert outcome.verdict is verdict
    assert ("may have been there before" in outcome.detail) is (verdict is Verdict.UNPROVEN)


def test_no_file_outweighs_the_stats_that_said_cancelled() -> None:
    outcome = verdict_of(RUNNING, HELD, CANCELLED, GONE, stream(CREATED))
    assert outcome is not None
    assert (outcome.verdict, outcome.evidence) == (Verdict.CANCELLED, Evidence.STATS)


def attached(*observations: tuple[float, Observation]) -> Attachment:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    for now, observation in observations:
        attachment.observe(observation, now)
    return attachment


def later(attachment: Attachment) -> Outcome | None:
    return attachment.outcome(101.0 + FILE_GRACE)


def test_what_the_file_was_before_the_end_says_nothing_of_it() -> None:
    """It was looked at while the daemon was away; it is back, and about to remove the file."""
    again = Sampled(stats(1150, TOTAL), 100.15)
    seen = [(100.0, RUNNING), (100.0, HELD), (100.05, LOST), (100.1, stream(1.09, asked=100.09)), (100.15, BACK)]
    for late in ([], [(100.3, stream(1.09, asked=100.09))]):
        attachment = attached(*seen, (100.2, again), (100.25, GONE), *late)
        assert attachment.outcome(100.4) is None
        outcome = later(attachment)
        assert outcome is not None and outcome.verdict is Verdict.UNPROVEN
    attachment = attached(*seen, (100.2, again), (100.25, GONE), (100.4, stream(1.39, asked=100.39)))
    outcome = attachment.outcome(100.4)
    assert outcome is not None and outcome.verdict is Verdict.COMPLETED


@pytest.mark.parametrize("format", [MIGRATION_STREAM, "ELF core"])
def test_without_a_connection_an_abort_may_be_about_to_be_carried_out(format: str) -> None:
    file = checked(whole=True, format=format, asked=100.2, age=1.19)
    outcome = attached((100.0, RUNNING), (100.0, HELD), (100.1, LOST), (100.3, file)).outcome(100.4)
    # A dump of any other format cannot be aborted.
    assert (outcome is None) is (format == MIGRATION_STREAM)
