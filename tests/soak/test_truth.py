"""The soak can tell a lie from the truth."""

from __future__ import annotations

import pytest

from backend.outcome import Verdict
from tests.soak.truth import Facts, lies

COMPLETED = Facts("/a", Verdict.COMPLETED, whole=True)
FAILED = Facts("/b", Verdict.FAILED, whole=False)


@pytest.mark.parametrize("said", [Verdict.FAILED, Verdict.CANCELLED])
def test_a_success_that_is_denied_is_a_lie(said: Verdict) -> None:
    assert lies(said, None, [COMPLETED]) == "the truth is completed"


@pytest.mark.parametrize("said", [Verdict.COMPLETED, Verdict.CANCELLED])
def test_a_failure_that_is_denied_is_a_lie(said: Verdict) -> None:
    assert lies(said, None, [FAILED]) == "the truth is failed"


def test_what_nobody_aborted_was_not_cancelled_and_what_somebody_did_may_have_been() -> None:
    assert lies(Verdict.CANCELLED, None, [Facts("/a", None, whole=False)])
    assert not lies(Verdict.CANCELLED, None, [Facts("/a", None, whole=False, aborted=True)])


@pytest.mark.parametrize("facts", [COMPLETED, FAILED])
def test_unproven_is_no_lie_and_neither_is_the_truth(facts: Facts) -> None:
    assert not lies(Verdict.UNPROVEN, None, [facts])
    assert facts.returned is not None
    assert not lies(facts.returned, facts.path, [facts])


def test_a_verdict_that_names_a_file_is_held_against_that_dump_alone() -> None:
    assert not lies(Verdict.FAILED, None, [COMPLETED, FAILED])
    assert lies(Verdict.FAILED, "/a", [COMPLETED, FAILED])
    assert lies(Verdict.FAILED, "/c", [COMPLETED, FAILED]) == "it names the file of no dump that it can be about"


@pytest.mark.parametrize(
    ("whole", "qemu", "truth"),
    [
        (True, "completed", "completed"),
        (True, "", "completed"),
        (True, "failed", "failed"),
        (False, "completed", "failed"),
    ],
)
def test_where_the_call_is_lost_the_file_tells_and_qemu_may_object(whole: bool, qemu: str, truth: str) -> None:
    assert Facts("/a", None, whole, qemu).truths == {truth}


def test_of_a_dump_that_was_never_seen_and_whose_call_is_lost_nobody_can_tell() -> None:
    facts = Facts("/a", None, whole=False, began=False)
    assert not facts.truths
    assert not lies(Verdict.COMPLETED, None, [facts])


def test_a_success_without_a_whole_file_is_a_contradiction() -> None:
    assert Facts("/a", Verdict.COMPLETED, whole=False).contradiction
    assert Facts("/a", Verdict.FAILED, whole=True, qemu="completed").contradiction
    assert not COMPLETED.contradiction
