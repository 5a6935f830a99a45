"""Keys work wherever the focus is, and on every screen, or say why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.simulator import SimulatorBackend
from tests.tui.console import User, console, dumping
from tests.tui.test_migrations import restless
from tui.config.values import Config

QUIET = "sim:///quiet?domains=9&jobs=0"
SIZES = [(80, 24), (160, 50)]


async def on_a_tab(user: User) -> None:
    """Click on a tab of the details."""
    await user.sees("▌ vm-01", "3:info")
    lines = user.screen.splitlines()
    line = next(y for y, text in enumerate(lines) if "3:info" in text)
    await user.click(lines[line].index("3:info") + 3, line)
    await user.sees("uuid")


async def by_tab(user: User) -> None:
    await user.sees("▌ vm-01")
    await user.press("tab")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("elsewhere", [on_a_tab, by_tab])
async def test_cursor_and_marks_work_wherever_the_focus_is(elsewhere: object, size: tuple[int, int]) -> None:
    async with console(QUIET, size=size) as user:
        await elsewhere(user)  # type: ignore[operator]
        assert not user.app.screen.query_one("DomainTable").has_focus
        await user.press("j")
        await user.sees("▌ vm-02")
        await user.press("k", "space")
        await user.sees("●vm-01", "▌ vm-02", "1 marked")
        await user.press("G")
        await user.sees("▌ vm-09")
        await user.press("g", "asterisk")
        await user.sees("▌●vm-01", "9 marked")
        await user.press("escape")
        await user.sees_no("marked")
        await user.press("slash", "0", "3", "enter")
        await user.sees("1 of 9")


async def test_escape_goes_back_to_the_domains_once_there_is_nothing_to_clear() -> None:
    async with console(QUIET, size=(160, 50)) as user:
        await on_a_tab(user)
        await user.press("space", "escape")
        await user.sees_no("marked")
        assert not user.app.screen.query_one("DomainTable").has_focus
        await user.press("escape")
        await user.until(lambda: user.app.screen.query_one("DomainTable").has_focus, "the focus")
        await user.press("escape")
        await user.reads("nothing is filtered, and nothing is marked")


async def test_arrows_scroll_what_has_the_focus() -> None:
    async with console(QUIET, size=(80, 24)) as user:
        await on_a_tab(user)
        first = [line for line in user.screen.splitlines() if "uuid" in line]
        await user.press("down", "down")
        await user.until(lambda: [line for line in user.screen.splitlines() if "uuid" in line] != first, "scrolling")
        await user.sees("▌ vm-01")


@pytest.mark.parametrize(
    ("opening", "seen"),
    [("H", "Latency"), ("J", "History"), ("w", "waiting for"), ("a", "will be lost")],
)
async def test_help_is_on_every_screen(opening: str, seen: str, tmp_path: Path) -> None:
    async with console(QUIET) as user, dumping(QUIET, "vm-01", tmp_path / "core"):
        await user.sees("1 job ")
        await user.press(opening)
        await user.sees(seen)
        await user.press("question_mark")
        await user.sees("─ Keys ─")
        await user.press("question_mark")
        await user.sees(seen)
        await user.sees_no("─ Keys ─")


@pytest.mark.parametrize(
    ("opening", "seen", "key", "reason"),
    [
        ("H", "Latency", "d", "Dump: not here, but in the list of domains"),
        ("J", "History", "a", "Abort: not here, but in the list of domains"),
        ("question_mark", "─ Keys ─", "space", "Mark: not here, but in the list of domains"),
        ("a", "will be lost", "q", "answer the question first"),
        ("a", "will be lost", "d", "answer the question first"),
    ],
)
async def test_a_key_of_the_domains_says_that_it_is_not_for_here(
    opening: str, seen: str, key: str, reason: str, tmp_path: Path
) -> None:
    async with console(QUIET) as user, dumping(QUIET, "vm-01", tmp_path / "core"):
        await user.sees("1 job ")
        await user.press(opening)
        await user.sees(seen)
        await user.press(key)
        await user.reads(reason)


@pytest.mark.parametrize("opening", ["H", "J", "w", "question_mark", "d"])
async def test_q_closes_what_is_open(opening: str, tmp_path: Path) -> None:
    async with console(QUIET) as user, dumping(QUIET, "vm-02" if opening == "d" else "vm-01", tmp_path / "core"):
        await user.sees("1 job ")
        await user.press("G" if opening == "d" else "g", opening)
        await user.until(lambda: len(user.app.screen_stack) == 2, "another screen")
        await user.sees("Start dump" if opening == "d" else "Close" if opening != "w" else "Detach")
        await user.press("q")
        await user.sees("q Quit")


async def test_ctrl_c_ends_nothing_and_says_how() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.press("ctrl+c")
        await user.reads("q quits the console, and closes any other screen; jobs continue")
        await user.press("H", "ctrl+c")
        await user.sees("Latency")
        assert user.app.is_running


async def test_the_migration_takes_letters_as_keys() -> None:
    uri = "sim:///letters?domains=1&jobs=0&memory=200"
    async with SimulatorBackend(uri) as other, console(uri) as user:
        await restless(other)
        await user.sees("not converging")
        await user.press("m")
        await user.sees("Downtime allowed")
        await user.press("question_mark")
        await user.sees("─ Keys ─")
        await user.press("q", "q")
        await user.sees_no("Downtime allowed")
        await user.sees("q Quit")


async def test_left_and_right_go_from_answer_to_answer(tmp_path: Path) -> None:
    async with console(QUIET) as user, dumping(QUIET, "vm-01", tmp_path / "core"):
        await user.sees("1 job ")
        await user.press("a")
        await user.sees("will be lost")
        await user.press("right", "left", "enter")
        await user.sees_no("will be lost")
        await user.sees("1 job ")


@pytest.mark.parametrize("size", SIZES)
async def test_a_long_text_scrolls_with_the_keys_of_the_table(size: tuple[int, int]) -> None:
    async with console(QUIET, size=(size[0], 14)) as user:
        await user.sees("▌ vm-01")
        await user.press("question_mark")
        await user.sees("─ Keys ─")
        before = user.screen
        await user.press("G")
        await user.until(lambda: user.screen != before, "the end")
        await user.press("g")
        await user.until(lambda: user.screen == before, "the beginning")


async def test_keys_that_a_keymap_takes_from_a_column_are_its_own() -> None:
    config = Config(keymap={"dump": "D,f5"})
    async with console(QUIET, config=config) as user:
        await user.sees("▌ vm-01", "D Dump")
        await user.press("D")
        await user.sees("Dump · vm-01")
