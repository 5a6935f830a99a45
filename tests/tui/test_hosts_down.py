"""Hosts that are down: one line each, when they are tried again, and a key that does so now."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from backend.errors import NoConnection
from tests.tui.console import User, console
from tui.session import host as hosts
from tui.widgets.banner import MOST_LINES

UP = "sim:///up?domains=2&jobs=0&memory=64"
DOWN = "sim:///down?rubbish=1"


def lines_of(user: User, name: str) -> list[str]:
    return [line.strip() for line in user.screen.splitlines() if line.startswith(f" ✗ {name}")]


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
async def test_one_line_says_why_when_it_is_tried_again_and_which_key_does_it_now(size: tuple[int, int]) -> None:
    async with console(UP, DOWN, size=size) as user:
        await user.sees("option 'rubbish'", "2 domains")
        [line] = lines_of(user, "sim:///down")
        assert re.search(r" · next try in [1-3] s, \^r now$", line), line
        assert len(re.findall("no connection: ", user.screen)) <= 2, "in the banner, and in the activity"


async def test_the_line_counts_down() -> None:
    async with console(UP, DOWN) as user:
        for left in (3, 2, 1):
            await user.sees(f"next try in {left} s")


async def test_the_key_tries_now(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = count_tries(monkeypatch)
    monkeypatch.setattr(hosts, "CONNECT", (1000.0, 1000.0))
    async with console(UP, DOWN) as user:
        await user.sees("next try in 1000 s")
        before = tries.count(DOWN)
        await user.press("ctrl+r")
        await user.until(lambda: tries.count(DOWN) > before, "another try")
        await user.press("H", "j", "j")
        await user.sees("▌ sim:///down", "down       next try in 1000 s; r tries now")
        before = tries.count(DOWN)
        await user.press("r")
        await user.until(lambda: tries.count(DOWN) > before, "another try")
        await user.press("k", "r")
        await user.sees("it is not down")


def count_tries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The URIs that are tried."""
    tries: list[str] = []
    opened = hosts.open_backend

    def counted(uri: str, readonly: bool = False) -> object:
        tries.append(uri)
        return opened(uri, readonly)

    monkeypatch.setattr(hosts, "open_backend", counted)
    return tries


async def test_without_a_host_that_is_down_the_key_says_so() -> None:
    async with console(UP) as user:
        await user.sees("2 domains")
        await user.press("ctrl+r")
        await user.sees("no host is down")


async def test_many_hosts_that_are_down_take_no_more_than_some_lines() -> None:
    down = [f"sim:///down{number}?rubbish=1" for number in range(6)]
    async with console(UP, *down) as user:
        await user.sees("more hosts: H shows them")
        assert len([line for line in user.screen.splitlines() if line.startswith(" ✗ ")]) == MOST_LINES


async def test_an_outage_is_one_entry_of_the_activity_whatever_else_goes_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    reasons = iter(["first reason", "second reason", "third reason"])

    def failing(uri: str, readonly: bool = False) -> object:
        raise NoConnection(f"cannot connect to {uri}: {next(reasons, 'last reason')}; start it")

    monkeypatch.setattr(hosts, "open_backend", failing)
    monkeypatch.setattr(hosts, "CONNECT", (0.01, 0.01))
    async with console("qemu+ssh://hv7.example.org/system", size=(160, 50)) as user:
        await user.sees("✗ hv7: no connection: last reason · ")
        assert user.screen.count("hv7 no connection: first reason") == 1
        assert "second reason" not in user.screen


@asynccontextmanager
async def closed_port() -> AsyncIterator[int]:
    """A port on which nobody listens."""
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    with contextlib.suppress(Exception):
        await server.wait_closed()
    yield port


@pytest.mark.binding
async def test_a_libvirt_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    async with closed_port() as port, console(f"qemu+tcp://127.0.0.1:{port}/system", UP, size=(80, 24)) as user:
        await user.sees("✗ 127.0.0.1: ", "Connection refused · next try in")
        assert len(lines_of(user, "127.0.0.1")) == 1
