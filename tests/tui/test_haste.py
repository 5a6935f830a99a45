"""Keys that come before the console has done what the one before them asked for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from backend.records.journal import Journal
from tests.simulator_hold import Hold
from tests.tui.terminal import Terminal, terminal
from tests.tui.test_looks import configured

pytestmark = pytest.mark.terminal

URI = "sim:///haste?domains=3&jobs=2"
QUIET = "sim:///haste?domains=3&jobs=0&memory=64"
QUIT_BY_ANOTHER_KEY = "[keymap]\nquit = 'Q'"
"""For keys of dialogs that would quit the console when the second of them comes after the dialog has gone."""
END, CTRL_P, CTRL_Q, CTRL_S, CTRL_U = "\x1b[F", "\x10", "\x11", "\x13", "\x15"


@pytest.mark.parametrize(
    ("opening", "seen", "bar", "closing"),
    [
        ("?", "Show all keys", "esc Close", "q"),
        ("HH", "Latency", "esc Close", "q"),
        ("ww", "waiting for", "esc Detach", "q"),
        ("  ww", "Waiting · 2 domains", "esc Detach", "q"),
        ("aa", "will be lost", "n No", "n"),
    ],
)
def test_a_key_that_is_pressed_twice_opens_and_closes_once(opening: str, seen: str, bar: str, closing: str) -> None:
    configured(QUIT_BY_ANOTHER_KEY)
    with Hold(URI), terminal("-c", URI) as console:
        console.sees("▌ vm-01", "%", "Q Quit")
        console.type(opening).sees(seen, bar).type(closing).sees("Q Quit")
        console.type(opening[-1]).sees(seen, bar).type(closing * 2).sees("Q Quit")
        assert console.type("Q").ends() == 0


def test_the_help_is_closed_by_the_key_that_opens_it() -> None:
    with Hold(URI), terminal("-c", URI) as console:
        console.sees("▌ vm-01", "q Quit").type("?").sees("Show all keys", "esc Close").type("?").sees("q Quit")
        assert console.type("q").ends() == 0


@pytest.mark.parametrize(
    ("marks", "emptied", "name"), [("", "'' --format", "core"), ("  ", "the file must be", "{domain}.core")]
)
def test_a_dump_that_is_asked_for_twice_is_started_once(marks: str, emptied: str, name: str, tmp_path: Path) -> None:
    configured(QUIT_BY_ANOTHER_KEY)
    with Hold(QUIET), terminal("-c", QUIET) as console:
        console.sees("▌ vm-01", "Q Quit").type(marks + "dd").sees("Start dump")
        console.type("\t" + END + CTRL_U).sees(emptied).type(f"{tmp_path}/{name}").sees(name)
        console.type(CTRL_S * 2).sees("%", "Detach").type("qq").sees("Q Quit")
        assert console.type("Q").ends() == 0
        assert len(Journal().pending()) == max(1, len(marks))


def test_quitting_in_haste_says_nothing_of_it(tmp_path: Path) -> None:
    with Hold(QUIET), terminal("-c", QUIET) as console:
        console.sees("▌ vm-01", "q Quit").type("G").sees("▌ vm-03").type("d").sees("Start dump")
        console.type("\t" + END + CTRL_U).sees("'' --format").type(f"{tmp_path}/core").sees("/core")
        console.resize(100, 20).type(CTRL_S + CTRL_Q)
        assert_ends_silently(console)


@pytest.mark.parametrize("key", [CTRL_P, "d", "w", "a", "H", "?"])
def test_what_was_opened_after_quitting_says_nothing_of_it(key: str) -> None:
    with Hold(URI), terminal("-c", URI) as console:
        console.sees("▌ vm-01", "%", "q Quit").type(CTRL_Q + key)
        assert_ends_silently(console)


def test_a_command_that_is_picked_twice_in_the_palette_is_done_once() -> None:
    with Hold(URI), terminal("-c", URI) as console:
        console.sees("▌ vm-01", "%", "q Quit").type("G").sees("▌ vm-03").type(CTRL_P).sees("command or domain").type(
            "help"
        ).sees("Show all keys")
        console.type("\r\r\r").sees("Keys", "esc Close").type("q").sees("q Quit").type("q")
        assert_ends_silently(console)


def test_keys_before_the_filters_are_for_the_table() -> None:
    with terminal("-c", "sim:///haste?domains=9&jobs=0") as console:
        console.sees("▌ vm-01", "q Quit").type("j  /07\r").sees("1 of 9", "2 marked, 2 not shown", "▌ vm-07")
        console.type("\x1b").sees("●vm-02", "●vm-03", "▌ vm-04")


def assert_ends_silently(console: Terminal) -> None:
    assert console.ends() == 0
    assert re.search(rb"Traceback|Error", console.written) is None


def test_a_question_is_asked_once(tmp_path: Path) -> None:
    configured("[dump]\nat_once = 1")
    with Hold(QUIET), terminal("-c", QUIET) as console:
        console.sees("▌ vm-01", "q Quit").type("  d").sees("Dump · 2 domains").type("\t" + END + CTRL_U)
        console.sees("the file must be").type(f"{tmp_path}/{{domain}}").sees("{domain}").type(CTRL_S)
        console.sees("1 queued", "Detach").type("q").sees("q Quit")
        console.type("qq").sees("One dump is queued", "n No").type("n").sees("q Quit")
        console.type("H").sees("+ Add").type("xx").sees("A queued dump will be cancelled", "n No").type("n").sees(
            "+ Add"
        ).type("q").sees("q Quit")
        assert console.type("q").sees("One dump is queued", "n No").type("yy").ends() == 0
