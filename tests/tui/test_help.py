"""The help, as its user sees it: grouped, with a legend, about every screen, and searchable."""

from __future__ import annotations

from types import MappingProxyType

import pytest

from tests.tui.console import User, console
from tui.commands.commands import Command
from tui.commands.groups import GROUPS, ORDER, group_of
from tui.commands.offering import OfferingScreen
from tui.commands.user_actions import UserAction
from tui.config.keys import DEFAULT_KEYS
from tui.config.values import Config
from tui.screens.help_sections import _OPENED_BY, _screens

QUIET = "sim:///quiet?domains=3&jobs=0&memory=16"


async def opened(user: User) -> None:
    await user.sees("▌ vm-01")
    await user.press("question_mark")
    await user.sees("Keys", "General", "Show all keys")


async def everything(user: User) -> str:
    """All that can be scrolled to."""
    seen = [user.screen]
    while True:
        await user.press("ctrl+d")
        if user.screen == seen[-1]:
            return "\n".join(seen)
        seen.append(user.screen)


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (160, 50)])
async def test_it_has_groups_a_legend_and_all_screens_and_scrolls_by_keys(size: tuple[int, int]) -> None:
    async with console(QUIET, size=size) as user:
        await opened(user)
        text = await everything(user)
        assert [group for group in ("Jobs", "Dumps", "Move", "Arrange", "Copy", "Hosts") if group not in text] == []
        assert [sign for sign in ("✓", "✗", "⊘", "~0:12", "SIMULATED", "(claimed)") if sign not in text] == []
        assert [name for name in ("Hosts (H)", "History (J)", "Migration (m)", "Questions") if name not in text] == []
        assert max(map(len, text.splitlines())) <= size[0]
        await user.press("g")
        await user.sees("Show all keys")
        await user.press("escape")
        await user.sees("▌ vm-01")


async def test_it_is_searched_by_what_a_key_does() -> None:
    async with console(QUIET, size=(80, 24)) as user:
        await opened(user)
        await user.press("slash")
        await user.type("limits")
        await user.sees("Change the limits of a migration", "On other screens: Migration (m)")
        await user.sees_no("Show all keys")
        await user.press("escape")
        await user.sees("Show all keys")
        await user.press("slash")
        await user.type("xyzzy")
        await user.sees("no match for /xyzzy")


async def test_the_users_keys_are_shown_for_screens_that_are_not_open_as_well() -> None:
    keymap = MappingProxyType({"show-hosts": "f7", "add-host": "f8", "dump": "D"})
    async with console(QUIET, size=(160, 50), config=Config(keymap=keymap)) as user:
        await opened(user)
        text = " ".join((await everything(user)).split())
        assert "D Dump memory to a file" in text
        assert "Hosts (f7)" in text
        assert "f8 Connect to a host" in text


async def test_of_the_screen_that_is_open_it_has_the_live_keys() -> None:
    async with console(QUIET, size=(160, 50)) as user:
        await user.sees("▌ vm-01")
        await user.press("J")
        await user.sees("History")
        await user.press("question_mark")
        await user.sees("Show all keys")
        text = await everything(user)
        assert "On other screens: Main" not in text
        assert "On other screens: Domains" in text
        assert "On other screens: History" not in text


def test_every_id_is_in_a_group() -> None:
    assert [each for each in DEFAULT_KEYS if each not in GROUPS and group_of(each) == ORDER[0]] == []


def test_every_screen_that_offers_commands_is_found() -> None:
    def subclasses(kind: type[OfferingScreen[None]]) -> set[type[OfferingScreen[None]]]:
        below = set(kind.__subclasses__())
        return below.union(*(subclasses(each) for each in below))

    offering = {kind for kind in subclasses(OfferingScreen) if kind.OFFERS and kind.__module__.startswith("tui.")}
    assert offering == set(_screens())


def test_the_commands_that_open_screens_exist() -> None:
    ids = {command.id() for command in Command.__subclasses__() if command is not UserAction}
    names = {kind.__name__ for kind in _screens()}
    assert {opener for name, opener in _OPENED_BY.items() if name in names} <= ids
