"""Dumps beyond the limit of a host, as the user sees them."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.records.journal import Journal
from backend.uri import open_backend
from tests.simulator_hold import Hold
from tests.tui.console import User, console
from tests.tui.test_marks import mark, open_form
from tui.config.values import Config, Dumps

pytestmark = pytest.mark.process

QUIET = "sim:///quiet?domains=4&jobs=0&memory=64"
ONE = Config(dump=Dumps(format="raw", at_once=1))


async def dump(user: User, name: str, folder: Path) -> None:
    await user.go_to(name)
    await user.press("d")
    await user.sees(f"Dump · {name}")
    await user.press("tab", "end", "ctrl+u")
    await user.type(str(folder / f"{name}.core"))
    await user.sees(f"{name}.core")
    await user.press("ctrl+s")


async def one_running_one_queued(user: User, folder: Path) -> None:
    await user.sees("▌ vm-01")
    await dump(user, "vm-01", folder)
    await user.sees("requested by")
    await user.press("escape")
    await dump(user, "vm-02", folder)
    await user.sees("vm-02 dump queued", "queued  ")


async def test_a_single_dump_beyond_the_limit_is_queued_and_says_so(tmp_path: Path) -> None:
    async with Hold(QUIET), console(QUIET, config=ONE) as user:
        await one_running_one_queued(user, tmp_path)
        await user.sees("vm-02.core, queued")
        assert [record.domain for record in Journal().pending()] == ["vm-01"]


async def test_its_turn_comes_when_the_one_before_it_ends(tmp_path: Path) -> None:
    async with Hold(QUIET), console(QUIET, config=ONE) as user:
        await one_running_one_queued(user, tmp_path)
        async with open_backend(QUIET) as other:
            await other.abort((await other.find("vm-01")).key)
        await user.sees("vm-01 ⊘ dump cancelled", "vm-02 dump started")


async def test_it_can_be_dropped_from_the_queue(tmp_path: Path) -> None:
    async with Hold(QUIET), console(QUIET, config=ONE) as user:
        await one_running_one_queued(user, tmp_path)
        await user.press("enter")
        await user.sees("Waiting · vm-02", "1 queued")
        await user.press("x")
        await user.sees("removed from the queue")
        assert not (tmp_path / "vm-02.core").exists()


async def test_several_and_single_ones_share_one_limit_which_the_form_changes_for_this_run(tmp_path: Path) -> None:
    async with Hold(QUIET), console(QUIET, config=ONE) as user:
        await mark(user, 3)
        await open_form(user, tmp_path / "{domain}.core")
        await user.sees("Parallel dumps per host: 1")
        await user.press(*["tab"] * 6, "end", "backspace", "2", "ctrl+s")
        await user.sees("2 running · 1 queued")
        await user.press("escape")
        await dump(user, "vm-04", tmp_path)
        await user.sees("vm-04 dump queued, 2 run")
