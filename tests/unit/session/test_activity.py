"""Results stay on top until they are acknowledged; nothing is said twice."""

from __future__ import annotations

from backend.model import DomainKey, JobOperation
from backend.outcome import Evidence, Outcome, Verdict
from tui.session.activity import MOST, MOST_KEPT, Activity, Entry
from tui.session.activity_log import Tone


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        self.now += 0.01
        return self.now


def outcome(name: str, verdict: Verdict) -> Outcome:
    return Outcome(DomainKey("uuid", 1, name), JobOperation.DUMP, verdict, Evidence.RESULT, "It is so.")


def subjects(entries: list[Entry]) -> list[str]:
    return [entry.subject for entry in entries]


def test_own_and_bad_results_are_kept() -> None:
    activity = Activity(Clock())
    activity.tell(outcome("theirs", Verdict.COMPLETED))
    activity.tell(outcome("mine", Verdict.COMPLETED), own=True)
    activity.tell(outcome("failed", Verdict.FAILED))
    activity.tell(outcome("unproven", Verdict.UNPROVEN))
    activity.tell(outcome("cancelled", Verdict.CANCELLED))
    activity.say("command", "✓ save completed", keep=True)
    assert subjects(activity.kept) == ["command", "mine", "unproven", "failed"], "the user's own come first"
    assert subjects(activity.others) == ["cancelled", "theirs"]


def test_a_busy_host_does_not_push_them_out() -> None:
    activity = Activity(Clock())
    activity.tell(outcome("failed", Verdict.FAILED))
    for number in range(2 * MOST):
        activity.say(f"vm-{number}", "dump started", Tone.QUIET)
    assert subjects(activity.kept) == ["failed"]
    assert len(activity.others) == MOST


def test_what_is_acknowledged_goes_where_it_belongs_in_time() -> None:
    activity = Activity(Clock())
    activity.say("first", "connected")
    activity.tell(outcome("failed", Verdict.FAILED))
    activity.say("last", "connected")
    [entry] = activity.kept
    activity.acknowledge(entry)
    assert activity.kept == []
    assert subjects(activity.others) == ["last", "failed", "first"]
    activity.acknowledge(entry)
    assert subjects(activity.others) == ["last", "failed", "first"]


def test_of_too_many_results_the_oldest_are_kept_no_longer() -> None:
    activity = Activity(Clock())
    for number in range(MOST_KEPT + 2):
        activity.tell(outcome(f"vm-{number}", Verdict.FAILED))
    assert len(activity.kept) == MOST_KEPT
    assert subjects(activity.others) == ["vm-1", "vm-0"]


def test_counts_add_up_while_nothing_else_happens() -> None:
    activity = Activity(Clock())
    activity.count("hv1", 9, "job started", "jobs started")
    activity.count("hv1", 3, "job started", "jobs started")
    assert [entry.words for entry in activity.others] == ["12 jobs started"]
    activity.count("hv1", 9, "job ended: failed", "jobs ended: failed", keep=True)
    activity.count("hv1", 1, "job ended: failed", "jobs ended: failed", keep=True)
    assert [entry.words for entry in activity.kept] == ["10 jobs ended: failed"]
    activity.say("hv1", "connected")
    activity.count("hv1", 2, "job started", "jobs started")
    assert [entry.words for entry in activity.others] == ["2 jobs started", "connected", "12 jobs started"]


def test_a_message_is_noted_unless_the_activity_says_it_already() -> None:
    clock = Clock()
    activity = Activity(clock)
    activity.say("vm-1", "✗ abort failed: there is no job", Tone.ERROR, keep=True)
    activity.note("vm-1: there is no job", Tone.ERROR)
    activity.say("vm-2", "detached; the dump is still running")
    activity.note("vm-2: detached; the dump is still running", Tone.QUIET)
    assert len(activity.kept + activity.others) == 2
    activity.note("no dump path to copy", Tone.QUIET)
    activity.note("no dump path to copy", Tone.QUIET)
    assert [entry.words for entry in activity.others] == ["no dump path to copy", "detached; the dump is still running"]
    clock.now += 60
    activity.note("no dump path to copy", Tone.QUIET)
    assert len(activity.others) == 3


def test_every_change_is_told() -> None:
    activity, told = Activity(Clock()), []
    activity.changed = lambda: told.append(activity.latest and activity.latest.number)
    activity.say("vm-1", "started")
    activity.tell(outcome("vm-2", Verdict.FAILED))
    activity.acknowledge(activity.kept[0])
    assert told == [1, 2, 2]


def test_many_bad_results_of_others_do_not_push_out_the_users_own() -> None:
    activity = Activity(Clock())
    activity.tell(outcome("mine", Verdict.COMPLETED), own=True)
    for number in range(2 * MOST_KEPT):
        activity.tell(outcome(f"vm-{number}", Verdict.UNPROVEN))
    assert subjects(activity.kept)[:2] == ["mine", f"vm-{2 * MOST_KEPT - 1}"]
    assert len(activity.kept) == MOST_KEPT


def test_what_happens_again_and_again_is_kept_once() -> None:
    activity = Activity(Clock())
    for _ in range(3):
        activity.say("vm-1", "✗ abort failed: there is no job", Tone.ERROR, keep=True)
    assert [entry.number for entry in activity.kept] == [3]


def test_bad_results_are_counted_on_whatever_else_happens_until_they_are_acknowledged() -> None:
    activity = Activity(Clock())
    for _ in range(3):
        activity.count("hv1", 9, "job ended: unproven", "jobs ended: unproven", keep=True)
        activity.count("hv2", 9, "job ended: unproven", "jobs ended: unproven", keep=True)
        activity.count("hv1", 20, "job started", "jobs started")
    assert [(entry.subject, entry.words) for entry in activity.kept] == [
        ("hv2", "27 jobs ended: unproven"),
        ("hv1", "27 jobs ended: unproven"),
    ]
    activity.acknowledge(activity.kept[1])
    activity.count("hv1", 1, "job ended: unproven", "jobs ended: unproven", keep=True)
    assert activity.kept[0].words == "1 job ended: unproven"
