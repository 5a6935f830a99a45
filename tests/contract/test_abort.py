"""Aborting a job: only the result says whether it was."""

from __future__ import annotations

import pytest

from backend.base import Backend
from backend.errors import DomainNotRunning, NoJob, NotSupported
from backend.model import DomainState
from backend.observing.wait import wait
from backend.outcome import Evidence, Verdict
from backend.records.journal import Journal
from backend.records.record import RecordState
from backend.running.start import start_dump
from tests.contract.harness import Harness
from tests.contract.steps import dump_of, job_seen
from tests.language import in_english


async def test_an_aborted_stream_is_cancelled_and_its_file_gone(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm", filled=True)
    path = harness.folder / "dump"
    async with harness.held(path) as release:
        record = await start_dump(backend, dump_of(domain, path, "raw"))
        await job_seen(backend, domain)
        await backend.abort(domain)
        await release()
        outcome = await wait(backend, domain, record=record)
    assert (outcome.verdict, outcome.evidence) == (Verdict.CANCELLED, Evidence.RESULT), outcome
    assert not path.exists()
    assert (await backend.find("vm")).state is DomainState.RUNNING


async def test_the_abort_is_in_the_journal_with_its_code(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm", filled=True)
    async with harness.held(harness.folder / "dump") as release:
        record = await start_dump(backend, dump_of(domain, harness.folder / "dump", "raw"))
        await job_seen(backend, domain)
        await backend.abort(domain)
        await release()
        await wait(backend, domain, record=record)
    found = Journal().read(record.id)
    assert found is not None
    assert (found.state, found.code) == (RecordState.CANCELLED, 78)


async def test_a_memory_only_dump_cannot_be_aborted(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    async with harness.held(harness.folder / "dump") as release:
        record = await start_dump(backend, dump_of(domain, harness.folder / "dump"))
        with pytest.raises(NotSupported, match=in_english("cannot abort memory-only dump")) as refused:
            await backend.abort(domain)
        assert refused.value.code == 55
        await release()
        assert (await wait(backend, domain, record=record)).verdict is Verdict.COMPLETED


async def test_without_a_job_there_is_nothing_to_abort(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    with pytest.raises(NoJob):
        await backend.abort(domain)


async def test_a_domain_that_is_off_has_nothing_to_abort(harness: Harness, backend: Backend) -> None:
    domain = await harness.shut_off("vm")
    with pytest.raises(DomainNotRunning):
        await backend.abort(domain)
