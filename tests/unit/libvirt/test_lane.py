"""What becomes of connections, on libvirt's test driver: it needs the binding, and no daemon."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

pytest.importorskip("libvirt")

from backend.base import Traffic
from backend.errors import NoConnection
from backend.libvirt.connection import lane as lanes
from backend.libvirt.connection.connect import disconnect
from backend.libvirt.connection.lane import SHARED, Lane
from backend.libvirt.connection.link import Call, Link, Subject
from backend.libvirt.connection.watch import Watch
from tests.contract.steps import PATIENCE


def breaks(link: Link) -> None:
    raise NoConnection("the line broke")


@pytest.mark.parametrize("watched", [True, False])
async def test_a_connection_that_breaks_under_a_call_is_closed_once(
    monkeypatch: pytest.MonkeyPatch, watched: bool
) -> None:
    # Two threads that close one at the same time take it from under libvirt.
    closed: list[Any] = []
    monkeypatch.setattr(lanes, "disconnect", lambda conn: (closed.append(conn), disconnect(conn)))
    lost: list[str] = []
    watch = Watch(lambda event: None, lambda conn, reason: None) if watched else None
    lane = Lane("test:///default", False, Traffic(), watch, lost.append)
    await lane.reopen()
    with pytest.raises(NoConnection):
        await lane.call("the daemon", breaks)
    await lane.close()
    assert len(closed) == len(lost) == 1


@pytest.fixture
async def lane(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Lane]:
    """One that has two connections by now."""
    monkeypatch.setattr(lanes, "SPARE_INTERVAL", 0.0)
    watch = Watch(lambda event: None, lambda conn, reason: None)
    lane = Lane("test:///default", False, Traffic(), watch, lambda reason: None)
    await lane.reopen()
    used: set[Link] = set()

    def slow(link: Link) -> None:
        used.add(link)
        time.sleep(0.01)

    async with asyncio.timeout(PATIENCE):
        while len(used) < 2:
            await lane.sweep(many(slow))
    yield lane
    await lane.close()


def many(call: Call[Any]) -> dict[Subject, Call[Any]]:
    return {f"call {number}": call for number in range(SHARED)}


async def test_two_connections_share_many_calls(lane: Lane) -> None:
    both = threading.Barrier(2)
    used: set[Link] = set()

    def meet(link: Link) -> None:
        used.add(link)
        both.wait(PATIENCE)

    assert set((await lane.sweep(many(meet))).values()) == {None}
    assert len(used) == 2


async def test_one_call_is_made_by_one_connection(lane: Lane) -> None:
    assert await lane.call("the daemon", lambda link: link.watched)


async def test_where_one_of_two_connections_breaks_the_other_makes_all_calls(lane: Lane) -> None:
    both = threading.Barrier(2)
    first = threading.Event()

    def call(link: Link) -> bool:
        if not first.is_set():
            both.wait(PATIENCE)
            first.set()
        if not link.watched:
            raise NoConnection("the line broke")
        return link.watched

    assert set((await lane.sweep(many(call))).values()) == {True}
    lane.check()


async def test_where_all_connections_break_every_call_is_told_so(lane: Lane) -> None:
    found = await lane.sweep(many(breaks))
    assert len(found) == SHARED
    assert {str(answer) for answer in found.values()} == {"the line broke"}
    with pytest.raises(NoConnection):
        lane.check()
