"""The keys of the wait screens: abort, pivot, copy, help; and the key that brings a wait screen back."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.model import BlockOperation
from backend.records.journal import Journal
from backend.uri import open_backend
from tests.held_block_jobs import COPY, held_block_jobs
from tests.simulator_hold import Hold
from tests.tui.console import User, console, dumping, ended
from tests.tui.test_block_jobs import attached, on_job
from tests.tui.test_marks import mark, open_form
from tests.tui.test_queue import ONE, one_running_one_queued

pytestmark = pytest.mark.process

QUIET = "sim:///quiet?domains=4&jobs=0&memory=64"
SIZES = pytest.mark.parametrize("size", [(60, 20), (80, 24), (160, 50)])


async def wait_on(user: User, name: str) -> None:
    await user.sees("1 job ", f"▌ {name}")
    await user.press("w")
    await user.sees(f"{name} · waiting for dump", "left")


@SIZES
async def test_an_abort_asks_and_cancels_and_the_screen_shows_the_result(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "core"
    async with console(QUIET, size=size) as user, dumping(QUIET, "vm-01", path) as record:
        await wait_on(user, "vm-01")
        await user.press("a")
        await user.sees("Abort the dump of vm-01?")
        await user.press("enter")
        await user.sees_no("Abort the dump of vm-01?")
        await user.sees("waiting for dump", "left")
        await user.press("a", "y")
        assert (await ended(record)).state == "cancelled"
        await user.sees("⊘ dump cancelled after", str(path), "evidence", "requested")
        await user.sees_no(" left ", "to go")
        await user.press("a")
        await user.reads("the dump of vm-01 is over")


async def test_what_makes_no_sense_is_refused_with_the_reason(tmp_path: Path) -> None:
    async with console(QUIET) as user, dumping(QUIET, "vm-01", tmp_path / "core"):
        await wait_on(user, "vm-01")
        await user.press("p")
        await user.reads("only the job of a disk can be pivoted")
        await user.press("r")
        await user.reads("the dump is still going on")


async def test_name_path_and_stats_are_copied(tmp_path: Path) -> None:
    path = tmp_path / "core"
    async with console(QUIET) as user, dumping(QUIET, "vm-01", path):
        await wait_on(user, "vm-01")
        await user.press("y")
        await user.until(lambda: user.app.clipboard == "vm-01", "the name in the clipboard")
        await user.press("c")
        await user.until(lambda: user.app.clipboard == str(path), "the path in the clipboard")
        await user.press("Y")
        await user.until(lambda: "Job type:" in user.app.clipboard, "the stats in the clipboard")


@SIZES
async def test_help_is_that_of_the_wait_screen(tmp_path: Path, size: tuple[int, int]) -> None:
    async with console(QUIET, size=size) as user, dumping(QUIET, "vm-01", tmp_path / "core"):
        await wait_on(user, "vm-01")
        await user.press("question_mark")
        await user.sees("Leave this screen", "Abort jobs")
        assert "Cancel the queued dumps" not in user.screen.partition("Signs and colours")[0]
        await user.press("escape")
        await user.sees_no("Abort jobs")
        await user.sees("waiting for dump")


async def test_a_job_of_a_disk_is_pivoted_from_its_wait_screen() -> None:
    async with held_block_jobs(QUIET) as held:
        await held.begin_ready("vm-01", "vda", BlockOperation.COPY)
        async with console(QUIET) as user:
            await on_job(user)
            await user.press("w")
            await user.sees("ready: everything is copied")
            await user.until(lambda: attached(user), "a wait that found its job")
            await user.press("p")
            await user.reads("Pivot vda of vm-01?")
            await user.press("y")
            await user.sees("✓ block copy of vda completed", "copied", "evidence")
            assert await held.source("vm-01") == COPY


@SIZES
async def test_a_queued_dump_is_cancelled_in_the_table(tmp_path: Path, size: tuple[int, int]) -> None:
    async with Hold(QUIET), console(QUIET, config=ONE, size=size) as user:
        await user.sees("▌ vm-01")
        await mark(user, 2)
        await user.press("d")
        await user.sees("Dump · 2 domains")
        await user.press("ctrl+s")
        await user.sees("1 running · 1 queued")
        await user.press("escape")
        await user.go_to("vm-02")
        await user.sees("queued")
        await user.press("a")
        await user.reads("vm-02: queued dump cancelled")
        await user.sees_no("queued  ")
        assert [record.domain for record in Journal().pending()] == ["vm-01"]


async def test_a_queued_dump_is_cancelled_in_the_wait_screen(tmp_path: Path) -> None:
    async with Hold(QUIET), console(QUIET, config=ONE) as user:
        await one_running_one_queued(user, tmp_path)
        await user.press("enter")
        await user.sees("Waiting · vm-02", "1 queued")
        await user.press("a")
        await user.sees("removed from the queue")
        await user.press("a")
        await user.reads("the dump of vm-02 was not started")
        assert not (tmp_path / "vm-02.core").exists()


async def test_several_queued_dumps_are_cancelled_with_one_message(tmp_path: Path) -> None:
    async with Hold(QUIET), console(QUIET, config=ONE) as user:
        await mark(user, 4)
        await open_form(user, tmp_path / "{domain}.core")
        await user.press("ctrl+s")
        await user.sees("1 running · 3 queued")
        await user.press("escape")
        await user.sees("vm-02  ", "queued  ")
        await user.press("g", "j", "space", "space", "a")
        await user.reads("2 queued dumps cancelled; they had not started")


async def test_of_running_and_queued_dumps_the_question_names_both(tmp_path: Path) -> None:
    async with Hold(QUIET), console(QUIET, config=ONE) as user:
        await one_running_one_queued(user, tmp_path)
        await user.press("g", "space", "space", "a")
        await user.reads("Abort the jobs of vm-01?", "Cancels the queued dumps of vm-02.")
        await user.press("y")
        await user.sees("vm-01 ⊘ dump cancelled", "removed from the queue")


@SIZES
async def test_the_group_comes_back_with_those_that_have_ended(tmp_path: Path, size: tuple[int, int]) -> None:
    async with Hold(QUIET), console(QUIET, config=ONE, size=size) as user:
        await mark(user, 3)
        await user.press("d")
        await user.sees("Dump · 3 domains")
        await user.press("ctrl+s")
        await user.sees("1 running · 2 queued", " 0 %")
        await user.press("escape")
        await user.sees_no("Waiting · 3 domains")
        async with open_backend(QUIET) as other:
            await other.abort((await other.find("vm-01")).key)
        await user.press("W")
        await user.sees("Waiting · 3 domains", "1 cancelled · 1 running · 1 queued", "vm-01 ⊘ dump cancelled")


async def test_one_of_the_group_alone_does_not_take_its_place(tmp_path: Path) -> None:
    async with Hold(QUIET), console(QUIET) as user:
        await mark(user, 2)
        await open_form(user, tmp_path / "{domain}.core")
        await user.press("ctrl+s")
        await user.sees("2 running")
        await user.press("j", "enter")
        await user.sees("vm-02 · waiting for dump", "left")
        await user.press("escape")
        await user.sees("Waiting · 2 domains", "▌ vm-02")
        await user.press("escape")
        await user.go_to("vm-01")
        await user.press("w")
        await user.sees("vm-01 · waiting for dump")
        await user.press("escape")
        await user.sees_no("waiting for dump")
        await user.press("W")
        await user.sees("Waiting · 2 domains")


async def test_a_job_of_someone_else_comes_back_with_its_result(tmp_path: Path) -> None:
    async with console(QUIET) as user:
        async with dumping(QUIET, "vm-01", tmp_path / "core"):
            await wait_on(user, "vm-01")
            await user.press("escape")
            await user.sees("detached; the dump is still running")
        await user.sees("⊘ dump cancelled")
        await user.press("W")
        await user.sees("vm-01 · waiting for dump", "⊘ dump cancelled", "evidence")


async def test_without_any_wait_there_is_nothing_to_come_back_to() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.press("W")
        await user.reads("no job has been waited for yet: w waits for one")


async def test_dumps_that_were_attached_to_at_the_start_can_be_shown(tmp_path: Path) -> None:
    async with dumping(QUIET, "vm-02", tmp_path / "core"), console(QUIET) as user:
        await user.sees("vm-02 attached to the dump")
        await user.press("W")
        await user.sees("vm-02 · waiting for dump", str(tmp_path))


@SIZES
async def test_a_long_group_scrolls_to_the_cursor(size: tuple[int, int]) -> None:
    uri = "sim:///herd?domains=60&jobs=0&memory=16"
    async with Hold(uri), console(uri, config=ONE, size=size) as user:
        await user.sees("▌ vm-01")
        await user.press("asterisk")
        await user.sees("60 marked")
        await user.press("d")
        await user.sees("Dump · 60 domains")
        await user.press("ctrl+s")
        await user.sees("1 running · 59 queued", "▌ vm-01")
        await user.press("G")
        await user.sees("▌ vm-60")
        await user.press("a")
        await user.sees("58 queued", "▌ vm-60 ✗ removed from the queue")
        await user.press("g")
        await user.sees("▌ vm-01")
