"""An unexpected exception in the console is one line in it, and the console goes on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest
from textual.content import Content
from textual.css.query import NoMatches

from tests.eventually import eventually
from tests.tui.console import User
from tui.app import Console
from tui.cli.exits import Exit
from tui.screens.help import HelpScreen
from tui.screens.main import MainScreen
from tui.terminal.failures import MANY, PAUSE, Failures
from tui.widgets.activity_pane import ActivityPane
from tui.widgets.details_pane import DetailsPane
from tui.widgets.domain_table import DomainTable
from tui.widgets.key_bar import KeyBar
from tui.widgets.lines import Lines
from tui.widgets.status_line import StatusLine

LINE = "internal error: RuntimeError: boom"


class Surviving(Console):
    """The console as it is outside of tests."""

    fail_at_once = False


@contextlib.asynccontextmanager
async def surviving() -> AsyncIterator[User]:
    app = Surviving(["sim:///x?domains=3&jobs=0"])
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        user = User(app, pilot)
        await user.sees("vm-01")
        yield user
        app.exit()


def boom(*_: object, **__: object) -> None:
    raise RuntimeError("boom")


async def works(user: User) -> None:
    """The keys still do what they do."""
    await user.press("slash")
    await user.type("vm-02")
    await user.sees("▌ vm-02")
    await user.sees_no("vm-01")


def in_a_handler(user: User) -> None:
    user.app.screen.query_one(DomainTable).post_message(DomainTable.Chosen(boom))  # type: ignore[arg-type]


def in_a_callback(user: User) -> None:
    user.app.screen.query_one(StatusLine).call_later(boom)


def in_a_timer(user: User) -> None:
    user.app.screen.set_timer(0.01, boom)


def in_a_worker(user: User) -> None:
    async def work() -> None:
        boom()

    user.app.screen.query_one(DetailsPane).run_worker(work())


@pytest.mark.parametrize("fail", [in_a_handler, in_a_callback, in_a_timer, in_a_worker])
async def test_the_main_screen_goes_on(fail: Callable[[User], None], monkeypatch: pytest.MonkeyPatch) -> None:
    async with surviving() as user:
        monkeypatch.setattr(MainScreen, "offer", boom)  # Handles the first of them.
        fail(user)
        await user.sees(f"console: {LINE}")
        monkeypatch.undo()
        await user.sees(f"console ✗ {LINE}")
        await works(user)


async def test_a_key_that_fails_leaves_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    async with surviving() as user:
        monkeypatch.setattr(DomainTable, "action_mark", boom)
        for _ in range(MANY + 1):
            await user.press("space")
        await user.sees(LINE)
        await works(user)


async def test_a_render_that_fails_once_leaves_the_console(monkeypatch: pytest.MonkeyPatch) -> None:
    render = KeyBar.render
    failures = [RuntimeError("boom")]

    def render_at_second_attempt(bar: KeyBar) -> Content:
        if failures:
            raise failures.pop()
        return render(bar)

    async with surviving() as user:
        monkeypatch.setattr(KeyBar, "render", render_at_second_attempt)
        user.app.screen.query_one(KeyBar).refresh()
        await asyncio.to_thread(eventually, lambda: not failures)  # The pilot would paint, too.
        await user.sees(f"console: {LINE}")
        await works(user)


@pytest.mark.parametrize("method", ["compose", "on_mount", "on_key"])
async def test_another_screen_that_fails_is_closed(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HelpScreen, method, boom, raising=False)
    async with surviving() as user:
        await user.press("question_mark", "j")
        await user.sees(LINE)
        await user.until(lambda: isinstance(user.app.screen, MainScreen), "the main screen")
        await works(user)


async def test_a_console_that_cannot_draw_what_failed_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async with surviving() as user:
        monkeypatch.setattr(Lines, "render_line", boom)
        user.app.screen.query_one(ActivityPane).refresh()
        await asyncio.to_thread(eventually, lambda: user.app.return_code is not None)  # The pilot would paint, too.
        assert user.app.return_code == Exit.INTERNAL


async def test_what_a_screen_that_was_left_misses_is_no_failure() -> None:
    async with surviving() as user:
        await user.press("question_mark")
        await user.until(lambda: isinstance(user.app.screen, HelpScreen), "the help")
        left = user.app.screen
        await user.press("escape")
        await user.until(lambda: isinstance(user.app.screen, MainScreen), "the main screen")
        assert user.app.handle_failure(NoMatches("gone"), left)
        assert not user.app._notifications


def test_failures_repeat_by_themselves_if_many_come_at_once_with_no_key_in_between(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    failures = Failures()
    assert [failures.add() for _ in range(MANY)] == [False] * (MANY - 1) + [True]
    failures.forget()
    for _ in range(2 * MANY):
        now += PAUSE + 1
        assert not failures.add()
