"""What is known of a simulator's file is not read again, and is never out of date."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest

from backend.dump_request import DumpRequest
from backend.simulator import patrol
from backend.simulator.hypervisor import Hypervisor
from backend.simulator.snapshot import Situation
from tests.unit.simulator.conftest import Clock, Open
from tests.unit.simulator.test_backend import CLOSING, LENGTH, URI, first


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The uuids that each read of the file was about."""
    reads: list[list[str]] = []
    read = Hypervisor.situations

    def counted(hypervisor: Hypervisor, uuids: Iterable[str]) -> tuple[dict[str, Situation], float]:
        reads.append(list(uuids))
        return read(hypervisor, reads[-1])

    monkeypatch.setattr(Hypervisor, "situations", counted)
    return reads


async def test_a_job_is_followed_without_a_read(
    open_simulator: Open, clock: Clock, reads: list[list[str]], tmp_path: Path
) -> None:
    backend = await open_simulator(URI)
    key = (await first(backend)).key
    await backend.begin_dump(DumpRequest(key, str(tmp_path / "dump")))
    await backend.job(key)
    reads.clear()
    clock.advance(LENGTH / 2)
    stats = await backend.job(key)
    assert stats is not None and stats.processed > 0
    assert (await backend.jobs([key]))[key] == stats
    assert not reads


async def test_a_change_by_another_process_is_seen_by_the_next_call(
    open_simulator: Open, clock: Clock, tmp_path: Path
) -> None:
    backend, other = await open_simulator(URI), await open_simulator(URI)
    key, path = (await first(backend)).key, tmp_path / "dump"
    for _ in range(3):
        assert (await backend.jobs([key]))[key] is None
        assert (await first(backend)).paused_by == ""
        await other.begin_dump(DumpRequest(key, str(path)))
        assert await backend.job(key) is not None
        assert (await first(backend)).paused_by == "dump"
        clock.advance(LENGTH + CLOSING)
        await other.domains()


async def test_a_stage_that_is_due_is_applied_although_nobody_wrote(
    open_simulator: Open, clock: Clock, tmp_path: Path
) -> None:
    backend = await open_simulator(URI)
    key = (await first(backend)).key
    await backend.begin_dump(DumpRequest(key, str(tmp_path / "dump")))
    assert (await first(backend)).paused_by == "dump"
    assert await backend.job(key) is not None
    clock.advance(LENGTH + CLOSING)
    assert (await backend.jobs([key]))[key] is None
    assert (await first(backend)).paused_by == ""


async def test_the_patrol_ends_with_the_last_simulator(open_simulator: Open) -> None:
    simulators = [await open_simulator("sim:///one"), await open_simulator("sim:///another")]
    for backend in simulators:
        backend.events()
    assert asyncio.get_running_loop() in patrol._PATROLS
    for backend in simulators:
        await backend.close()
    assert asyncio.get_running_loop() not in patrol._PATROLS
