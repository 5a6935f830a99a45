"""The palette: by a colon or Ctrl-P, with what it finds at once, and nothing that Enter alone could do."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulator_hold import Hold
from tests.tui.console import console, dumping
from tests.tui.terminal import terminal
from tui.commands.finding import Entry, Finder

QUIET = "sim:///quiet?domains=30&jobs=0"
CTRL_P = "\x10"


def named(*names: str, about: str = "") -> list[Entry]:
    return [Entry(name, about, str, ("q",) if name == "Quit" else ()) for name in names]


def found(entries: list[Entry], typed: str) -> list[str]:
    return [entry.name for entry in Finder(entries).find(typed)]


def test_what_is_called_so_comes_before_what_only_speaks_of_it() -> None:
    entries = [*named("Sort", about="sort by quantity"), *named("Queue", "Quit", "Acquit")]
    assert found(entries, "q") == ["Quit", "Queue", "Acquit", "Sort"]
    assert found(entries, ":quit") == ["Quit", "Acquit"]
    assert found(entries, "QUEUE") == ["Queue"]
    assert found(entries, "quan sort") == ["Sort"]
    assert found(entries, "uantity") == []


def test_without_a_text_everything_is_there_in_its_order() -> None:
    assert found(named("Help", "Dump", "Quit"), " ") == ["Help", "Dump", "Quit"]


@given(st.text(max_size=8))
def test_whatever_is_typed_each_is_found_once_at_most(typed: str) -> None:
    names = found(named("Help", "Dump", "Quit"), typed)
    assert len(names) == len(set(names)) and set(names) <= {"Help", "Dump", "Quit"}


@pytest.mark.parametrize("key", ["colon", "ctrl+p"])
@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
async def test_it_opens_and_closes(key: str, size: tuple[int, int]) -> None:
    async with console(QUIET, size=size) as user:
        await user.sees("▌ vm-01")
        await user.press(key)
        await user.sees("command or domain name", "Help", "? · Show all keys")
        assert max(len(line) for line in user.screen.splitlines()) <= size[0]
        await user.press("escape")
        await user.sees("▌ vm-01", "q Quit")


async def test_enter_alone_does_nothing_and_the_first_entry_is_harmless() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.press("ctrl+p", "enter", "enter")
        await user.sees("command or domain name")
        await user.press("down", "enter")
        await user.sees("Keys", "Show all keys", "esc Close")


async def test_arrows_choose_and_a_click_does() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.press("colon")
        await user.sees("Hosts")
        line = next(y for y, text in enumerate(user.screen.splitlines()) if "Hosts" in text)
        await user.click(30, line)
        await user.sees("Latency", "+ Add")


@pytest.mark.parametrize("typed", ["q", "quit", "q!"])
async def test_quit_is_found_as_an_editor_has_it(typed: str) -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.press("colon", *typed, "enter")
        await user.until(lambda: user.app.return_code is not None or not user.app.is_running, "an end")


async def test_quitting_asks_as_q_does_while_dumps_are_queued(tmp_path: Path) -> None:
    uri = "sim:///asks?domains=5&jobs=0&memory=16"
    async with Hold(uri), console(uri) as user:
        await user.sees("▌ vm-01")
        await user.press("space", "space", "space", "d")
        await user.sees("Dump · 3 domains")
        await user.press("tab", "end", "ctrl+u")
        await user.type(f"{tmp_path}/{{domain}}.core")
        await user.sees("{domain}.core")
        await user.press("ctrl+s")
        await user.sees("1 queued")
        await user.press("escape", "colon", "q", "enter")
        await user.sees("One dump is queued")
        await user.press("n")
        await user.sees_no("One dump is queued")


async def test_what_nothing_is_called_is_said_and_enter_does_nothing() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.press("colon", *"xyzzy")
        await user.sees("nothing is called that")
        await user.press("enter")
        await user.sees("nothing is called that")


async def test_a_colon_that_is_typed_is_a_colon() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.press("slash", "colon")
        await user.sees("/:", "30 of 30")
        await user.press("escape", "d")
        await user.sees("Dump · vm-01")
        await user.press("tab", "end", "colon")
        await user.sees_no("command or domain name")
        await user.press("ctrl+p")
        await user.sees("command or domain name", "Start")


async def test_it_opens_over_every_screen(tmp_path: Path) -> None:
    async with console(QUIET) as user, dumping(QUIET, "vm-01", tmp_path / "core"):
        await user.sees("1 job ")
        for key, seen in {"H": "Latency", "J": "Began▾", "w": "waiting for", "question_mark": "Show all keys"}.items():
            await user.press(key)
            await user.sees(seen)
            await user.press("colon")
            await user.sees("command or domain name")
            await user.press("escape", "q")
            await user.sees("q Quit")


async def test_a_theme_is_chosen() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.press("colon", *"theme", "enter")
        await user.sees("theme name", "nord")
        await user.press(*"nord", "enter")
        await user.until(lambda: user.app.theme == "nord", "another theme")


@pytest.mark.terminal
@pytest.mark.parametrize("opening", [":", CTRL_P])
def test_keys_that_are_typed_in_haste_are_for_it(opening: str) -> None:
    with terminal("-c", QUIET) as console:
        console.sees("▌ vm-01", "q Quit").type(f"{opening}vm-27\r").sees("▌ vm-27")
        assert console.type(f"{opening}quit\r").ends() == 0
