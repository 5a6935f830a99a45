"""A dump that follows at once, to another file, is never taken for the one that was waited for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from backend.model import JobOperation
from backend.verdicts.attachment import Attachment
from backend.verdicts.observations import FileHeld, Sampled
from backend.verdicts.verdict import Verdict
from tests.unit.verdicts import test_world
from tests.unit.verdicts.observing import GONE, KEY, RUNNING, checked, record, stats
from tests.unit.verdicts.test_world import Ending, Story

LOST = 14
"""Observations that nobody made: all but the last two samples of the dump that follows."""


class Script:
    """What the generated stories draw, by label: nearly all of the dump is missed, and its file is visible."""

    def __init__(self) -> None:
        self._lost = 0

    def draw(self, strategy: object, label: str) -> object:
        if label == "fate":
            self._lost += 1
            return 0 if self._lost <= LOST else 1
        return {
            "the file can be seen": True,
            "QEMU's word is heard": False,
            "outage": None,
            "since when the file is looked for": 0.0,
            "delay": 0.0,
            "hiccup": 1,
            "times": 1,
        }[label]


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("pre_existing", [False, True])
def test_the_next_dumps_file_is_not_the_file_of_a_dump_that_was_missed(shared: bool, pre_existing: bool) -> None:
    story = Story(
        ending=Ending.DISK_FULL,
        raw=False,
        was_running=False,
        ours=True,
        shared=shared,
        runner_dies=False,
        pre_existing=pre_existing,
        restarts=False,
        follows=Ending.COMPLETED,
        quick=False,
    )
    test: Any = test_world.test_the_verdict_is_the_truth_or_unproven
    test.hypothesis.inner_test(story, Script())


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
    assert outcome.path == ("/dumps/db-01" if presumed else "/elsewhere")
