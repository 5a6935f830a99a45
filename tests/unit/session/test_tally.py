"""How many jobs failed or ended without proof, each counted once."""

from __future__ import annotations

from dataclasses import replace

from backend.model import DomainKey, JobOperation
from backend.outcome import Evidence, Outcome, Verdict
from backend.records.entry import JobEntry
from tui.session.tally import KEPT, Tally

RUNNING = JobEntry("id", "sim:///", "uuid", "db-01", 1, JobOperation.DUMP, None, 90.0, True, "root@hv1 (console)")
FAILED = replace(RUNNING, ended=110.0, verdict=Verdict.FAILED)


def test_the_ends_of_jobs_are_counted_once() -> None:
    tally = Tally(100.0)
    tally.take(RUNNING)
    tally.take(replace(RUNNING, id="good", ended=105.0, verdict=Verdict.COMPLETED))
    assert (tally.failed, tally.unproven) == (0, 0)
    tally.take(FAILED)
    tally.take(FAILED)
    tally.take(replace(FAILED, id="other", verdict=Verdict.UNPROVEN))
    assert (tally.failed, tally.unproven) == (1, 1)


def test_what_is_known_better_now_is_counted_anew() -> None:
    tally = Tally(100.0)
    tally.take(replace(FAILED, verdict=Verdict.UNPROVEN))
    tally.take(FAILED)
    assert (tally.failed, tally.unproven) == (1, 0)


def test_what_ended_before_the_console_was_started_is_history() -> None:
    tally = Tally(100.0)
    tally.take(replace(FAILED, ended=99.0))
    assert tally.failed == 0


def test_a_dump_that_nothing_remembers_counts_as_well() -> None:
    tally = Tally(100.0)
    key = DomainKey("uuid", 1, "db-01")
    tally.add(Outcome(key, JobOperation.DUMP, Verdict.FAILED, Evidence.RESULT, "The dump call failed."))
    assert tally.failed == 1


def test_ever_so_many_jobs_take_no_more_memory() -> None:
    tally = Tally(100.0)
    for number in range(KEPT + 100):
        tally.take(replace(FAILED, id=str(number)))
    assert tally.failed == KEPT + 100
    assert len(tally._counted) == KEPT
