"""Nothing is done to marked domains that the filter hides unless they are named before."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from backend.records.journal import Journal
from tests.simulator_hold import Hold
from tests.tui.console import User, console, dumping, ended
from tests.tui.test_marks import mark, open_form
from tests.tui.test_states import leave_paused
from tui.words import hidden

pytestmark = pytest.mark.process

QUIET = "sim:///hidden?domains=5&jobs=0&memory=16"


async def filtered(user: User, text: str, shown: str) -> None:
    await user.press("slash")
    await user.type(text)
    await user.press("enter")
    await user.sees(shown)


def test_many_names_are_counted() -> None:
    assert hidden.warning([]) == ""
    names = [f"vm-{number}" for number in range(1, 21)]
    assert hidden.warning(names).endswith("vm-12 and 8 more")


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
async def test_the_form_names_them_and_dumps_all(size: tuple[int, int], tmp_path: Path) -> None:
    async with console(QUIET, size=size) as user:
        await mark(user, 3)
        await filtered(user, "vm-03|vm-04", "3 marked, 2 not shown")
        await user.press("d")
        await user.reads("Dump · 3 domains", "hidden by the filter: vm-01, vm-02")
        await user.press("escape")
        await open_form(user, tmp_path / "{domain}.core")
        await user.press("ctrl+s")
        await user.sees("3 completed")


async def test_a_single_one_is_named_by_its_form() -> None:
    async with console(QUIET) as user:
        await mark(user, 1)
        await filtered(user, "vm-04", "1 marked, 1 not shown")
        await user.press("d")
        await user.sees("Dump · vm-01")


@pytest.mark.parametrize("names", [("vm-01", "vm-02"), ("vm-01",)])
async def test_the_question_before_an_abort_names_them(names: tuple[str, ...], tmp_path: Path) -> None:
    async with AsyncExitStack() as stack, console(QUIET) as user:
        await mark(user, len(names))
        for name in names:
            await stack.enter_async_context(dumping(QUIET, name, tmp_path / name))
        await user.sees(f"{len(names)} job")
        await filtered(user, "vm-02|vm-04", "1 not shown")
        await user.press("a")
        await user.reads("Hidden by the filter: vm-01.")
        await user.press("n")


async def test_waiting_leaves_them_out_and_says_so(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack, console(QUIET) as user:
        await mark(user, 2)
        for name in ("vm-01", "vm-02"):
            await stack.enter_async_context(dumping(QUIET, name, tmp_path / name))
        await user.sees("2 jobs")
        await filtered(user, "vm-02", "2 marked, 1 not shown")
        await user.press("w")
        await user.sees("vm-02 · waiting for")
        await user.reads("1 marked but hidden by the filter, left out")


@pytest.mark.usefixtures("listed_often")
async def test_resuming_leaves_them_out_and_says_so() -> None:
    async with console("sim:///quiet?domains=5&jobs=0") as user:
        await mark(user, 2)
        for name in ("vm-01", "vm-02"):
            leave_paused(name, "user")
        await user.sees("●vm-01        paused", "●vm-02        paused")
        await filtered(user, "vm-02", "2 marked, 1 not shown")
        await user.press("r")
        await user.reads("1 marked but hidden by the filter, left out", "vm-02 resume requested")
        await user.press("escape")
        await user.sees("●vm-01        paused", "●vm-02        running")


async def test_copying_leaves_them_out_and_says_so() -> None:
    async with console(QUIET) as user:
        await mark(user, 3)
        await filtered(user, "vm-03", "3 marked, 2 not shown")
        await user.press("y")
        await user.reads('sent "vm-03" to the terminal; 2 marked but hidden by the filter, left out')
        assert user.app.clipboard == "vm-03"


@pytest.mark.parametrize("key", ["w", "r", "y", "Y"])
async def test_where_all_are_hidden_nothing_is_done(key: str) -> None:
    async with console(QUIET) as user:
        await mark(user, 2)
        await filtered(user, "vm-05", "2 marked, 2 not shown")
        await user.press(key)
        await user.reads("what is marked (2) is hidden by the filter: esc shows it")
        assert user.app.clipboard == ""


async def test_without_a_filter_nothing_is_said(tmp_path: Path) -> None:
    async with Hold(QUIET), console(QUIET) as user:
        await mark(user, 2)
        await open_form(user, tmp_path / "{domain}.core")
        await user.sees_no("hidden by the filter")
        await user.press("ctrl+s")
        await user.sees("2 running")
        records = Journal().pending()
    for record in records:
        await ended(record)
