"""Which job it is: another one that follows is another one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend.dump_request import DumpRequest
from backend.errors import NoConnection
from backend.events import DumpEvent
from backend.job_stats import JobType
from backend.model import JobOperation
from backend.outcome import Evidence, Verdict
from backend.records import process
from backend.verdicts.attachment import Attachment
from backend.verdicts.observations import FileHeld, Sampled, SampleFailed
from backend.verdicts.phase import FILE_GRACE, GRACE, ORPHAN_GRACE
from tests.unit.verdicts.observing import (
    BACK,
    GONE,
    KEY,
    LOST,
    RUNNING,
    checked,
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


@pytest.mark.parametrize("step", [-60.0, -4.0, -1.0, 0.5, 2.0, 3600.0])
def test_a_job_whose_clock_was_set_while_nobody_looked_for_a_while_may_be_another_one(step: float) -> None:
    # Had this one ended and another one begun meanwhile, a step the other way would make that look the same.
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    attachment.observe(Sampled(stats(90_000, 500), 100.0), 100.0)
    attachment.observe(Sampled(stats(93_000 + int(step * 1000), 510), 103.0), 103.0)
    attachment.observe(DumpEvent(KEY, False, "perhaps the other's"), 103.1)
    outcome = attachment.outcome(103.0 + GRACE)
    assert outcome is not None
    assert outcome.verdict is Verdict.UNPROVEN


@pytest.mark.parametrize("slew", [-0.04, 0.04])
def test_a_clock_that_is_only_slowed_or_hurried_does_not_make_it_another_job(slew: float) -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    attachment.observe(Sampled(stats(90_000, 500), 100.0), 100.0)
    attachment.observe(Sampled(stats(150_000 + int(slew * 1000), 510), 160.0), 160.0)
    assert not attachment.ended


def test_a_job_whose_start_libvirt_has_forgotten_is_the_same() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    attachment.observe(Sampled(stats(5000, 500), 100.0), 100.0)
    for moment, processed in ((100.1, 500), (100.2, 510), (103.0, 510), (106.0, 520)):
        attachment.observe(Sampled(stats(0, processed), moment), moment)
    assert not attachment.ended


def test_a_job_that_follows_one_whose_start_libvirt_has_forgotten_is_another_job() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    attachment.observe(Sampled(stats(5000, 500), 100.0), 100.0)
    attachment.observe(Sampled(stats(0, 510), 100.1), 100.1)
    attachment.observe(Sampled(stats(100, 20), 101.0), 101.0)
    assert attachment.ended


def test_a_file_of_the_job_before_is_not_this_jobs_because_the_clock_was_set_forward() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    attachment.observe(FileHeld(98.0), 98.0)  # The job before was still running.
    attachment.observe(Sampled(stats(100, 10), 100.0), 100.0)
    attachment.observe(Sampled(stats(3700, 20), 100.1), 100.1)
    attachment.observe(Sampled(None, 100.2), 100.2)
    attachment.observe(checked(whole=True), 100.3)
    outcome = attachment.outcome(100.2 + FILE_GRACE)
    assert outcome is not None
    assert (outcome.verdict, outcome.path) == (Verdict.UNPROVEN, None)


def test_a_job_that_follows_one_whose_time_stood_still_while_it_was_closed_is_another_job() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    attachment.observe(Sampled(stats(30, 900, JobType.COMPLETED), 100.0), 100.0)
    attachment.observe(Sampled(stats(30, 900, JobType.COMPLETED), 101.0), 101.0)
    assert not attachment.ended
    attachment.observe(Sampled(stats(50, 950), 101.1), 101.1)
    assert attachment.ended


@pytest.mark.parametrize("type", [JobType.UNBOUNDED, JobType.COMPLETED])
def test_a_job_that_has_lasted_longer_than_the_one_before_it_is_another_job(type: JobType) -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    attachment.observe(Sampled(stats(30, 900, type), 100.0), 100.0)
    attachment.observe(Sampled(stats(30, 900, type), 101.0), 101.0)
    attachment.observe(Sampled(stats(60, 950, type), 101.1), 101.1)
    assert attachment.ended


def test_a_short_job_that_is_next_seen_as_its_file_is_closed_is_the_same_job() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    attachment.observe(Sampled(stats(14, 10), 100.0), 100.001)
    attachment.observe(Sampled(stats(60, 900, JobType.COMPLETED), 100.1), 100.101)
    attachment.observe(Sampled(stats(60, 900, JobType.COMPLETED), 100.5), 100.501)
    assert not attachment.ended


@pytest.mark.parametrize("late", [0.0, 0.05, 1.5])
def test_the_samples_of_a_young_job_are_one_jobs_however_late_an_answer_comes(late: float) -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    attachment.observe(Sampled(stats(0, 0), 100.0), 100.0)
    attachment.observe(Sampled(stats(0, 0), 100.1), 100.1)  # Before libvirt counts.
    attachment.observe(Sampled(stats(100, 10), 100.2), 100.2 + late)
    attachment.observe(Sampled(stats(201 + int(late * 1000), 20), 100.3 + late), 100.301 + late)
    assert not attachment.ended


@pytest.mark.parametrize(("began", "other"), [(99.0, False), (104.0, True)])
def test_a_job_that_is_first_seen_after_an_outage_may_be_another_one(began: float, other: bool) -> None:
    record = process.new_record(DumpRequest(KEY, "/f"), "sim:///x")  # Its runner never was.
    attachment = Attachment(KEY, JobOperation.DUMP, record)
    attachment.observe(SampleFailed(NoConnection("lost")), 100.0)
    attachment.observe(Sampled(stats(int((105 - began) * 1000), 500), 105.0), 105.0)
    assert attachment.ended is other


def test_an_event_of_another_domain_says_nothing() -> None:
    other = replace(KEY, uuid="other")
    outcome = verdict_of(RUNNING, DumpEvent(other, False, "no"), GONE)
    assert outcome is not None
    assert outcome.verdict is Verdict.UNPROVEN


@pytest.mark.parametrize("completed", [False, True])
def test_what_is_told_after_an_outage_may_be_told_of_the_next_dump(completed: bool) -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    attachment.observe(Sampled(stats(5000, 900), 100.0), 100.0)
    attachment.observe(LOST, 100.1)
    attachment.observe(BACK, 110.0)
    attachment.observe(DumpEvent(KEY, completed, ""), 110.1)
    attachment.observe(Sampled(None, 110.2), 110.2)
    outcome = attachment.outcome(110.2 + ORPHAN_GRACE + GRACE)
    assert outcome is not None
    assert (outcome.verdict, outcome.evidence) == (Verdict.UNPROVEN, Evidence.NONE)


def test_once_it_was_seen_again_what_is_told_is_told_of_it() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    attachment.observe(Sampled(stats(5000, 500), 100.0), 100.0)
    attachment.observe(LOST, 100.1)
    attachment.observe(BACK, 101.0)
    attachment.observe(Sampled(stats(6100, 600), 101.1), 101.1)
    attachment.observe(DumpEvent(KEY, False, "no space"), 101.2)
    attachment.observe(Sampled(None, 101.3), 101.3)
    outcome = attachment.outcome(101.3 + GRACE)
    assert outcome is not None
    assert outcome.verdict is Verdict.FAILED
