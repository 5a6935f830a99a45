"""How dumps take turns on a host."""

from __future__ import annotations

from tui.session.turns import Turns


def test_no_more_run_than_may_and_who_came_first_is_next() -> None:
    turns = Turns(2)
    first, second, third, fourth = (turns.line_up() for _ in range(4))
    assert [turn.is_set() for turn in (first, second, third, fourth)] == [True, True, False, False]
    turns.leave(second)
    assert [turn.is_set() for turn in (third, fourth)] == [True, False]


def test_a_turn_that_is_handed_back_twice_lets_one_in() -> None:
    turns = Turns(1)
    first, second, third = (turns.line_up() for _ in range(3))
    turns.leave(first)
    turns.leave(first)
    assert (second.is_set(), third.is_set()) == (True, False)


def test_one_that_leaves_the_queue_is_never_called() -> None:
    turns = Turns(1)
    first, second, third = (turns.line_up() for _ in range(3))
    turns.leave(second)
    turns.leave(first)
    assert (second.is_set(), third.is_set()) == (False, True)


def test_more_turns_come_at_once_when_more_may_run() -> None:
    turns = Turns(1)
    first, second = turns.line_up(), turns.line_up()
    turns.at_once = 2
    assert (first.is_set(), second.is_set(), turns.free) == (True, True, False)
