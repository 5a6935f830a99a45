"""What the file of a dump proves."""

from __future__ import annotations

import pytest

from backend.errors import NoSuchDomain
from backend.events import DumpEvent, Lifecycle
from backend.model import JobOperation
from backend.outcome import Evidence, Verdict
from backend.verdicts.attachment import Attachment
from backend.verdicts.held_file import UNREADABLE_GRACE
from backend.verdicts.observations import FileChecked, FileHeld, FileUnreadable, Observation, Sampled, SampleFailed
from backend.verdicts.phase import FILE_GRACE
from tests.unit.verdicts.observing import (
    CLOSING,
    GONE,
    HELD,
    KEY,
    RUNNING,
    checked,
    lifecycle,
    stats,
    verdict_of,
)

NOT_THERE = SampleFailed(NoSuchDomain("that run is over"))


def test_a_whole_file_proves_the_end() -> None:
    outcome = verdict_of(RUNNING, HELD, GONE, checked(whole=True))
    assert outcome is not None
    assert (outcome.verdict, outcome.evidence, outcome.path) == (Verdict.COMPLETED, Evidence.FILE, "/dumps/db-01")


def test_the_verdict_waits_for_the_file_that_is_held() -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    for observation in (RUNNING, HELD, GONE):
        attachment.observe(observation, 100.0)
    assert attachment.outcome(100.0 + FILE_GRACE - 1) is None
    attachment.observe(checked(whole=True), 159.5)
    assert attachment.outcome(159.5) is not None


@pytest.mark.parametrize(
    ("file", "verdict"),
    [
        (checked(whole=False, linked=False), Verdict.FAILED),
        (checked(whole=False), Verdict.FAILED),
        (checked(whole=True, linked=False), Verdict.UNPROVEN),
        (checked(whole=None), Verdict.UNPROVEN),
        (checked(whole=None, linked=False), Verdict.UNPROVEN),
    ],
)
def test_what_a_file_that_is_not_whole_or_gone_proves(file: FileChecked, verdict: Verdict) -> None:
    outcome = verdict_of(RUNNING, HELD, GONE, file)
    assert outcome is not None
    assert outcome.verdict is verdict


STOPPED = lifecycle(Lifecycle.STOPPED, "destroyed")


@pytest.mark.parametrize(
    "stopped", [[STOPPED], [NOT_THERE], [NOT_THERE, STOPPED], [CLOSING, STOPPED], [CLOSING, NOT_THERE, STOPPED]]
)
def test_a_whole_file_proves_nothing_where_the_domain_may_have_stopped_first(stopped: list[Observation]) -> None:
    # Seen on libvirt 9.0.0: destroyed while the file is closed, the call fails; a file that was there before stays.
    outcome = verdict_of(RUNNING, HELD, *stopped, checked(whole=True))
    assert outcome is not None
    assert outcome.verdict is Verdict.UNPROVEN
    assert "may have stopped before" in outcome.detail


@pytest.mark.parametrize(
    "ended",
    [
        [GONE, STOPPED],
        [lifecycle(Lifecycle.RESUMED, "unpaused"), STOPPED],
        [lifecycle(Lifecycle.RESUMED, "unpaused"), NOT_THERE, STOPPED],
        [NOT_THERE, lifecycle(Lifecycle.RESUMED, "unpaused"), STOPPED],
        [NOT_THERE, lifecycle(Lifecycle.STOPPED, "crashed")],
    ],
)
def test_a_whole_file_proves_the_end_of_a_dump_that_its_domain_outlived(ended: list[Observation]) -> None:
    outcome = verdict_of(RUNNING, HELD, *ended, checked(whole=True))
    assert outcome is not None
    assert (outcome.verdict, outcome.evidence) == (Verdict.COMPLETED, Evidence.FILE)


def test_a_whole_file_does_not_outweigh_qemus_own_failure() -> None:
    outcome = verdict_of(RUNNING, HELD, DumpEvent(KEY, False, "no"), GONE, checked(whole=True))
    assert outcome is not None
    assert outcome.verdict is Verdict.FAILED


def test_a_file_that_was_found_before_the_job_had_begun_is_another_ones() -> None:
    outcome = verdict_of(FileHeld(98.9), RUNNING, GONE, checked(whole=True))
    assert outcome is not None
    assert (outcome.verdict, outcome.path) == (Verdict.UNPROVEN, None)


@pytest.mark.parametrize("whole", [True, False])
def test_a_file_that_was_found_when_the_job_may_have_ended_may_be_the_next_ones(whole: bool) -> None:
    # The next dump may have begun and not have been seen: no daemon answers, or it is over too soon.
    outcome = verdict_of(RUNNING, FileHeld(100.05), GONE, checked(whole, untouched=1000.0))
    assert outcome is not None
    assert (outcome.verdict, outcome.path) == (Verdict.UNPROVEN, None)


def test_a_file_that_was_found_before_the_job_was_seen_again_is_its_own() -> None:
    outcome = verdict_of(RUNNING, FileHeld(100.05), Sampled(stats(1100, 200), 100.1), GONE, checked(whole=True))
    assert outcome is not None
    assert (outcome.verdict, outcome.path) == (Verdict.COMPLETED, "/dumps/db-01")


