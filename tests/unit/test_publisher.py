"""The final record of a dump is the one that stays, even if the hypervisor carries out an earlier publication late."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from backend.dump_request import DumpRequest
from backend.errors import NotAnswering
from backend.records import process
from backend.records.journal import Journal
from backend.records.record import JobRecord, RecordState
from backend.running import publisher, runner
from backend.simulator import SimulatorBackend
from tests.contract.steps import PATIENCE

URI = "sim:///published?domains=1&jobs=0&memory=1"


class Slow(SimulatorBackend):
    """Abandons its first publication, which is carried out when `carry_out` is set."""

    def __init__(self, uri: str, readonly: bool = False) -> None:
        super().__init__(uri, readonly)
        self.published: list[RecordState] = []
        self.carry_out = asyncio.Event()
        self.late: asyncio.Task[None] | None = None

    async def publish(self, record: JobRecord) -> None:
        self.published.append(record.state)
        if self.late is None:
            self.late = asyncio.create_task(self._carry_out(record))
            raise NotAnswering("the domain is locked")
        await super().publish(record)
        self.carry_out.set()  # The straggler comes right after the final one.

    async def _carry_out(self, record: JobRecord) -> None:
        await self.carry_out.wait()
        await super().publish(record)


async def test_a_publication_that_is_carried_out_late_does_not_replace_the_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Slow] = []

    def open_slow(uri: str) -> Slow:
        opened.append(Slow(uri))
        return opened[-1]

    monkeypatch.setattr(runner, "open_backend", open_slow)
    async with SimulatorBackend(URI) as backend:
        domain = (await backend.domains())[0]
        record = process.new_record(DumpRequest(domain.key, str(tmp_path / "core")), URI)
        Journal().write(record)
        await asyncio.wait_for(runner.run(record.id, Journal()), PATIENCE)
        shared = await backend.record(domain.key)
    assert shared is not None and shared.state is RecordState.COMPLETED
    assert opened[0].published == [RecordState.RUNNING, RecordState.COMPLETED, RecordState.COMPLETED]


async def test_a_publication_that_is_never_carried_out_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(publisher, "LATEST", 0.05)
    async with Slow(URI) as backend:
        domain = (await backend.domains())[0]
        record = process.running(process.new_record(DumpRequest(domain.key, "/core"), URI))
        share = publisher.Publisher(backend)
        await share.publish(record)
        assert backend.late is not None
        backend.late.cancel()
        await asyncio.wait_for(share.publish_result(replace(record, state=RecordState.FAILED)), PATIENCE)
        shared = await backend.record(domain.key)
    assert shared is not None and shared.state is RecordState.FAILED
