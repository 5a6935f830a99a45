"""The panes of the main screen: their sizes, the focus, and one at a time."""

from __future__ import annotations

import pytest

from tests.tui.console import User, console
from tui.widgets.activity_pane import ActivityPane
from tui.widgets.details_pane import DetailsPane
from tui.widgets.domain_table import DomainTable

SIZES = pytest.mark.parametrize("size", [(80, 24), (160, 50)])
FEW = "sim:///few?domains=4&jobs=0"
MANY = "sim:///many?domains=400&jobs=0"


def heights(user: User) -> tuple[int, int, int]:
    main = user.app.screen_stack[0]
    panes = (main.query_one(kind) for kind in (DomainTable, DetailsPane, ActivityPane))
    table, details, activity = (pane.outer_size.height if pane.region else 0 for pane in panes)
    return table, details, activity


@pytest.mark.parametrize(
    ("uri", "size", "expected"),
    [
        (FEW, (60, 20), (7, 6, 5)),
        (FEW, (80, 24), (7, 8, 7)),
        (FEW, (100, 30), (7, 12, 9)),
        (FEW, (160, 50), (7, 41, 41)),
        (MANY, (60, 20), (9, 6, 3)),
        (MANY, (80, 24), (12, 6, 4)),
        (MANY, (160, 50), (37, 11, 11)),
        (MANY, (60, 16), (14, 0, 0)),
    ],
)
async def test_the_domains_take_what_they_need(uri: str, size: tuple[int, int], expected: tuple[int, int, int]) -> None:
    async with console(uri, size=size) as user:
        await user.sees("vm-01", "400 domains" if uri == MANY and size[0] > 60 else "● ")
        await user.until(lambda: heights(user) == expected, f"panes of {expected} lines")


async def test_a_filter_changes_no_height() -> None:
    async with console(MANY, size=(80, 24)) as user:
        await user.sees("▌ vm-01")
        await user.until(lambda: heights(user) == (12, 6, 4), "all panes")
        await user.press("slash")
        await user.type("vm-400")
        await user.sees("1 of 400")
        table, *others = heights(user)
        assert (table, others) == (11, [6, 4]), "the filter's own line is the table's"


@SIZES
async def test_z_enlarges_the_pane_with_the_focus_and_restores_it(size: tuple[int, int]) -> None:
    async with console(FEW, size=size) as user:
        await user.sees("▌ vm-01", "1:job", "A:Activity")
        before = heights(user)
        body = size[1] - 2
        await user.press("z")
        await user.until(lambda: heights(user) == (body, 0, 0), "only the domains")
        await user.press("tab")
        await user.until(lambda: heights(user) == (0, body, 0), "only the details")
        await user.press("tab")
        await user.until(lambda: heights(user) == (0, 0, body), "only the activity")
        await user.press("z")
        await user.until(lambda: heights(user) == before, "all panes")
        assert isinstance(user.app.screen.focused, ActivityPane)
        await user.press("z", "escape")
        await user.until(lambda: heights(user) == before, "all panes")
        assert isinstance(user.app.screen.focused, DomainTable)


@SIZES
async def test_tab_goes_through_the_panes(size: tuple[int, int]) -> None:
    async with console(FEW, size=size) as user:
        await user.sees("▌ vm-01")
        seen = []
        for key in ("tab", "tab", "tab", "shift+tab", "shift+tab"):
            await user.press(key)
            seen.append(type(user.app.screen.focused))
        assert seen == [DetailsPane, ActivityPane, DomainTable, ActivityPane, DetailsPane]
        await user.press("escape")
        assert isinstance(user.app.screen.focused, DomainTable)


async def test_where_the_activity_has_no_place_its_key_enlarges_it() -> None:
    async with console(MANY, size=(60, 16)) as user:
        await user.sees("▌ vm-01")
        await user.until(lambda: heights(user) == (14, 0, 0), "only the domains")
        await user.press("A")
        await user.until(lambda: heights(user) == (0, 0, 14), "only the activity")
        await user.press("escape")
        await user.until(lambda: heights(user) == (14, 0, 0), "only the domains")


async def test_a_terminal_that_becomes_too_small_gives_the_focus_to_the_domains() -> None:
    async with console(MANY, size=(80, 24)) as user:
        await user.sees("▌ vm-01")
        await user.press("A")
        await user.resize(60, 14)
        await user.until(lambda: isinstance(user.app.screen.focused, DomainTable), "the focus in the table")
        await user.press("j")
        await user.sees("▌ vm-02")


async def test_going_to_a_domain_restores_the_panes() -> None:
    async with console(FEW, size=(80, 24)) as user:
        await user.sees("▌ vm-01")
        await user.press("A", "z")
        await user.sees_no("1:job")
        await user.press("ctrl+p")
        await user.sees("command or domain name")
        await user.type("vm-03")
        await user.sees("vm-03")
        await user.press("down", "enter")
        await user.sees("▌ vm-03", "1:job", "A:Activity")
