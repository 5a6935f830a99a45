"""Problems only, and busy only: what is shown, and how to see everything again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.console import console, dumping
from tests.tui.test_states import leave_paused

pytestmark = pytest.mark.usefixtures("listed_often")

QUIET = "sim:///quiet?domains=3&jobs=0&memory=64"


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
async def test_only_domains_with_a_problem_are_shown_until_the_key_is_pressed_again(size: tuple[int, int]) -> None:
    async with console(QUIET, size=size) as user:
        await user.sees("▌ vm-01")
        await user.press("f")
        await user.sees("Domains  problems only  0 of 3", "no domain has a problem: esc shows all", "esc Show all")
        leave_paused("vm-03", "I/O error")
        await user.sees("problems only  1 of 3", "▌ vm-03", "paused (I/O error)")
        assert "vm-02" not in user.screen
        await user.press("f")
        await user.sees("▌ vm-03", "vm-01", "vm-02")
        await user.sees_no("problems only")


async def test_a_problem_that_is_over_leaves_the_list() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        leave_paused("vm-02", "I/O error")
        await user.press("f")
        await user.sees("▌ vm-02")
        await user.press("r")
        await user.sees("no domain has a problem")


async def test_only_busy_domains_are_shown(tmp_path: Path) -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.press("b")
        await user.sees("busy only  0 of 3", "no domain has a job: esc shows all")
        async with dumping(QUIET, "vm-02", tmp_path / "file"):
            await user.sees("busy only  1 of 3", "▌ vm-02")
            await user.press("f")
            await user.sees("problems and busy only  0 of 3", "no domain has a problem and a job: esc shows all")
            await user.press("escape")
            await user.sees("vm-01", "vm-02", "vm-03")
            await user.sees_no("busy only")


async def test_jobs_of_disks_count_and_stand_below_their_domain() -> None:
    async with console("sim:///demo", size=(160, 50)) as user:
        await user.sees("files-01", "└ vdb")
        await user.press("b")
        await user.sees("busy only", "files-01", "└ vdb", "git-01")
        await user.sees_no("ldap-01  ")
        await user.press("b", "f")
        await user.sees("problems only", "ldap-01", "batch-01")
        await user.sees_no("└ vdb", "git-01  ")


async def test_they_combine_with_the_filter_and_escape_clears_both() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        leave_paused("vm-02", "I/O error")
        leave_paused("vm-03", "I/O error")
        await user.press("f")
        await user.sees("problems only  2 of 3")
        await user.press("slash")
        await user.type("03")
        await user.sees("problems only  /03  1 of 3")
        await user.press("enter")
        await user.sees("▌ vm-03")
        await user.press("slash")
        await user.type("x")
        await user.sees("no domain that matches /x has a problem")
        await user.press("escape")
        await user.sees("vm-01", "vm-02", "vm-03")
        await user.sees_no("problems only", "/03")


async def test_the_palette_goes_to_a_domain_that_they_hide() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.press("f")
        await user.sees("problems only")
        await user.press("ctrl+p")
        await user.press(*"vm-03")
        await user.sees("go to it")
        await user.press("enter")
        await user.sees("▌ vm-03", "vm-01")
        await user.sees_no("problems only")
