"""Dumps that their guests do not survive ask first; Enter alone starts nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.records.journal import Journal
from tests.tui.console import console
from tests.tui.test_dump import open_form, set_path
from tests.tui.test_marks import mark
from tests.tui.test_marks import open_form as open_form_for_several

pytestmark = pytest.mark.process

QUIET = "sim:///quiet?domains=3&jobs=0&memory=16"
SIZES = pytest.mark.parametrize("size", [(60, 20), (80, 24), (160, 50)])


@SIZES
@pytest.mark.parametrize(
    ("tabs", "words"), [(1, "vm-01 is ended as crashed once its dump is written"), (2, "vm-01 is reset once its dump")]
)
async def test_the_question_says_what_is_lost_and_no_is_the_default(
    tmp_path: Path, size: tuple[int, int], tabs: int, words: str
) -> None:
    async with console(QUIET, size=size) as user:
        await open_form(user)
        await set_path(user, tmp_path / "core")
        await user.press(*["tab"] * tabs, "space", "ctrl+s")
        await user.reads(words)
        await user.sees("lost", "No", "Dump, then ")
        await user.press("enter")
        await user.sees_no("Dump, then ")
        await user.sees("Dump · vm-01", "Start dump")
    assert not (tmp_path / "core").exists()


async def test_a_confirmed_crash_ends_the_guest(tmp_path: Path) -> None:
    async with console(QUIET) as user:
        await open_form(user)
        await set_path(user, tmp_path / "core")
        await user.press("tab", "space")
        await user.sees("the guest is paused for the whole dump, then ended as crashed")
        await user.press("ctrl+s")
        await user.sees("Dump, then end it")
        await user.press("y")
        await user.sees("✓ dump completed")
        await user.press("escape")
        await user.sees("crashed")


async def test_a_dump_that_harms_nobody_asks_nothing(tmp_path: Path) -> None:
    async with console(QUIET) as user:
        await open_form(user)
        await set_path(user, tmp_path / "core")
        await user.press("ctrl+s")
        await user.sees("✓ dump completed")


async def test_of_several_all_are_named(tmp_path: Path) -> None:
    async with console(QUIET) as user:
        await mark(user, 3)
        await open_form_for_several(user, tmp_path / "{domain}.core")
        await user.press("tab", "tab", "space")
        await user.sees("3 guests are reset, each after its dump")
        await user.press("ctrl+s")
        await user.reads("3 guests are reset, each once its dump is written: vm-01, vm-02, vm-03.")
        await user.press("enter")
        await user.sees_no("Dump, then")
        assert not Journal().pending()
        await user.press("ctrl+s")
        await user.sees("Dump, then reset 3 guests")
        await user.press("y")
        await user.sees("3 completed")


async def test_a_question_that_is_longer_than_the_screen_scrolls_and_keeps_its_buttons() -> None:
    async with console("sim:///herd?domains=60&jobs=0&memory=16", size=(60, 16)) as user:
        await user.sees("▌ vm-01")
        await user.press("asterisk")
        await user.sees("60 marked")
        await user.press("d")
        await user.sees("Dump · 60 domains", "Start dump")
        await user.press("tab", "tab", "tab", "space", "ctrl+s")
        await user.sees("Dump, then reset 60 guests", "▼ more")
        await user.press(*["pagedown"] * 4)
        await user.sees("goes on", "Dump, then reset 60 guests")
        await user.press("n")
        await user.sees_no("Dump, then")
