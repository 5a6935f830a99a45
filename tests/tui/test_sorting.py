"""A key for each column sorts by it, and what was chosen is remembered."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from backend.outcome import Verdict
from tests.simulator_hold import Hold
from tests.tui.console import console
from tests.tui.test_history import opened, remember
from tui.session.preferences import NAME, Preferences, load, save

QUIET = "sim:///quiet?domains=5&jobs=0"
LONG = "sim:///long?domains=300&jobs=0"

COLUMNS = {
    "N": ("Name", "▲"),
    "T": ("State", "▲"),
    "P": ("Progress", "▼"),
    "E": ("Elapsed", "▼"),
    "D": ("Done", "▼"),
    "M": ("Left", "▼"),
    "R": ("Rate", "▼"),
    "U": ("ETA", "▲"),
}


@pytest.mark.parametrize("key", COLUMNS)
async def test_a_key_sorts_by_its_column_and_again_the_other_way_round(key: str) -> None:
    title, mark = COLUMNS[key]
    async with console("sim:///busy?domains=5&jobs=2", size=(160, 50)) as user:
        await user.sees("2 jobs", "Job▲")
        await user.press(key)
        await user.sees(title + mark)
        await user.press(key)
        await user.sees(title + "▲▼".replace(mark, ""))
        await user.press("0")
        await user.sees("Job▲")


async def test_hosts_are_a_column_where_there_are_several() -> None:
    async with console("sim:///one?domains=1&jobs=0", "sim:///two?domains=1&jobs=0", size=(160, 50)) as user:
        await user.sees("2 domains", "Job▲")
        await user.press("O")
        await user.sees("Host▲")
    async with console(QUIET) as user:
        await user.sees("5 domains", "Name▲" if load().sorted_by == "name" else "Name")
        await user.press("O")
        await user.sees("there is only one host to sort by")


async def test_a_column_without_room_is_named() -> None:
    async with console(QUIET, size=(80, 24)) as user:
        await user.sees("▌ vm-01", "Job▲")
        await user.press("R")
        await user.reads("sorted by Rate, largest first; the column has no room here")


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
async def test_the_first_rows_come_into_view(size: tuple[int, int]) -> None:
    async with console(LONG, size=size) as user:
        await user.sees("▌ vm-01")
        await user.press("G")
        await user.sees("▌ vm-300")
        await user.press("N")
        await user.sees("▌ vm-01", "Name▲")
        await user.press("N")
        await user.sees("▌ vm-300", "Name▼")
        await user.sees_no("vm-01 ")


async def test_the_cursor_stays_on_its_domain_if_that_is_in_view() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.press("j", "N")
        await user.sees("▌ vm-02", "Name▲")
        await user.press("N")
        await user.sees("▌ vm-02", "Name▼")
        assert user.screen.index("vm-05") < user.screen.index("▌ vm-02") < user.screen.index("vm-01 ")


@pytest.mark.parametrize(
    ("keys", "header"), [(["N"], "Name▲"), (["N", "N"], "Name▼"), (["s"], "Progress▼"), (["P", "S"], "Progress▲")]
)
async def test_the_order_is_the_same_at_the_next_start(keys: list[str], header: str) -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01", "Job▲")
        await user.press(*keys)
        await user.sees(header)
    async with console(QUIET) as user:
        await user.sees("vm-01", header)


async def test_a_click_on_a_title_is_remembered_as_well() -> None:
    async with console(QUIET) as user:
        await user.sees("Job▲")
        await user.click(4, 2)
        await user.sees("Name▲")
    async with console(QUIET) as user:
        await user.sees("Name▲")


async def test_a_column_that_is_no_more_and_a_damaged_file_are_no_obstacle(state_home: Path) -> None:
    save(sorted_by="colour")
    async with console(QUIET) as user:
        await user.sees("▌ vm-01", "Job▲")
    (state_home / "virt-jobs" / NAME).write_text("{broken")
    async with console(QUIET) as user:
        await user.sees("▌ vm-01", "Job▲")
        await user.press("N")
        await user.sees("Name▲")
    assert load() == Preferences(sorted_by="name")


async def test_a_state_folder_that_cannot_be_written_is_no_obstacle(state_home: Path) -> None:
    save()
    (state_home / "virt-jobs" / NAME).unlink()
    os.mkdir(state_home / "virt-jobs" / NAME)
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.press("N")
        await user.sees("Name▲")


async def test_what_is_typed_into_the_filter_sorts_nothing() -> None:
    async with console(QUIET) as user:
        await user.sees("Job▲")
        await user.press("slash", *"NTOP0")
        await user.sees("/NTOP0", "Job▲")


HISTORY = {
    "N": "Domain▴",
    "P": "Job▴",
    "R": "Result▴",
    "T": "Took▾",
    "U": "By▴",
    "D": "Details▴",
}


async def test_the_history_has_a_key_for_each_column_too_and_remembers() -> None:
    remember(("db-1", Verdict.COMPLETED), ("db-2", Verdict.FAILED), requester="root@hv3")
    async with console(QUIET, size=(160, 50)) as user:
        await opened(user, "History  2 jobs")
        for key, title in HISTORY.items():
            await user.press(key)
            await user.sees(title)
        await user.press("O")
        await user.reads("the column has no room here")
        await user.press("0")
        await user.sees("Began▾")
        await user.press("N", "N")
        await user.sees("Domain▾")
        await user.press("q")
        await user.sees("Job▲")
        await user.press("J")
        await user.sees("Domain▾")
    async with console(QUIET, size=(160, 50)) as user:
        await user.sees("Job▲")
        await user.press("J")
        await user.sees("Domain▾", "db-2")


async def test_jobs_that_move_leave_the_first_rows_in_view() -> None:
    uri = "sim:///many?domains=60&jobs=20"
    async with Hold(uri), console(uri, size=(80, 24)) as user:
        await user.sees("20 jobs")
        await user.press("G", "P")
        await user.sees("Progress▼", "▌ ")
        rows = [line for line in user.screen.splitlines() if " %" in line]
        assert rows
        assert "▌" in rows[0]
