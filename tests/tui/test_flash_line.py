"""What the console says to its user: one line that covers nothing, on whatever screen is on top."""

from __future__ import annotations

import re

import pytest
from textual.content import Content
from textual.widgets._toast import Toast

from tests.tui.console import User, console
from tui.session.activity_log import Tone
from tui.session.flash import FlashMessage
from tui.widgets.flash_line import line, shortened
from tui.words.cells import width

QUIET = "sim:///quiet?domains=4&jobs=0&memory=64"


def above_the_keys(user: User) -> str:
    """The line above the last one."""
    return (user.screen + "\n" * user.app.size.height).splitlines()[user.app.size.height - 2]


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (160, 50)])
async def test_a_message_stands_in_one_line_above_the_keys_and_covers_a_border_only(size: tuple[int, int]) -> None:
    async with console(QUIET, size=size) as user:
        await user.sees("▌ vm-01", "connected", "no job")
        before = user.screen.splitlines()
        await user.press("a")
        await user.sees("! vm-01 has no job to abort")
        await user.until(lambda: above_the_keys(user).startswith(" ! vm-01"), "the message above the keys")
        assert set(before[-2]) <= set("╰─╯")
        assert [line for line in user.screen.splitlines()[:4]] == before[:4], "nothing else has moved"
        assert not user.app.screen.query(Toast)


async def test_it_disappears_by_itself() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01", "connected")
        user.app.NOTIFICATION_TIMEOUT = 0.05  # type: ignore[misc]
        await user.press("y")
        await user.until(lambda: "sent" in user.screen, "a message")
        await user.until(lambda: re.fullmatch("[╰─╯]+", above_the_keys(user)) is not None, "a border again")


async def test_it_can_be_seen_above_a_form_and_goes_along_when_that_closes() -> None:
    async with console(QUIET, size=(80, 24)) as user:
        await user.sees("▌ vm-01")
        await user.press("d")
        await user.sees("Dump · vm-01")
        user.app.notify("a word", markup=False)
        await user.until(lambda: above_the_keys(user).startswith(" a word"), "the message above the form's keys")
        await user.sees("Dump · vm-01", "Start dump")
        await user.press("escape")
        await user.sees("space Mark")
        assert above_the_keys(user).startswith(" a word")


async def test_what_was_said_before_a_screen_opens_is_seen_on_it() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        await user.press("y", "J")
        await user.sees("History")
        assert "sent" in above_the_keys(user)


async def test_an_error_is_not_replaced_by_what_is_said_after_it() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        user.app.notify("vm-01: abort failed", severity="error", markup=False)
        await user.press("y")
        await user.until(
            lambda: re.match(' ✗ vm-01: abort failed · sent "vm-01"', above_the_keys(user)) is not None, "both"
        )


async def test_markup_is_text_and_lines_are_one() -> None:
    async with console(QUIET) as user:
        await user.sees("▌ vm-01")
        user.app.notify("[/x] [@click=app.quit]name[/]\nfailed", markup=False)
        await user.until(lambda: above_the_keys(user).startswith(" [/x] [@click=app.quit]name[/] failed"), "the text")
        user.app.notify("[b]bold[/b] word", title="Title")
        await user.until(lambda: above_the_keys(user).startswith(" Title: bold word"), "the text without markup")


async def test_the_activity_has_the_whole_message_once() -> None:
    async with console(QUIET, size=(60, 30)) as user:
        await user.sees("▌ vm-01", "connected")
        words = " ".join(f"word{number:02}" for number in range(14))
        for _ in range(3):
            user.app.notify(words, markup=False)
        await user.sees("word13", "…")
        await user.press("A", "z")
        await user.reads(words)
        assert user.screen.count("word13") == 1


async def test_a_message_that_the_activity_has_is_not_added() -> None:
    async with console("sim:///a", "sim:///b") as user:
        await user.sees("sim:///b connected")
        await user.press("H")
        await user.sees("Latency")
        await user.press("x")
        await user.until(lambda: "disconnected" in above_the_keys(user), "the message")
        await user.press("escape")
        await user.sees("space Mark")
        assert user.screen.count("disconnected") == 2, "in the activity, and in the flash line"


@pytest.mark.parametrize("cells", [20, 40, 60])
def test_a_path_is_cut_in_the_middle_before_anything_is_cut_off(cells: int) -> None:
    text = "vm-01: no such folder /var/lib/libvirt/images/some/where/deep/vm-01.core exists"
    short = shortened(text, cells)
    assert width(short) <= cells
    if cells == 60:
        assert re.fullmatch(r"vm-01: no such folder /var/\S*…\S*vm-01.core exists", short)
    assert shortened("short", cells) == "short"


def test_two_messages_share_the_line() -> None:
    error, other = FlashMessage("e" * 100, Tone.ERROR, 1), FlashMessage("o" * 10, Tone.QUIET, 1)
    assert line([error, other], 60).plain == f" ✗ {'e' * 44}… · {'o' * 10}"
    assert width(line([error, FlashMessage("o" * 100, Tone.QUIET, 1)], 60).plain) <= 61
    assert line([], 60).is_same(Content(" "))
