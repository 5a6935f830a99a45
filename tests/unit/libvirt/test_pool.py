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
from backend.libvirt.connection import pool as pools
from backend.libvirt.connection.connect import disconnect
from backend.libvirt.connection.connection import Call, Connection, Subject
from backend.libvirt.connection.pool import SHARED, Pool
from backend.libvirt.connection.watch import Watch
from tests.contract.steps import PATIENCE


def breaks(connection: Connection) -> None:
    raise NoConnection("the line broke")


@pytest.mark.parametrize("watched", [True, False])
async def test_a_connection_that_breaks_under_a_call_is_closed_once(
    monkeypatch: pytest.MonkeyPatch, watched: bool
) -> None:
    # Two threads that close one at the same time take it from under libvirt.
    closed: list[Any] = []
    monkeypatch.setattr(pools, "disconnect", lambda conn: (closed.append(conn), disconnect(conn)))
    lost: list[str] = []
    watch = Watch(lambda event: None, lambda conn, reason: None, lambda uuid: None) if watched else None
    pool = Pool("test:///default", False, Traffic(), watch, lost.append)
    await pool.reopen()
    with pytest.raises(NoConnection):
        await pool.call("the daemon", breaks)
    await pool.close()
    assert len(closed) == len(lost) == 1


@pytest.fixture
async def pool(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pool]:
    """One that has two connections by now."""
    monkeypatch.setattr(pools, "SPARE_INTERVAL", 0.0)
    watch = Watch(lambda event: None, lambda conn, reason: None, lambda uuid: None)
    pool = Pool("test:///default", False, Traffic(), watch, lambda reason: None)
    await pool.reopen()
    used: set[Connection] = set()

    def slow(connection: Connection) -> None:
        used.add(connection)
        time.sleep(0.01)

    async with asyncio.timeout(PATIENCE):
        while len(used) < 2:
            await pool.sweep(many(slow))
    yield pool
    await pool.close()


def many(call: Call[Any]) -> dict[Subject, Call[Any]]:
    return {f"call {number}": call for number in range(SHARED)}


async def test_two_connections_share_many_calls(pool: Pool) -> None:
    both = threading.Barrier(2)
    used: set[Connection] = set()

    def meet(connection: Connection) -> None:
        used.add(connection)
        both.wait(PATIENCE)

    assert set((await pool.sweep(many(meet))).values()) == {None}
    assert len(used) == 2


async def test_one_call_is_made_by_one_connection(pool: Pool) -> None:
    assert await pool.call("the daemon", lambda connection: connection.watched)


async def test_where_one_of_two_connections_breaks_the_other_makes_all_calls(pool: Pool) -> None:
    both = threading.Barrier(2)
    first = threading.Event()

    def call(connection: Connection) -> bool:
        if not first.is_set():
            both.wait(PATIENCE)
            first.set()
        if not connection.watched:
            raise NoConnection("the line broke")
        return connection.watched

    assert set((await pool.sweep(many(call))).values()) == {True}
    pool.check()


async def test_where_all_connections_break_every_call_is_told_so(pool: Pool) -> None:
    found = await pool.sweep(many(breaks))
    assert len(found) == SHARED
    assert {str(answer) for answer in found.values()} == {"the line broke"}
    with pytest.raises(NoConnection):
        pool.check()


async def test_a_domain_that_stopped_is_doubted_no_more(pool: Pool) -> None:
    pool.doubt("uuid")
    pool.forget("uuid")
    assert not pool._doubted