# RUNNING is observed at 100.0, GONE later.
LATE = Sampled(stats(), 99.9)
"""Requested at 99.9, and answered by the time it is observed, 100.0."""


@pytest.mark.parametrize("over", [True, False])
def test_a_file_whose_writer_was_seen_before_and_after_a_look_at_the_job_is_its_own(over: bool) -> None:
    held = FileHeld(90.0, (99.8, 100.05), over)
    outcome = verdict_of(LATE, GONE, held, checked(whole=True))
    assert outcome is not None
    assert (outcome.verdict, outcome.path) == (Verdict.COMPLETED, "/dumps/db-01")


@pytest.mark.parametrize("seen", [(99.95, 100.05), (99.8, 99.95), (90.0, 90.1), (100.2, 100.3)])
def test_a_file_whose_writer_was_not_seen_around_a_look_may_be_another_jobs(
    seen: tuple[float, float],
) -> None:
    outcome = verdict_of(LATE, GONE, FileHeld(seen[0] - 10.0, seen, over=True), checked(whole=True))
    assert outcome is not None
    assert (outcome.verdict, outcome.path) == (Verdict.UNPROVEN, None)


def test_a_file_that_is_over_is_not_a_jobs_own_because_of_how_old_that_seems() -> None:
    # libvirt counts by the wall clock: one that was set forward makes the job older than an earlier dump's file.
    old = Sampled(stats(elapsed=3_600_000), 100.0)
    outcome = verdict_of(old, GONE, FileHeld(95.0, (95.0, 97.0), over=True), checked(whole=True))
    assert outcome is not None
    assert (outcome.verdict, outcome.path) == (Verdict.UNPROVEN, None)


FOLLOWED = (Sampled(stats(5000, 900), 100.0), HELD, Sampled(stats(20, 10), 100.1))


def test_a_file_that_the_next_dump_writes_to_proves_nothing() -> None:
    for whole in (True, False):
        outcome = verdict_of(*FOLLOWED, checked(whole))
        assert outcome is not None
        assert outcome.verdict is Verdict.UNPROVEN


def test_a_file_that_was_whole_before_the_next_dump_began_proves_the_end() -> None:
    outcome = verdict_of(*FOLLOWED, checked(whole=True, untouched=1.0))
    assert outcome is not None
    assert (outcome.verdict, outcome.evidence) == (Verdict.COMPLETED, Evidence.FILE)


def test_a_file_that_was_found_when_the_next_dump_ran_is_not_named() -> None:
    # The first look after the end is at its file, which was found too late; the next one is at the next dump.
    next_one = Sampled(stats(150, 10), 100.4)
    outcome = verdict_of(RUNNING, HELD, GONE, checked(whole=False), next_one)
    assert outcome is not None
    assert (outcome.verdict, outcome.path) == (Verdict.UNPROVEN, None)


def test_the_file_of_a_dump_that_another_one_follows_is_its_own() -> None:
    next_one = Sampled(stats(20, 10), 100.4)
    outcome = verdict_of(RUNNING, HELD, GONE, checked(whole=False, linked=False), next_one)
    assert outcome is not None
    assert (outcome.verdict, outcome.path) == (Verdict.FAILED, "/dumps/db-01")


def test_an_answer_that_was_late_is_no_sign_of_another_job() -> None:
    late = Sampled(stats(1050, 150), 100.05)
    outcome = verdict_of(RUNNING, HELD, GONE, late, checked(whole=True))
    assert outcome is not None
    assert (outcome.verdict, outcome.evidence) == (Verdict.COMPLETED, Evidence.FILE)


UNREADABLE = FileUnreadable("cannot read /dumps/db-01: Input/output error")


@pytest.mark.parametrize("word", [[], [DumpEvent(KEY, True, "")]])
def test_a_file_that_cannot_be_read_in_the_end_is_not_waited_for_as_long_as_one_that_is_slow(
    word: list[Observation],
) -> None:
    attachment = Attachment(KEY, JobOperation.DUMP, None)
    for observation in (RUNNING, HELD, *word, GONE):
        attachment.observe(observation, 100.0)
    now = 100.0
    while attachment.outcome(now) is None:
        now += 0.3
        attachment.observe(UNREADABLE, now)
    outcome = attachment.outcome(now)
    assert now - 100.0 < UNREADABLE_GRACE + 1
    assert outcome is not None
    assert outcome.verdict is Verdict.UNPROVEN
    assert "could not be checked: cannot read /dumps/db-01: Input/output error." in outcome.detail


def test_a_file_that_can_be_read_again_proves_the_end() -> None:
    outcome = verdict_of(RUNNING, HELD, GONE, UNREADABLE, UNREADABLE, checked(whole=True))
    assert outcome is not None
    assert (outcome.verdict, outcome.evidence) == (Verdict.COMPLETED, Evidence.FILE)


def test_a_file_that_never_answers_is_named_as_the_reason() -> None:
    outcome = verdict_of(RUNNING, HELD, GONE)
    assert outcome is not None
    assert (outcome.verdict, outcome.detail) == (Verdict.UNPROVEN, "Its file was not read in time.")
