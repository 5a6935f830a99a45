"""Going to a domain by the palette, columns to scroll to, and what can be copied."""

from __future__ import annotations

from tests.tui.console import console

QUIET = "sim:///quiet?domains=30&jobs=0"


async def test_the_palette_goes_to_a_domain() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.press("ctrl+p")
        await user.press(*"vm-27")
        await user.sees("go to it")
        await user.press("enter")
        await user.sees("▌ vm-27")


async def test_the_palette_goes_to_a_domain_that_the_filter_hides() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.press("slash", "0", "3", "enter")
        await user.sees("1 of 30")
        await user.press("ctrl+p")
        await user.press(*"vm-28")
        await user.sees("go to it")
        await user.press("enter")
        await user.sees("▌ vm-28")
        await user.sees_no("1 of 30")


async def test_a_name_is_copied() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.press("j", "y")
        await user.sees("name copied")
        assert user.app.clipboard == "vm-02"


async def test_the_stats_are_copied_as_domjobinfo_prints_them() -> None:
    async with console("sim:///two?domains=2&jobs=2") as user:
        await user.sees("2 jobs")
        await user.press("Y")
        await user.sees("job stats copied")
        assert "Time elapsed:" in user.app.clipboard


async def test_columns_that_have_no_room_can_be_scrolled_to() -> None:
    async with console("sim:///demo", size=(80, 24)) as user:
        await user.sees("db-01", "ETA")
        await user.sees_no("Rate")
        await user.press("l", "l")
        await user.sees("Rate", "Done", "< ", "db-01")
        await user.press("h", "h")
        await user.sees_no("Rate")


async def test_a_double_click_opens() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.click(6, 6, times=2)
        await user.sees("▌ vm-04", "no dump of this domain is on record here")


async def test_the_wheel_scrolls() -> None:
    async with console(QUIET, size=(80, 24)) as user:
        await user.sees("vm-01")
        await user.scroll(6, 6, 10)
        await user.sees_no("▌ vm-01")
