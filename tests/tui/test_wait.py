"""Waiting, detaching, aborting, and what happens to jobs while nobody looks."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.records.journal import Journal
from tests.simulator_hold import Hold, outage
from tests.tui.console import User, console, dumping, ended

pytestmark = pytest.mark.process

QUIET = "sim:///quiet?domains=3&jobs=0&memory=64"


async def wait_on(user: User, name: str) -> None:
    await user.sees("1 job ", f"▌ {name}")
    await user.press("w")
    await user.sees(f"{name} · waiting for dump", "done", "left")


async def test_the_wait_screen_shows_progress_and_escape_detaches(tmp_path: Path) -> None:
    async with console(QUIET) as user, dumping(QUIET, "vm-01", tmp_path / "core"):
        await wait_on(user, "vm-01")
        await user.press("escape")
        await user.sees("detached; the dump is still running", "1 job ")


async def test_an_abort_asks_and_enter_alone_does_not_confirm(tmp_path: Path) -> None:
    async with console(QUIET) as user, dumping(QUIET, "vm-01", tmp_path / "core"):
        await user.sees("1 job ", "▌ vm-01")
        await user.press("a")
        await user.sees("Abort the dump of vm-01?")
        await user.press("enter")
        await user.sees_no("Abort the dump of vm-01?")
        await user.sees("1 job ")


async def test_a_confirmed_abort_cancels_the_dump(tmp_path: Path) -> None:
    async with console(QUIET) as user, dumping(QUIET, "vm-01", tmp_path / "core") as record:
        await user.sees("1 job ", "▌ vm-01")
        await user.press("a")
        await user.sees("Abort the dump of vm-01?")
        await user.press("y")
        assert (await ended(record)).state == "cancelled"
        await user.sees("⊘ dump cancelled")


async def test_a_memory_only_dump_cannot_be_aborted_and_the_console_says_so(tmp_path: Path) -> None:
    async with Hold(QUIET), console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.press("d")
        await user.sees("Dump · vm-01")
        await user.press("ctrl+s")
        await user.sees("waiting for dump", "done")
        await user.press("escape")
        await user.sees("1 job ")
        await user.press("a")
        await user.sees("a memory-only dump cannot be aborted")


async def test_dumps_without_a_result_are_taken_up_again_on_start(tmp_path: Path) -> None:
    async with dumping(QUIET, "vm-02", tmp_path / "core"), console(QUIET) as user:
        await user.sees("vm-02 attached to the dump")


async def test_quitting_leaves_the_dump_going_and_the_next_console_tells_its_end(tmp_path: Path) -> None:
    async with Hold(QUIET) as hold:
        async with console(QUIET) as user:
            await user.sees("▌ vm-01")
            await user.press("d")
            await user.sees("Dump · vm-01")
            await user.press("ctrl+s")
            await user.sees("waiting for dump", "done")
        assert [record.state for record in Journal().pending()] == ["running"]
        async with console(QUIET) as user:
            await user.sees("attached to the dump")
            hold.release()
            await user.sees("attached to the dump", "✓ dump completed")


async def test_the_job_of_someone_else_gets_a_verdict_or_why_there_is_none() -> None:
    async with console("sim:///demo") as user:
        await user.reads("mail-01 ? snapshot unproven: The hypervisor had finished")


async def test_help_lists_the_keys() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.press("question_mark")
        await user.sees("Dump memory to a file", "Next domain")
        await user.press("slash")
        await user.type("sort")
        await user.sees("Sort by the next column")
        await user.press("enter", "escape", "escape")
        await user.sees_no("Sort by the next column", "Next domain", "Show all keys")


async def test_the_palette_offers_the_commands() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.press("ctrl+p")
        await user.press(*"file")
        await user.sees("Dump memory to a file")
        await user.press("enter")
        await user.sees("Dump · vm-01")


async def test_a_connection_that_cannot_be_made_is_a_line_and_not_the_end() -> None:
    async with console("sim:///quiet?rubbish=1") as user:
        await user.sees("unknown option 'rubbish'", "next try in", "q Quit")


async def test_a_lost_connection_is_a_banner_and_goes_when_it_is_back(tmp_path: Path) -> None:
    # A dump through this URI makes an outage of its own, which would not come for long.
    uri = f"{QUIET}&fail=disconnect&rate=1"
    async with Hold(uri), console(uri) as user:
        await user.sees("▌ vm-01")
        await user.press("d")
        await user.sees("Dump · vm-01")
        await user.press("ctrl+s")
        await user.sees("waiting for dump", "done")
        with outage(uri):
            await user.sees("no connection", "trying again")
        await user.sees_no("trying again")
