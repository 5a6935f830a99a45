"""Which columns are shown on screens of any width, and what the state says in so many cells."""

from __future__ import annotations

import asyncio
import time

import pytest
from rich.style import Style

from backend.job_stats import JobStats, JobType
from backend.model import Domain, DomainKey, DomainState, JobOperation
from backend.observing.progress import Progress, ProgressMeter
from backend.observing.watcher import DomainView
from tests.tui.console import User, console
from tui.config import columns as config
from tui.config.columns import DEFAULT_COLUMNS, usable
from tui.config.values import Config
from tui.session import preferences
from tui.session.rows import Row
from tui.widgets.column_layout import fitting
from tui.widgets.columns import COLUMNS, chosen
from tui.widgets.row_painter import RowPainter
from tui.words import states

NARROW, SMALL, WIDE = 57, 77, 157
"""Cells of a row in terminals of 60, 80 and 160 columns."""
DUMPING = ProgressMeter().update(
    JobStats(
        JobType.UNBOUNDED, JobOperation.DUMP, 12_000, memory_total=1000, memory_processed=600, memory_remaining=400
    ),
    0.0,
)


def domain(state: DomainState, reason: str = "", name: str = "db-01") -> Domain:
    return Domain(DomainKey("6f1c", 7, name), state, reason, memory=4 << 30)


def painted(
    domain: Domain,
    cells: int,
    progress: Progress | None = None,
    ids: tuple[str, ...] = DEFAULT_COLUMNS,
    several_hosts: bool = False,
    job_known: bool = True,
    **facts: object,
) -> str:
    painter = RowPainter(several_hosts, lambda name, cursor, marked: Style())
    painter.show_columns(ids)
    painter.lay_out(cells, len(domain.name))
    row = Row("sim:///x", DomainView(domain, progress, job_known=job_known), "hv1", **facts)  # type: ignore[arg-type]
    strip = painter.line(row, cursor=False, marked=False)
    assert strip.cell_length == cells
    return strip.text


def shown(cells: int, several_hosts: bool, longest_name: int = 5) -> list[str]:
    return [column.id for column, _ in fitting(chosen(DEFAULT_COLUMNS, several_hosts), cells, longest_name)]


def test_the_config_and_the_table_know_the_same_columns() -> None:
    assert list(COLUMNS) == list(config.COLUMNS)


@pytest.mark.parametrize(
    ("state", "reason", "wide", "small"),
    [
        (DomainState.RUNNING, "booted", "running", "running"),
        (DomainState.PAUSED, "user", "paused by user", "paused: user"),
        (DomainState.PAUSED, "dumping", "paused: dump", "paused: dump"),
        (DomainState.PAUSED, "migrating", "paused: migration", "paused"),
        (DomainState.PAUSED, "I/O error", "paused: I/O error", "I/O error"),
        (DomainState.PAUSED, "watchdog", "paused: watchdog", "watchdog"),
        (DomainState.PAUSED, "post-copy failed", "post-copy failed", "post-copy"),
        (DomainState.PAUSED, "starting up", "paused", "paused"),
        (DomainState.CRASHED, "panicked", "crashed: panicked", "panicked"),
        (DomainState.SHUTOFF, "crashed", "shut off: crashed", "crashed"),
        (DomainState.SHUTOFF, "destroyed", "shut off", "shut off"),
    ],
)
def test_the_state_says_why_in_as_many_words_as_fit(state: DomainState, reason: str, wide: str, small: str) -> None:
    assert states.brief(domain(state, reason), 17) == wide
    assert states.brief(domain(state, reason), 12) == small


@pytest.mark.parametrize("cells", [NARROW, SMALL, WIDE])
def test_the_reason_of_a_pause_is_in_the_row_on_every_screen(cells: int) -> None:
    assert "I/O error" in painted(domain(DomainState.PAUSED, "I/O error"), cells)
    assert "paused: dump" in painted(domain(DomainState.PAUSED, "dumping"), cells, DUMPING)


def test_a_pause_has_its_time_beside_it() -> None:
    at = time.mktime((2026, 1, 2, 10, 31, 2, 0, 0, -1))
    assert "since 2026-01-02 10:31:02" in painted(domain(DomainState.PAUSED, "user"), WIDE, since=at)


@pytest.mark.parametrize("cells", [NARROW, SMALL, WIDE])
@pytest.mark.parametrize("state", [DomainState.PAUSED, DomainState.CRASHED])
@pytest.mark.parametrize("stale", [False, True])
def test_what_the_state_says_is_not_said_beside_it(cells: int, state: DomainState, stale: bool) -> None:
    reason = "I/O error" if state is DomainState.PAUSED else "panicked"
    line = painted(domain(state, reason), cells, io_errors=("vda: no space left",), stale=stale)
    assert line.count(reason) == 1
    assert "vda: no space left" in line and "(" not in line


def test_what_is_beside_the_state_has_its_time() -> None:
    at = time.mktime((2026, 1, 2, 10, 31, 2, 0, 0, -1))
    line = painted(domain(DomainState.PAUSED, "I/O error"), WIDE, io_errors=("vda: no space left",), since=at)
    assert "vda: no space left since 2026-01-02 10:31:02" in line


