"""The pauses between attempts to connect."""

from __future__ import annotations

import asyncio

import pytest

from backend.backoff import CONNECT, Backoff


async def test_each_pause_is_twice_as_long_up_to_a_limit_until_one_succeeds(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    backoff = Backoff(*CONNECT)
    for _ in range(5):
        await backoff.pause()
    backoff.reset()
    await backoff.pause()
    assert pauses == [3.0, 6.0, 12.0, 15.0, 15.0, 3.0]


async def test_a_pause_tells_how_long_it_takes_and_can_be_ended() -> None:
    backoff = Backoff(1000.0, 1000.0)
    assert backoff.left is None
    pause = asyncio.create_task(backoff.pause())
    await asyncio.sleep(0)
    assert backoff.left is not None
    assert 900 < backoff.left <= 1000
    backoff.hurry()
    await pause
    assert backoff.left is None


async def test_a_pause_that_is_cancelled_leaves_nothing_behind() -> None:
    backoff = Backoff(1000.0, 1000.0)
    pause = asyncio.create_task(backoff.pause())
    await asyncio.sleep(0)
    pause.cancel()
    with pytest.raises(asyncio.CancelledError):
        await pause
    await asyncio.sleep(0)
    assert (backoff.left, asyncio.all_tasks()) == (None, {asyncio.current_task()})
