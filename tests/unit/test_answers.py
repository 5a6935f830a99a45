"""Answers of the terminal that are on their way when it is given back."""

from __future__ import annotations

import threading
import time

from tui.terminal.answers import Answers


def test_what_is_on_its_way_is_waited_for() -> None:
    answers, arrived = Answers(), threading.Event()
    answers.ask(2)
    answers.arrive()

    def answer() -> None:
        arrived.set()
        answers.arrive()

    threading.Timer(0.1, answer).start()
    answers.wait(30)
    assert arrived.is_set()


def test_a_terminal_that_never_answers_is_not_waited_for() -> None:
    answers = Answers()
    answers.ask(3)
    began = time.monotonic()
    answers.wait(30)
    assert time.monotonic() - began < 10


def test_a_lost_answer_holds_up_once_and_not_for_ever() -> None:
    answers = Answers()
    answers.ask(2)
    answers.arrive()
    answers.wait(0.01)
    answers.ask(1)
    answers.arrive()
    began = time.monotonic()
    answers.wait(30)
    assert time.monotonic() - began < 10
