"""Marks, and what is done to several domains at once, as the user sees it."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from backend.records.journal import Journal
from backend.uri import open_backend
from tests.simulator_hold import Hold
from tests.tui.console import User, console, dumping, ended

pytestmark = pytest.mark.process

QUIET = "sim:///quiet?domains=5&jobs=0&memory=16"


async def mark(user: User, count: int) -> None:
    await user.sees("▌ vm-01")
    await user.press(*["space"] * count)
    await user.sees(f"{count} marked")


async def open_form(user: User, template: Path) -> None:
    await user.press("d")
    await user.sees("Dump · ", "Parallel dumps per host")
    await user.press("tab", "end", "ctrl+u")
    await user.type(str(template))
    await user.sees(template.name)


async def test_space_marks_with_a_sign_and_goes_on() -> None:
    async with console(QUIET) as user:
        await mark(user, 2)
        await user.sees(" ●vm-01", " ●vm-02", "▌ vm-03")


async def test_space_takes_a_mark_off() -> None:
    async with console(QUIET) as user:
        await mark(user, 1)
        await user.press("k", "space")
        await user.sees("  vm-01")
        await user.sees_no("marked", "●vm")


async def test_marks_survive_filter_and_sort() -> None:
    async with console(QUIET) as user:
        await mark(user, 2)
        await user.press("slash", "0", "4", "enter")
        await user.sees("2 marked, 2 not shown")
        await user.press("escape", "s", "s", "S")
        await user.sees("●vm-01", "●vm-02", "2 marked ")


async def test_escape_clears_the_filter_first_and_then_the_marks() -> None:
    async with console(QUIET) as user:
        await mark(user, 2)
        await user.press("slash", "0", "4", "enter")
        await user.sees("1 of 5")
        await user.press("escape")
        await user.sees("vm-05", "2 marked")
        await user.press("escape")
        await user.sees_no("marked")


async def test_all_that_the_filter_shows_can_be_marked() -> None:
    async with console("sim:///many?domains=30&jobs=0") as user:
        await user.sees("▌ vm-01")
        await user.press("slash", "1")
        await user.press("enter", "asterisk", "escape")
        await user.sees("12 marked")


async def test_the_button_needs_no_scrolling_in_a_small_terminal() -> None:
    async with console(QUIET, size=(80, 16)) as user:
        await mark(user, 2)
        await user.press("d")
        await user.sees("Dump · 2 domains", "Start dump", "Cancel")
        await user.press("tab", "tab", "tab", "tab", "tab", "tab", "tab")
        await user.sees("Parallel dumps per host", "Start dump")


async def test_several_domains_are_dumped_to_the_files_of_a_template(tmp_path: Path) -> None:
    async with console(QUIET) as user:
        await mark(user, 3)
        await open_form(user, tmp_path / "{domain}.core")
        await user.press("ctrl+s")
        await user.sees("3 completed", "All finished", "vm-03 ✓ dump completed")
        assert sorted(name for name in os.listdir(tmp_path) if name.endswith(".core")) == [
            f"vm-0{n}.core" for n in (1, 2, 3)
        ]


async def test_no_more_of_them_run_at_once_than_was_said(tmp_path: Path) -> None:
    async with Hold(QUIET), console(QUIET) as user:
        await mark(user, 4)
        await open_form(user, tmp_path / "{domain}.core")
        await user.press("ctrl+s")
        await user.sees("2 running · 2 queued")
        await user.press("escape")
        await user.sees("detached", "2 jobs", "queued")
        assert len(Journal().pending()) == 2


async def test_what_is_queued_can_be_dropped(tmp_path: Path) -> None:
    async with Hold(QUIET) as hold, console(QUIET) as user:
        await mark(user, 4)
        await open_form(user, tmp_path / "{domain}.core")
        await user.press("ctrl+s")
        await user.sees("2 queued")
        await user.press("x")
        await user.sees("vm-03 ✗ removed from the queue")
        hold.release()
        await user.sees("vm-03 ✗ removed from the queue", "2 completed")
        assert not (tmp_path / "vm-03.core").exists()


async def test_quitting_asks_while_dumps_are_queued(tmp_path: Path) -> None:
    async with Hold(QUIET), console(QUIET) as user:
        await mark(user, 3)
        await open_form(user, tmp_path / "{domain}.core")
        await user.press("ctrl+s")
        await user.sees("1 queued")
        await user.press("escape", "q")
        await user.sees("One dump is queued")
        await user.press("n")
        await user.sees_no("One dump is queued")


async def test_one_file_for_several_domains_is_refused(tmp_path: Path) -> None:
    async with console(QUIET) as user:
        await mark(user, 2)
        await open_form(user, tmp_path / "same.core")
        await user.press("ctrl+s")
        await user.reads("more than one domain would be dumped to", "{domain} into the file's name")
        assert not (tmp_path / "same.core").exists()


async def test_a_domain_that_cannot_be_dumped_is_left_out_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "vm-02.core").write_text("precious")
    async with console(QUIET) as user:
        await mark(user, 3)
        async with dumping(QUIET, "vm-03", tmp_path / "other"):
            await user.sees("vm-03  ", "1 job ")
            await open_form(user, tmp_path / "{domain}.core")
            await user.sees("skipped: vm-03 has a job already", "skipped vm-02: the file exists")
            await user.press("ctrl+s")
            await user.sees("waiting for dump", "vm-01.core", "completed")
    assert (tmp_path / "vm-02.core").read_text() == "precious"


async def test_several_jobs_are_waited_for_at_once(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack, console(QUIET) as user:
        await mark(user, 2)
        first = await stack.enter_async_context(dumping(QUIET, "vm-01", tmp_path / "one"))
        await stack.enter_async_context(dumping(QUIET, "vm-02", tmp_path / "two"))
        await user.sees("2 jobs")
        await user.press("w")
        await user.sees("Waiting · 2 domains", "2 running")
        async with open_backend(QUIET) as other:
            await other.abort(first.key)
        await user.sees("vm-01 ⊘ dump cancelled", "1 cancelled · 1 running")
        await user.press("escape")
        await user.sees("vm-02 detached; the dump is still running", "1 job ")


async def test_aborting_several_asks_once_and_names_them(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack, console(QUIET) as user:
        await mark(user, 3)
        dumps = [dumping(QUIET, name, tmp_path / name) for name in ("vm-01", "vm-02")]
        records = [await stack.enter_async_context(dump) for dump in dumps]
        await user.sees("2 jobs")
        await user.press("a")
        await user.sees("Abort the jobs of vm-01, vm-02?", "Skipped vm-03")
        await user.press("y")
        assert [(await ended(record)).state for record in records] == ["cancelled", "cancelled"]
