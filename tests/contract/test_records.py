"""Records that are shared through the hypervisor."""

from __future__ import annotations

import asyncio

import pytest

from backend.base import Backend
from backend.errors import BackendError
from backend.events import RecordEvent
from backend.observing.wait import wait
from backend.records import process
from backend.records.record import RecordState
from backend.running.start import start_dump
from tests.contract.harness import Harness
from tests.contract.steps import PATIENCE, dump_of, eventually


async def test_a_domain_has_no_record_at_first(harness: Harness, backend: Backend) -> None:
    assert await backend.record(await harness.running("vm")) is None


async def test_a_published_record_is_read_by_everybody(harness: Harness, backend: Backend, readonly: Backend) -> None:
    domain = await harness.running("vm")
    record = process.running(process.new_record(dump_of(domain, harness.folder / "dump"), harness.uri))
    await backend.publish(record)
    assert await readonly.record(domain) == await backend.record(domain) == record


async def test_a_record_that_changes_is_told(harness: Harness, backend: Backend, readonly: Backend) -> None:
    domain = await harness.running("vm")
    async with readonly.events() as events, asyncio.timeout(PATIENCE):
        await backend.publish(process.new_record(dump_of(domain, harness.folder / "dump"), harness.uri))
        async for event in events:
            if isinstance(event, RecordEvent) and event.domain.uuid == domain.uuid:
                break


async def test_a_dump_is_published_while_it_runs_and_after(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    async with harness.backend(readonly=True) as other:
        async with harness.held(harness.folder / "dump"):
            started = await start_dump(backend, dump_of(domain, harness.folder / "dump"))
            during = await other.record(domain)
            assert during is not None and (during.id, during.state) == (started.id, RecordState.RUNNING)
        await wait(backend, domain, record=started)

        async def over() -> bool:
            after = await other.record(domain)
            return after is not None and after.id == started.id and after.state is RecordState.COMPLETED

        await eventually(over)


async def test_nothing_is_published_for_a_domain_that_is_off(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    record = process.new_record(dump_of(domain, harness.folder / "dump"), harness.uri)
    await harness.destroy(domain)
    with pytest.raises(BackendError):
        await backend.publish(record)
