"""A dump's file is looked for for as long as its job runs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from backend.dump_request import DumpRequest
from backend.errors import NotAnswering
from backend.files.target import DumpTarget
from backend.job_stats import JobStats, JobType
from backend.model import DomainKey, JobOperation
from backend.observing import observers
from backend.observing.observers import Observers
from backend.records.journal import Journal
from backend.simulator import SimulatorBackend
from backend.verdicts.attachment import Attachment
from backend.verdicts.observations import FileHeld, FileUnreadable, Sampled
from tests.contract.steps import PATIENCE

URI = "sim:///observed?domains=1&jobs=0&memory=64&rate=1"
"""A dump takes a minute."""


class Late(SimulatorBackend):
    """Its dump's file cannot be seen at first."""

    refusals = 25

    async def dump_target(self, domain: DomainKey) -> DumpTarget | None:
        if self.refusals:
            self.refusals -= 1
            if self.refusals % 2:
                raise NotAnswering("a lock is held")
            return None
        return await super().dump_target(domain)


async def dumping(backend: SimulatorBackend, path: Path) -> Attachment:
    key = (await backend.domains())[0].key
    await backend.begin_dump(DumpRequest(key, str(path)))
    return Attachment(key, JobOperation.DUMP, None)


async def until_held(watching: Observers, attachment: Attachment) -> None:
    clock = asyncio.get_running_loop().time
    async with asyncio.timeout(PATIENCE):
        while not isinstance(observation := await watching.next(None), FileHeld):
            assert observation is not None
            attachment.observe(observation, clock())
            watching.adapt()


async def test_a_file_that_becomes_visible_late_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observers, "SEARCH_PACE", 0.001)
    async with Late(URI) as backend:
        attachment = await dumping(backend, tmp_path / "core")
        async with Observers(backend, attachment, backend.events(), Journal()) as watching:
            await until_held(watching, attachment)
    assert backend.refusals == 0


async def test_a_file_is_looked_for_at_once_when_it_is_about_to_be_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observers, "SEARCH_PACE", PATIENCE * 2)
    async with Late(URI) as backend:
        backend.refusals = 1
        attachment = await dumping(backend, tmp_path / "core")
        async with Observers(backend, attachment, backend.events(), Journal()) as watching:
            while backend.refusals:
                await watching.next(None)
            closing = JobStats(JobType.COMPLETED, JobOperation.DUMP, time_elapsed=1000)
            attachment.observe(Sampled(closing, 0.0), 0.0)
            watching.adapt()
            await until_held(watching, attachment)


async def test_the_pauses_between_searches_grow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float | None] = []
    timeout = asyncio.timeout

    def noted(delay: float | None) -> asyncio.Timeout:
        pauses.append(delay)
        return timeout(0)

    async with Late(URI) as backend:
        backend.refusals = 100
        attachment = await dumping(backend, tmp_path / "core")
        watching = Observers(backend, attachment, backend.events(), Journal())
        monkeypatch.setattr(asyncio, "timeout", noted)
        assert await watching._hold_file() is not None
    grown = [pause for pause in pauses if pause is not None]
    assert grown[0] == observers.SEARCH_PACE and grown[-1] == observers.SEARCH_PAUSE
    assert grown == sorted(grown)


async def test_a_file_that_cannot_be_read_in_the_end_is_reported_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observers, "SETTLING_INTERVAL", 0.001)

    class Stale(DumpTarget):
        @property
        def size(self) -> int:
            raise OSError(116, "Stale file handle")

    (tmp_path / "core").write_bytes(b"x")

    class Broken(SimulatorBackend):
        async def dump_target(self, domain: DomainKey) -> DumpTarget | None:
            return Stale.open(tmp_path / "core")

    async with Broken(URI) as backend:
        attachment = await dumping(backend, tmp_path / "dump")
        async with Observers(backend, attachment, backend.events(), Journal()) as watching:
            await until_held(watching, attachment)
            attachment.observe(Sampled(None, 0.0), 0.0)
            watching.adapt()
            reasons = []
            async with asyncio.timeout(PATIENCE):
                while len(reasons) < 2:
                    if isinstance(observation := await watching.next(None), FileUnreadable):
                        reasons.append(observation.reason)
    assert reasons == [f"cannot read {tmp_path / 'core'}: Stale file handle"] * 2
