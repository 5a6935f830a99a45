"""Going to a domain by the palette, columns to scroll to, and what can be copied."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.dump_request import DumpRequest
from backend.running.start import start_dump
from backend.uri import open_backend
from tests.simulator_hold import Hold
from tests.tui.console import console, dumping, ended

QUIET = "sim:///quiet?domains=30&jobs=0&memory=16"


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


async def test_the_palette_names_keys_and_says_what_cannot_be_done_now() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.press("ctrl+p")
        await user.sees("d · Dump memory to a file", "a · not now: vm-01 has no job to abort")


async def test_a_click_on_a_key_of_the_footer_presses_it() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01", "s Sort", "Job▲")
        line = user.screen.splitlines()[-1]
        await user.click(line.index("s Sort") + 3, user.app.size.height - 1)
        await user.sees("Progress▼")


@pytest.mark.process
async def test_the_path_of_a_domains_last_dump_is_copied(tmp_path: Path) -> None:
    async with open_backend(QUIET) as backend:
        domain = await backend.find("vm-01")
        await ended(await start_dump(backend, DumpRequest(domain.key, str(tmp_path / "core"))))
    async with console(QUIET) as user:
        await user.sees("▌ vm-01", "completed in")
        await user.press("c")
        await user.sees("copied the dump path")
        assert user.app.clipboard == str(tmp_path / "core")


async def test_sort_and_cursor_survive_changes(tmp_path: Path) -> None:
    async with console("sim:///sorted?domains=9&jobs=0") as user:
        await user.sees("▌ vm-01")
        await user.click(4, 2)
        await user.sees("Name▲")
        await user.press("S", "j", "j")
        await user.sees("Name▼", "▌ vm-07")
        async with dumping("sim:///sorted", "vm-02", tmp_path / "file"):
            await user.sees("1 job ", "Name▼", "▌ vm-07")
            assert user.screen.index("vm-09") < user.screen.index("▌ vm-07") < user.screen.index("vm-02")


async def test_a_filter_keeps_matching_what_changes(tmp_path: Path) -> None:
    async with console("sim:///matched?domains=9&jobs=0") as user:
        await user.sees("▌ vm-01")
        await user.press("slash")
        await user.type("dump")
        await user.sees("no match for")
        async with dumping("sim:///matched", "vm-02", tmp_path / "file"):
            await user.sees("1 of 9", "▌ vm-02")
        await user.sees("no match for")


async def test_a_name_is_copied() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.press("j", "y")
        await user.sees('copied "vm-02"')
        assert user.app.clipboard == "vm-02"


async def test_the_stats_are_copied_as_domjobinfo_prints_them() -> None:
    two = "sim:///two?domains=2&jobs=2"
    async with Hold(two), console(two) as user:
        await user.sees("2 jobs")
        await user.press("Y")
        await user.sees("copied the job statistics")
        assert "Time elapsed:" in user.app.clipboard


async def test_columns_that_have_no_room_can_be_scrolled_to() -> None:
    async with console("sim:///demo", size=(80, 24)) as user:
        await user.sees("batch-01", "ETA")
        await user.sees_no("Rate")
        await user.press("right", "right")
        await user.sees("Rate", "Done", "< ", "batch-01")
        await user.press("left", "left")
        await user.sees_no("Rate")


async def test_a_double_click_opens() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.click(6, 6, times=2)
        await user.sees("▌ vm-04", "no jobs are remembered")


async def test_the_wheel_scrolls() -> None:
    async with console(QUIET, size=(80, 24)) as user:
        await user.sees("vm-01")
        await user.scroll(6, 6, 10)
        await user.sees_no("▌ vm-01")


async def test_the_palette_names_a_domain_with_brackets_in_a_reason() -> None:
    async with console("sim:///demo") as user:
        await user.sees("web-01")
        await user.go_to("we[ir]d [/x]")
        await user.press("ctrl+p")
        await user.sees("not now: we[ir]d [/x] ünïcode has no job to abort")
