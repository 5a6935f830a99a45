"""The table of domains, as its user sees it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.style import Style
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tests.tui.console import console, dumping
from tui.widgets.domain_table import DomainTable

QUIET = "sim:///quiet?domains=5&jobs=0"
"""Five idle domains, vm-01 to vm-05."""


async def test_domains_and_jobs_are_listed() -> None:
    async with console("sim:///two?domains=4&jobs=2") as user:
        await user.sees("vm-01", "vm-04", "4 domains · 2 jobs", "MiB/s", "%")


async def test_what_is_simulated_says_so() -> None:
    async with console(QUIET) as user:
        await user.sees("SIMULATED", "sim:///quiet")


async def test_domains_with_jobs_come_first(tmp_path: Path) -> None:
    async with console("sim:///busy?domains=9&jobs=0") as user:
        await user.sees("▌ vm-01")
        async with dumping("sim:///busy", "vm-07", tmp_path / "file"):
            await user.sees("1 job ")
            assert user.screen.index("vm-07") < user.screen.index("vm-01")


async def test_a_filter_narrows_while_it_is_typed() -> None:
    async with console(QUIET) as user:
        await user.sees("vm-01")
        await user.press("slash", "0", "3")
        await user.sees("1 of 5")
        assert "vm-03" in user.screen
        await user.sees_no("vm-01")


async def test_an_exclamation_mark_inverts_the_filter() -> None:
    async with console(QUIET) as user:
        await user.sees("vm-01")
        await user.press("slash", "exclamation_mark", "0", "3")
        await user.sees("4 of 5")
        assert "vm-03" not in user.screen.partition("Activity")[0].replace("▌ vm-03", "")


async def test_escape_clears_the_filter() -> None:
    async with console(QUIET) as user:
        await user.sees("vm-01")
        await user.press("slash", "0", "3", "enter")
        await user.sees("1 of 5")
        await user.press("escape")
        await user.sees("vm-01", "vm-05")


async def test_a_filter_that_nothing_matches_says_so() -> None:
    async with console(QUIET) as user:
        await user.sees("vm-01")
        await user.press("slash", "x", "y", "z")
        await user.sees("no match for /xyz")


async def test_the_cursor_stays_on_its_domain_when_rows_move(tmp_path: Path) -> None:
    async with console("sim:///move?domains=9&jobs=0") as user:
        await user.sees("▌ vm-01")
        await user.press("j", "j")
        await user.sees("▌ vm-03")
        async with dumping("sim:///move", "vm-07", tmp_path / "file"):
            await user.sees("1 job ")
            assert user.screen.index("vm-07") < user.screen.index("▌ vm-03")


async def test_g_and_shift_g_go_to_the_ends() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.press("G")
        await user.sees("▌ vm-05")
        await user.press("g")
        await user.sees("▌ vm-01")


async def test_half_a_page_down_scrolls_a_long_list() -> None:
    async with console("sim:///long?domains=300&jobs=0", size=(80, 24)) as user:
        await user.sees("▌ vm-01")
        for _ in range(30):
            await user.press("ctrl+d")
        await user.sees_no("vm-01 ")
        assert "▌ vm-" in user.screen


async def test_s_sorts_by_another_column() -> None:
    async with console(QUIET) as user:
        await user.sees("Job▲")
        await user.press("s")
        await user.sees("Progress▼")
        await user.press("S")
        await user.sees("Progress▲")


async def test_a_click_on_a_title_sorts_by_it() -> None:
    async with console(QUIET) as user:
        await user.sees("Job▲")
        await user.click(4, 2)
        await user.sees("Name▲")
        await user.click(4, 2)
        await user.sees("Name▼")


async def test_a_click_puts_the_cursor_there() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.click(6, 6)
        await user.sees("▌ vm-04")


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (160, 50), (300, 100)])
async def test_it_fits_terminals_of_many_sizes(size: tuple[int, int]) -> None:
    async with console("sim:///demo", size=size) as user:
        await user.sees("db-02", "% ", "Elapsed", "ETA", "q Quit")
        assert max(len(line) for line in user.screen.splitlines()) <= size[0]


async def test_columns_give_way_when_the_terminal_shrinks() -> None:
    async with console("sim:///demo", size=(160, 50)) as user:
        await user.sees("Rate", "Done")
        await user.resize(80, 24)
        await user.sees("Elapsed", "ETA")
        await user.sees_no("Rate", "Done")


async def test_hostile_names_are_shown_as_they_are() -> None:
    async with console("sim:///demo", size=(120, 50)) as user:
        await user.sees("we[ir]d [/x] ünïcode", "経理サーバー", "שרת-דואר", "gitlab [ci/runner]")


async def test_several_hosts_have_a_column() -> None:
    async with console("sim:///one?domains=1&jobs=0", "sim:///two?domains=1&jobs=0", size=(160, 40)) as user:
        await user.sees("Host", "vm-01        sim:///one ", "vm-01        sim:///two ", "2 domains")


async def test_its_lines_are_what_textual_would_paint() -> None:
    # It keeps lines with the border beside them, which takes Textual's own work on each off the way.
    async with console("sim:///same?domains=60&jobs=20") as user:
        await user.sees("vm-01", "60 domains · 20 jobs")
        for change in ("j", "space", "tab", "shift+tab", "slash", "escape", "G"):
            await user.press(change)
            await user.resize(*{"space": (90, 30), "G": (40, 20)}.get(change, (160, 50)))
            table = user.app.screen.query_one(DomainTable)
            assert cells(table.render_lines(table.outer_size.region)) == cells(
                ScrollView.render_lines(table, table.outer_size.region)
            ), change


def cells(lines: Sequence[Strip]) -> list[list[tuple[str, Style | None]]]:
    """The characters of lines, each with its style."""
    return [[(letter, segment.style) for segment in line for letter in segment.text] for line in lines]
