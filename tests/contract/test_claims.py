"""What a witness tells of a domain's last jobs through the hypervisor."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from backend.base import Backend
from backend.errors import BackendError, DomainBusy, NotPermitted
from backend.events import ClaimsEvent
from backend.model import DomainKey, JobOperation
from backend.observing.claims import ClaimPublisher, claimed_jobs
from backend.outcome import Evidence, Verdict
from backend.records import process
from backend.records.entry import JobEntry
from backend.records.history import History
from tests.contract.harness import Harness
from tests.contract.steps import PATIENCE, dump_of, eventually, job_seen


@pytest.fixture(autouse=True)
def metadata(harness: Harness) -> None:
    if reason := harness.lacks("claims"):
        pytest.skip(reason)


def entry(domain: DomainKey, number: int = 1, verdict: Verdict = Verdict.COMPLETED) -> JobEntry:
    """A save that a witness has seen."""
    return JobEntry(
        id=f"{number}",
        uri="sim:///elsewhere",
        uuid=domain.uuid,
        domain=domain.name,
        domain_id=domain.id,
        operation=JobOperation.SAVE,
        disk=None,
        began=1000.0 * number,
        exact=True,
        observer="root@hv3 (witness)",
        ended=1000.0 * number + 10.0,
        verdict=verdict,
        evidence=Evidence.LIFECYCLE,
        detail="The domain stopped, saved.",
    )


async def test_a_domain_has_no_claims_at_first(harness: Harness, backend: Backend) -> None:
    assert list(await backend.claims(await harness.running("vm"))) == []


async def test_claims_are_read_by_everybody(harness: Harness, backend: Backend, readonly: Backend) -> None:
    domain = await harness.running("vm")
    claims = [entry(domain, 2), entry(domain, 1, Verdict.FAILED)]
    await backend.publish_claims(domain, claims)
    assert list(await readonly.claims(domain)) == list(await backend.claims(domain)) == claims


async def test_claims_and_the_record_of_a_dump_do_not_replace_each_other(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    record = process.running(process.new_record(dump_of(domain, harness.folder / "dump"), harness.uri))
    await backend.publish(record)
    await backend.publish_claims(domain, [entry(domain)])
    await backend.publish(record)
    assert await backend.record(domain) == record
    assert list(await backend.claims(domain)) == [entry(domain)]


async def test_claims_that_change_are_told(harness: Harness, backend: Backend, readonly: Backend) -> None:
    domain = await harness.running("vm")
    async with readonly.events() as events, asyncio.timeout(PATIENCE):
        await backend.publish_claims(domain, [entry(domain)])
        async for event in events:
            if isinstance(event, ClaimsEvent) and event.domain.uuid == domain.uuid:
                break


async def test_a_readonly_connection_publishes_none(harness: Harness, readonly: Backend) -> None:
    domain = await harness.running("vm")
    with pytest.raises(NotPermitted):
        await readonly.publish_claims(domain, [entry(domain)])


async def test_none_are_published_while_a_job_runs(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    async with harness.held(harness.folder / "dump"):
        dump = asyncio.create_task(backend.call_dump(dump_of(domain, harness.folder / "dump")))
        await job_seen(backend, domain)
        with pytest.raises(DomainBusy):
            await backend.publish_claims(domain, [entry(domain)])
    await dump


async def test_a_domain_that_is_unknown_has_none(harness: Harness, backend: Backend) -> None:
    domain = replace(await harness.running("vm"), uuid="11111111-2222-3333-4444-555555555555")
    with pytest.raises(BackendError):
        await backend.publish_claims(domain, [entry(domain)])


async def test_a_witness_puts_right_what_somebody_else_claims(
    harness: Harness, backend: Backend, tmp_path: Path
) -> None:
    domain = await harness.running("vm")
    history = History(tmp_path / "history.db")
    true = history.keep(entry(domain))
    forged = entry(domain, 1, Verdict.FAILED)
    publisher = ClaimPublisher(backend, history)
    running = asyncio.create_task(publisher.run())
    try:
        publisher.tell(true)

        async def told() -> bool:
            return list(await backend.claims(domain)) == [true]

        await eventually(told)
        async with harness.backend() as other:
            await other.publish_claims(domain, [forged, entry(domain, 5)])
        await eventually(told)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_reader_gets_them_as_claims_and_only_of_what_it_does_not_know(
    harness: Harness, backend: Backend, readonly: Backend
) -> None:
    domain = await harness.running("vm")
    await backend.publish_claims(domain, [entry(domain, 2), entry(domain, 1, Verdict.FAILED)])
    known = entry(domain, 1)
    (claim,) = await claimed_jobs(readonly, domain, [known], trusted=False)
    assert (claim.id, claim.verdict, claim.evidence, claim.uri) == ("2", "completed", Evidence.SHARED, readonly.uri)
    assert "root@hv3 (witness)" in claim.detail
    assert await claimed_jobs(readonly, domain, [], trusted=True) == []
