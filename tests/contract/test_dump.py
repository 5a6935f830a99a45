"""Starting a dump that outlives its asker, and what becomes of it."""

from __future__ import annotations

import re

import pytest

from backend.base import Backend
from backend.dump_request import FORMAT_NAMES, DumpFlags, DumpFormat, DumpRequest
from backend.errors import DomainBusy, DomainNotRunning, FileExists, NoSuchDomain, NotSupported
from backend.model import DomainState, JobOperation
from backend.observing.wait import wait
from backend.outcome import Evidence, Verdict
from backend.records.journal import Journal
from backend.records.record import RecordState
from backend.running.start import start_dump
from tests.contract.harness import Harness
from tests.contract.steps import dump_of, job_seen
from tests.language import in_english


@pytest.mark.parametrize("format_name", FORMAT_NAMES)
async def test_a_dump_in_each_format(harness: Harness, backend: Backend, format_name: str) -> None:
    if backend.capabilities.formats[format_name] or format_name == "win-dmp":
        pytest.skip(f"{format_name}: {backend.capabilities.formats[format_name] or 'needs a Windows guest'}")
    domain = await harness.running("vm")
    path = harness.folder / "dump"
    record = await start_dump(backend, dump_of(domain, path, format_name))
    outcome = await wait(backend, domain, record=record)
    if "unsupported dumpformat" in outcome.error:
        pytest.skip(outcome.error)
    assert (outcome.verdict, outcome.evidence) == (Verdict.COMPLETED, Evidence.RESULT), outcome
    assert (outcome.path, outcome.format) == (str(path), format_name)
    assert harness.is_dump(path, format_name)


@pytest.mark.parametrize("format_name", ["kdump-zlib", "kdump-lzo", "kdump-snappy"])
async def test_a_format_that_the_host_lacks_is_named(harness: Harness, backend: Backend, format_name: str) -> None:
    domain = await harness.running("vm")
    try:
        record = await start_dump(backend, dump_of(domain, harness.folder / "dump", format_name))
        reason = (await wait(backend, domain, record=record)).error
    except NotSupported as refused:
        reason = refused.message
    assert not reason or format_name in reason


async def test_a_started_dump_is_running_or_over(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    async with harness.held(harness.folder / "dump"):
        record = await start_dump(backend, dump_of(domain, harness.folder / "dump"))
        assert record.state is RecordState.RUNNING
        assert await backend.job(domain) is not None


async def test_where_a_running_dump_comes_from_is_its_file_or_unknown(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    path = harness.folder / "dump"
    assert (await backend.job_origin(domain, JobOperation.DUMP)).path == ""
    async with harness.held(path):
        await start_dump(backend, dump_of(domain, path))
        await job_seen(backend, domain)
        assert (await backend.job_origin(domain, JobOperation.DUMP)).path in (str(path), "")


async def test_the_domain_runs_again_afterwards(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    record = await start_dump(backend, dump_of(domain, harness.folder / "dump"))
    await wait(backend, domain, record=record)
    assert (await backend.find("vm")).state is DomainState.RUNNING


async def test_a_paused_domain_is_dumped_and_stays_paused(harness: Harness, backend: Backend) -> None:
    if reason := harness.lacks("paused"):
        pytest.skip(reason)
    domain = await harness.running("vm", paused=True)
    record = await start_dump(backend, dump_of(domain, harness.folder / "dump"))
    outcome = await wait(backend, domain, record=record)
    assert outcome.verdict is Verdict.COMPLETED
    assert (await backend.find("vm")).state is DomainState.PAUSED


async def test_a_crash_dump_stops_the_domain(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    flags = DumpFlags.MEMORY_ONLY | DumpFlags.CRASH
    record = await start_dump(backend, DumpRequest(domain, str(harness.folder / "dump"), DumpFormat.RAW, flags))
    outcome = await wait(backend, domain, record=record)
    assert (outcome.verdict, outcome.evidence) == (Verdict.COMPLETED, Evidence.RESULT)
    with pytest.raises((DomainNotRunning, NoSuchDomain)):
        await backend.job(domain)


async def test_an_existing_file_is_refused_and_kept(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    path = harness.folder / "dump"
    path.write_text("precious")
    with pytest.raises(FileExists):
        await start_dump(backend, dump_of(domain, path))
    assert path.read_text() == "precious"
    assert (await backend.find("vm")).state is DomainState.RUNNING


async def test_an_existing_file_is_overwritten_if_asked(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    path = harness.folder / "dump"
    path.write_text("worthless")
    path.chmod(0o666)
    record = await start_dump(backend, dump_of(domain, path), overwrite=True)
    assert (await wait(backend, domain, record=record)).verdict is Verdict.COMPLETED
    assert harness.is_dump(path, "elf")


async def test_a_domain_that_is_off_cannot_be_dumped(harness: Harness, backend: Backend) -> None:
    domain = await harness.shut_off("vm")
    with pytest.raises(DomainNotRunning):
        await start_dump(backend, dump_of(domain, harness.folder / "dump"))


async def test_a_domain_has_one_job_at_a_time(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    async with harness.held(harness.folder / "first"):
        await harness.foreign_dump(domain, harness.folder / "first")
        await job_seen(backend, domain)
        with pytest.raises(DomainBusy):
            await start_dump(backend, dump_of(domain, harness.folder / "second"))
    assert not (harness.folder / "second").exists()


async def test_a_full_disk_fails_the_dump_with_its_reason(harness: Harness) -> None:
    uri, path = await harness.full_disk()
    domain = await harness.running("vm")
    async with harness.backend(uri=uri) as backend:
        record = await start_dump(backend, dump_of(domain, path))
        outcome = await wait(backend, domain, record=record)
    assert (outcome.verdict, outcome.evidence) == (Verdict.FAILED, Evidence.RESULT), outcome
    assert "No space left on device" in outcome.error
    assert not path.exists()


async def test_a_stream_into_a_full_disk_fails_too(harness: Harness) -> None:
    uri, path = await harness.full_disk()
    domain = await harness.running("vm", filled=True)
    async with harness.backend(uri=uri) as backend:
        record = await start_dump(backend, dump_of(domain, path, "raw"))
        outcome = await wait(backend, domain, record=record)
    assert (outcome.verdict, outcome.evidence) == (Verdict.FAILED, Evidence.RESULT), outcome


async def test_a_target_that_cannot_be_opened_fails_the_dump(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    record = await start_dump(backend, dump_of(domain, harness.folder / "no such folder" / "dump"))
    outcome = await wait(backend, domain, record=record)
    assert outcome.verdict is Verdict.FAILED
    assert re.search(in_english("No such file or directory"), outcome.error)


async def test_the_journal_has_how_it_went(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    started = await start_dump(backend, dump_of(domain, harness.folder / "dump", "kdump-zlib"))
    await wait(backend, domain, record=started)
    (record,) = Journal().history(uuid=domain.uuid)
    assert (record.id, record.state, record.uri) == (started.id, RecordState.COMPLETED, backend.uri)
    assert record.ended is not None and record.ended >= record.started
    assert record.bytes == (harness.folder / "dump").stat().st_size
