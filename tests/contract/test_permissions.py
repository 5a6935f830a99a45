"""What a read-only connection may not do, and what anybody may."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from backend.base import Backend
from backend.errors import NotPermitted, OperationFailed
from backend.model import DomainKey, DomainState
from backend.records import process
from backend.records.journal import Journal
from backend.running.start import start_dump
from tests.contract.harness import Harness
from tests.contract.steps import dump_of
from tests.language import in_english

CALLS: dict[str, Callable[[Backend, DomainKey, Harness], Awaitable[None]]] = {
    "dump": lambda backend, domain, harness: backend.call_dump(dump_of(domain, harness.folder / "dump")),
    "abort": lambda backend, domain, harness: backend.abort(domain),
    "resume": lambda backend, domain, harness: backend.resume(domain),
    "publish": lambda backend, domain, harness: backend.publish(
        process.new_record(dump_of(domain, harness.folder / "dump"), harness.uri)
    ),
}


@pytest.mark.parametrize("call", CALLS)
async def test_a_read_only_connection_is_refused(harness: Harness, readonly: Backend, call: str) -> None:
    domain = await harness.running("vm")
    with pytest.raises(NotPermitted, match="read only access prevents") as refused:
        await CALLS[call](readonly, domain, harness)
    assert refused.value.code == 29


async def test_the_capabilities_of_a_read_only_connection_say_so(harness: Harness, readonly: Backend) -> None:
    can = readonly.capabilities
    assert can.dump and can.abort and can.resume and can.dump_events


async def test_a_dump_is_refused_before_anything_happens(harness: Harness, readonly: Backend) -> None:
    domain = await harness.running("vm")
    with pytest.raises(NotPermitted):
        await start_dump(readonly, dump_of(domain, harness.folder / "dump"))
    assert Journal().history() == []


async def test_the_capabilities_of_a_full_connection(harness: Harness, backend: Backend) -> None:
    can = backend.capabilities
    assert can.hypervisor
    assert (can.dump, can.abort, can.resume) == (None, None, None)
    assert can.formats["elf"] is None


async def test_a_paused_domain_resumes(harness: Harness, backend: Backend) -> None:
    if reason := harness.lacks("paused"):
        pytest.skip(reason)
    domain = await harness.running("vm", paused=True)
    await backend.resume(domain)
    assert (await backend.find("vm")).state is DomainState.RUNNING


async def test_a_running_domain_cannot_be_resumed(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    with pytest.raises(OperationFailed, match=in_english("already running")):
        await backend.resume(domain)
