"""The filter of the domains and that of the history, and where the cursor is before, in and after it."""

from __future__ import annotations

import pytest

from backend.outcome import Verdict
from tests.tui.console import User, console
from tests.tui.test_history import opened, remember

QUIET = "sim:///quiet?domains=30&jobs=0"


async def begun(user: User) -> None:
    """The cursor is on vm-20."""
    await user.sees("▌ vm-01")
    await user.press("G", *["k"] * 10)
    await user.sees("▌ vm-20")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("vm-0", "9 of 30"),
        ("vm 7", "3 of 30"),
        ("vm-01|vm-02", "2 of 30"),
        ("vm-01 | vm-02", "2 of 30"),
        ("vm-0|vm-1 !5", "17 of 30"),
        ("!vm-0", "21 of 30"),
        ("!vm-0 !vm-1", "11 of 30"),
        ("! vm-0 | vm-1", "11 of 30"),
    ],
)
async def test_words_alternatives_and_exclusions(text: str, count: str) -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.press("slash")
        await user.type(text)
        await user.sees(count, f"/{text}")


async def test_the_line_says_how() -> None:
    async with console(QUIET, size=(80, 24)) as user:
        await user.sees("▌ vm-01")
        await user.press("slash")
        await user.sees("a b: both, a|b: either, !a: not")


@pytest.mark.parametrize("kept", [[], ["enter"]], ids=["while typing", "kept"])
async def test_the_cursor_returns_to_its_domain_when_the_filter_is_cleared(kept: list[str]) -> None:
    async with console(QUIET, size=(80, 24)) as user:
        await begun(user)
        before = user.screen.splitlines().index(next(line for line in user.screen.splitlines() if "▌ vm-20" in line))
        await user.press("slash", *"vm-03", *kept)
        await user.sees("1 of 30", "▌ vm-03")
        await user.press("escape")
        await user.sees("▌ vm-20", "─ vm-20 ─")
        after = user.screen.splitlines().index(next(line for line in user.screen.splitlines() if "▌ vm-20" in line))
        assert after == before


async def test_it_returns_too_when_the_text_is_deleted() -> None:
    async with console(QUIET) as user:
        await begun(user)
        await user.press("slash", *"03")
        await user.sees("▌ vm-03")
        await user.press("backspace", "backspace")
        await user.sees("▌ vm-20")
        await user.press(*"04")
        await user.sees("▌ vm-04")
        await user.press("escape")
        await user.sees("▌ vm-20")


async def test_it_returns_from_a_filter_that_matched_nothing() -> None:
    async with console(QUIET) as user:
        await begun(user)
        await user.press("slash", *"nothing")
        await user.sees("no match for")
        await user.press("escape")
        await user.sees("▌ vm-20")


async def test_a_cursor_that_nobody_moved_is_at_the_top_again() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.press("slash", *"03", "enter", "escape")
        await user.sees("▌ vm-01", "vm-02")


@pytest.mark.parametrize("keys", [["j"], ["down"], ["space", "k"], ["G"]])
async def test_a_cursor_that_the_user_moved_meanwhile_stays(keys: list[str]) -> None:
    async with console(QUIET) as user:
        await begun(user)
        await user.press("slash", *"vm-02|vm-03", "enter")
        await user.sees("2 of 30", "▌ vm-02")
        await user.press(*keys)
        moved = "vm-02" if "k" in keys else "vm-03"
        await user.sees(f"▌ {moved}" if "space" not in keys else f"▌●{moved}")
        await user.press("escape")
        await user.sees_no("2 of 30")
        assert any("▌" in line and moved in line for line in user.screen.splitlines())


async def test_a_click_chooses_as_well() -> None:
    async with console(QUIET) as user:
        await begun(user)
        await user.press("slash", *"vm-02|vm-03", "enter")
        await user.sees("2 of 30")
        await user.click(6, 4)
        await user.sees("▌ vm-03")
        await user.press("escape")
        await user.sees_no("2 of 30")
        assert "▌ vm-03" in user.screen


async def test_the_history_has_the_same_filter_and_gives_the_cursor_back() -> None:
    remember(*[(f"db-{number}", Verdict.COMPLETED if number % 2 else Verdict.FAILED) for number in range(1, 7)])
    async with console(QUIET, size=(160, 50)) as user:
        await opened(user, "History  6 jobs")
        await user.press("j", "j")
        cursor = next(line for line in user.screen.splitlines() if "▌" in line)
        await user.press("slash")
        await user.sees("a b: both")
        await user.type("db-1|db-2 !failed")
        await user.sees("1 of 6", "db-1")
        await user.press("enter", "escape")
        await user.sees("6 jobs")
        assert next(line for line in user.screen.splitlines() if "▌" in line) == cursor