def test_a_reason_that_the_state_has_no_room_for_is_beside_it() -> None:
    failed = domain(DomainState.PAUSED, "post-copy failed")
    assert painted(failed, NARROW).split() == ["db-01", "post-copy", "post-copy", "failed"]
    assert painted(failed, WIDE).split() == ["db-01", "post-copy", "failed"]


def test_without_a_column_for_the_state_the_whole_reason_is_in_the_row() -> None:
    line = painted(domain(DomainState.PAUSED, "I/O error"), SMALL, ids=("name", "job"), io_errors=("vda: no space",))
    assert line.split() == ["db-01", "I/O", "error", "(vda:", "no", "space)"]


def test_what_its_pause_is_for_is_said_once_while_its_job_is_not_known() -> None:
    paused = domain(DomainState.PAUSED, "dumping")
    shown = painted(paused, SMALL, job_known=False)
    assert " ".join(shown.split()) == "db-01 paused: dump its job is not known yet"
    shown = painted(paused, SMALL, ids=("name", "job"), job_known=False)
    assert " ".join(shown.split()) == "db-01 dumping; its job is not known yet"


@pytest.mark.parametrize("several_hosts", [False, True])
@pytest.mark.parametrize("longest_name", [5, 40])
def test_the_state_outlives_the_bar_on_narrow_screens(several_hosts: bool, longest_name: int) -> None:
    for cells in range(30, 160):
        ids = shown(cells, several_hosts, longest_name)
        assert "state" in ids or "progress" not in ids, cells


def test_at_60_columns_the_bar_becomes_a_percentage_beside_the_state() -> None:
    line = painted(domain(DomainState.PAUSED, "dumping", "a-rather-long-name-01"), NARROW, DUMPING)
    assert "paused: dump" in line
    assert "60 %" in line
    assert "█" not in line
    line = painted(domain(DomainState.PAUSED, "dumping"), NARROW, DUMPING, several_hosts=True)
    assert [text for text in ("hv1", "paused: dump", "dump ", "60 %") if text not in line] == []


def test_what_was_chosen_is_shown_in_that_order() -> None:
    line = painted(domain(DomainState.PAUSED, "dumping"), SMALL, DUMPING, ("name", "job", "memory", "id", "state"))
    assert line.split() == ["db-01", "dump", "4.0", "GiB", "7", "paused:", "dump"]


def test_a_problem_leaves_columns_that_say_something_alone() -> None:
    ids = ("name", "eta", "memory", "job", "progress", "state")
    line = painted(domain(DomainState.PAUSED, "I/O error"), WIDE, None, ids, io_errors=("vda: no space left",))
    assert "4.0 GiB" in line
    assert "vda: no space left" in line
    assert line.rstrip().endswith("paused: I/O error") and line.count("I/O error") == 1


def test_of_ids_from_a_file_those_that_exist_count_once() -> None:
    assert usable(["state", "bogus", "name", "state"]) == ("name", "state")
    assert usable(["bogus"]) == DEFAULT_COLUMNS
    assert usable(["name"]) == ("name",)


QUIET = "sim:///quiet?domains=3&jobs=0&memory=64"


def titles(user: User) -> list[str]:
    return user.screen.splitlines()[2].strip("│ ").replace("▲", "").split()


async def test_chosen_columns_are_shown_and_remembered() -> None:
    async with console(QUIET, size=(80, 24)) as user:
        await user.sees("▌ vm-01", "Elapsed")
        await user.press("C")
        await user.sees("Columns", "[x] Name", "[x] State", "[ ] Memory", "enter Keep")
        await user.press("j", "space")  # Hides the state,
        await user.press("G", *["j"] * 12, "space", *["K"] * 11)  # and shows the memory, behind the name.
        await user.press("enter")
        await user.until(lambda: titles(user)[:3] == ["Name", "Memory", "Job"], "the memory beside the name")
        await user.sees("64.0 MiB")
    async with console(QUIET, size=(80, 24)) as user:
        await user.until(lambda: titles(user)[:3] == ["Name", "Memory", "Job"], "the same columns again")
        await user.press("C", "r", "enter")
        await user.until(lambda: titles(user)[:3] == ["Name", "State", "Job"], "the usual columns")
    assert await asyncio.to_thread(preferences.load) == preferences.Preferences()


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (160, 50)])
async def test_the_chooser_fits_and_escape_leaves_all_as_it_was(size: tuple[int, int]) -> None:
    async with console(QUIET, size=size) as user:
        await user.sees("▌ vm-01")
        before = titles(user)
        await user.press("C")
        await user.sees("[x] Name", "[ ] Memory", "kept for the next start")
        await user.press("j", "space", "J", "escape")
        await user.sees_no("kept for the next start")
        assert titles(user) == before


async def test_the_columns_of_the_config_come_back_at_the_next_start() -> None:
    async with console(QUIET, config=Config(columns=("name", "id", "state"))) as user:
        await user.until(lambda: titles(user) == ["Name", "Id", "State"], "the configured columns")
        await user.press("C")
        await user.sees("until you quit")
        await user.press("j", "space", "enter")
        await user.until(lambda: titles(user) == ["Name", "Id"], "the chosen columns")
    assert await asyncio.to_thread(preferences.load) == preferences.Preferences()
