"""Since when a domain is in its state: only as reported."""

from __future__ import annotations

from dataclasses import replace

import pytest

from backend.events import ConnectionEvent, Lifecycle, LifecycleEvent
from backend.model import Domain, DomainKey, DomainState
from tests.unit.clock import Clock
from tui.session.happenings import Happenings

KEY = DomainKey("uuid", 1, "db-01")
RUNNING = Domain(KEY, DomainState.RUNNING)
PAUSED = Domain(KEY, DomainState.PAUSED, "user")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def happenings(clock: Clock) -> Happenings:
    return Happenings(clock)


def test_a_state_that_was_not_seen_to_begin_has_no_begin(happenings: Happenings) -> None:
    assert happenings.since(PAUSED) is None
    happenings.take(LifecycleEvent(KEY, Lifecycle.RESUMED, "unpaused"))
    assert happenings.since(PAUSED) is None


def test_a_state_began_with_the_first_of_several_equal_events(happenings: Happenings, clock: Clock) -> None:
    happenings.take(LifecycleEvent(KEY, Lifecycle.SUSPENDED, "paused"))
    clock.now = 107.0
    happenings.take(LifecycleEvent(KEY, Lifecycle.SUSPENDED, "I/O error"))
    assert happenings.since(PAUSED) == 100.0
    happenings.take(LifecycleEvent(KEY, Lifecycle.RESUMED, "unpaused"))
    assert (happenings.since(PAUSED), happenings.since(RUNNING)) == (None, 107.0)


@pytest.mark.parametrize("connected", [False, True])
def test_an_outage_may_have_hidden_what_ended_it(happenings: Happenings, connected: bool) -> None:
    happenings.take(LifecycleEvent(KEY, Lifecycle.SUSPENDED, "paused"))
    happenings.take(ConnectionEvent(connected))
    assert happenings.since(PAUSED) is None


def test_a_domain_that_is_no_more_is_forgotten(happenings: Happenings) -> None:
    happenings.take(LifecycleEvent(KEY, Lifecycle.SUSPENDED, "paused"))
    happenings.forget(KEY.uuid)
    assert happenings.since(PAUSED) is None


@pytest.mark.parametrize(
    ("event", "detail", "may_be"),
    [
        (Lifecycle.CRASHED, "panicked", True),
        (Lifecycle.SUSPENDED, "watchdog", True),
        (Lifecycle.SUSPENDED, "paused", False),
        (Lifecycle.RESUMED, "unpaused", False),
    ],
)
def test_a_dump_may_be_the_hypervisors_before_the_list_says_why(
    happenings: Happenings, event: Lifecycle, detail: str, may_be: bool
) -> None:
    happenings.take(LifecycleEvent(KEY, event, detail))
    assert happenings.may_be_dumped("uuid", RUNNING) is may_be
    assert happenings.may_be_dumped("uuid", replace(PAUSED, reason="watchdog"))
