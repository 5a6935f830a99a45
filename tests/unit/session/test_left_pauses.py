"""Guests that a job left paused are marked, of whatever kind it was; nothing is said of one that nobody answers for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from backend.errors import NotAnswering
from backend.model import DomainKey, DomainState
from backend.observing import watcher
from backend.simulator.store import Store
from backend.status import StatusAnswer
from tests.unit.session.observer import session
from tui.session import left_pauses
from tui.session.rows import busy_first

QUIET = "sim:///left?domains=3&jobs=0&memory=64"


def pause(name: str, reason: str) -> None:
    """What a daemon that died leaves behind: paused for a job, and no job."""
    store = Store("left")
    try:
        machine = next(machine for machine in store.machines() if machine.name == name)
        store.put_machines([replace(machine, state=DomainState.PAUSED, reason=reason)])
    finally:
        store.close()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """It counts as left paused soon; and domains are listed often, since nothing reports what a dead daemon left."""
    monkeypatch.setattr(left_pauses, "LEFT_AFTER", 0.1)
    monkeypatch.setattr(watcher, "QUIET_LIST_INTERVAL", 0.1)


@pytest.mark.parametrize(
    ("reason", "job"),
    [("dumping", "dump"), ("saving", "save"), ("migrating", "migration"), ("creating snapshot", "snapshot")],
)
async def test_whatever_job_left_it_paused(reason: str, job: str) -> None:
    async with session(QUIET) as (running, observer):
        pause("vm-02", reason)
        await observer.until(lambda: any(row.left_paused for row in running.rows.values()))
        first = min(running.rows.values(), key=busy_first)
        assert (first.domain.name, first.left_paused) == ("vm-02", True)
        assert ("vm-02", f"left paused by a {job} that is no longer running") in observer.entries


async def test_nothing_is_said_of_one_whose_job_nobody_answers_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async with session(QUIET) as (running, observer):
        backend, asked, silent = running.hosts[QUIET].backend, asyncio.Event(), True
        statuses = backend.statuses

        async def no_answer(keys: Iterable[DomainKey], *others: Any) -> Mapping[DomainKey, StatusAnswer]:
            if not silent:
                return await statuses(keys, *others)
            asked.set()
            return {key: NotAnswering("no answer") for key in keys}

        pause("vm-02", "saving")
        await observer.until(lambda: any(row.maybe_left_paused for row in running.rows.values()))
        monkeypatch.setattr(backend, "statuses", no_answer)
        for _ in range(2):
            asked.clear()
            await asyncio.wait_for(asked.wait(), 10)
        assert not any(row.left_paused for row in running.rows.values())
        silent = False
        await observer.until(lambda: any(row.left_paused for row in running.rows.values()))
