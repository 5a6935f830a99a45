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
