"""Which job it is: another one that follows is another one."""

from __future__ import annotations

from dataclasses import replace

from backend.attachment import GRACE, Attachment
from backend.events import DumpEvent
from backend.model import JobOperation
from backend.observations import Sampled
from backend.verdict import Verdict
from tests.unit.verdicts.observing import (
    GONE,
    KEY,
    RUNNING,
    stats,
    verdict_of,
)


def test_a_job_that_follows_at_once_is_another_job() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    attachment.observe(Sampled(stats(5000, 900), 100.0), 100.0)
    attachment.observe(Sampled(stats(20, 10), 100.1), 100.1)
    attachment.observe(DumpEvent(KEY, False, "the other's"), 100.2)
    outcome = attachment.outcome(100.1 + GRACE)
    assert outcome is not None
    assert outcome.verdict is Verdict.UNPROVEN


def test_a_job_that_began_while_nobody_looked_is_another_job() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    attachment.observe(Sampled(stats(5000, 900), 100.0), 100.0)
    attachment.observe(Sampled(stats(6000, 950), 130.0), 130.0)
    assert attachment.ended


def test_a_slow_answer_does_not_make_it_another_job() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    attachment.observe(Sampled(stats(5000, 900), 100.0), 100.0)
    attachment.observe(Sampled(stats(5100, 910), 100.1), 104.0)
    attachment.observe(Sampled(stats(9500, 950), 104.5), 104.5)
    assert not attachment.ended


def test_a_clock_that_was_set_back_does_not_make_it_another_job() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    attachment.observe(Sampled(stats(5000, 500), 100.0), 100.0)
    attachment.observe(Sampled(stats(0, 510), 100.1), 100.1)
    assert not attachment.ended


def test_an_event_of_another_domain_says_nothing() -> None:
    other = replace(KEY, uuid="other")
    outcome = verdict_of(RUNNING, DumpEvent(other, False, "no"), GONE)
    assert outcome is not None
    assert outcome.verdict is Verdict.UNPROVEN
