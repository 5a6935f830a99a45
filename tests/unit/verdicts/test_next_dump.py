"""A dump that follows at once, to another file, is never taken for the one that was waited for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend.model import JobOperation
from backend.outcome import Verdict
from backend.verdicts.attachment import Attachment
from backend.verdicts.observations import FileHeld, Sampled
from tests.unit.verdicts.observing import GONE, KEY, RUNNING, checked, record, stats


@pytest.mark.parametrize(("presumed", "verdict"), [(False, Verdict.UNPROVEN), (True, Verdict.COMPLETED)])
@pytest.mark.parametrize("shared", [False, True])
def test_a_file_elsewhere_than_the_record_says(presumed: bool, verdict: Verdict, shared: bool) -> None:
    # A record that was only matched by its time may be one that somebody left behind: then the file is right.
    attachment = Attachment(KEY, JobOperation.DUMP, replace(record(), path="/elsewhere"), shared, presumed=presumed)
    for observation in (RUNNING, FileHeld(100.0), Sampled(stats(1100, 200), 100.1), GONE, checked(whole=True)):
        attachment.observe(observation, 100.1)
    outcome = attachment.outcome(1000.0)
    assert outcome is not None
    assert outcome.verdict is verdict
    # What others wrote is not told of a job that nothing connects with it.
    assert outcome.path == ("/dumps/db-01" if presumed else None if shared else "/elsewhere")
