"""The footer: entries keep their places."""

from __future__ import annotations

import pytest

from tests.simulator_hold import Hold
from tests.tui.console import User, console

QUIET = "sim:///quiet?domains=4&jobs=0"


def footer(user: User) -> str:
    return user.screen.splitlines()[-1]


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (160, 50)])
async def test_entries_keep_their_places_and_the_help_is_always_there(size: tuple[int, int]) -> None:
    uri = "sim:///busy?domains=4&jobs=1"
    async with Hold(uri), console(uri, size=size) as user:
        await user.sees("▌ vm-01", "%", "space Mark")
        on_a_job = footer(user)
        assert on_a_job.startswith(" d Dump  w Wait  a Abort ")
        assert on_a_job.endswith("space Mark  q Quit  ? Help")
        await user.press("G")
        await user.sees("▌ vm-04")
        assert footer(user) == on_a_job, "what is refused is dimmed, and stays"
        places = {word: on_a_job.index(word) for word in ("Dump", "Wait", "Abort", "Help")}
        await user.press("slash")
        await user.type("vm")
        await user.sees("4 of 4", "Show all")
        assert {word: footer(user).index(word) for word in places} == places
        await user.press("enter", "A")
        await user.sees("esc Show all")
        assert {word: footer(user).index(word) for word in places} == places


async def test_what_is_most_important_comes_first() -> None:
    async with console(QUIET, size=(120, 36)) as user:
        await user.sees("▌ vm-01", "space Mark")
        assert footer(user).split("   ")[0] == " d Dump  w Wait  a Abort  r Resume  / Filter  p Pivot  s Sort"


async def test_a_click_presses_the_key_where_it_stands() -> None:
    async with console(QUIET, size=(80, 24)) as user:
        await user.sees("▌ vm-01", "space Mark")
        await user.click(footer(user).index("? Help"), 23)
        await user.sees("Show all keys", "esc Close")
        assert footer(user) == " / Filter  esc Close"
        await user.press("escape")
        await user.sees("space Mark")
        await user.click(footer(user).index("Abort"), 23)
        await user.sees("vm-01 has no job to abort")


async def test_an_entry_stands_in_one_place_wherever_the_focus_is() -> None:
    async with console(QUIET, size=(160, 50)) as user:
        await user.sees("▌ vm-01", "space Mark")
        before = footer(user)
        await user.press("A")
        await user.sees("esc Domains")
        assert footer(user).count("space Mark") <= 1
        await user.press("escape")
        await user.sees_no("esc Domains")
        assert footer(user) == before
