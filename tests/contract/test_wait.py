"""Attaching to a job, from anywhere, and learning the truth about its end."""

from __future__ import annotations

import asyncio
import os
import signal
from unittest.mock import patch

import pytest

from backend.base import Backend
from backend.errors import DomainNotRunning, JobMismatch, NoJob, NoSuchDomain, WaitTimeout
from backend.job_stats import JobStats
from backend.model import DomainKey, JobOperation
from backend.observing.wait import wait
from backend.outcome import Evidence, Outcome, Verdict
from backend.running.start import start_dump
from tests.contract.harness import LONG_MIB, Harness
from tests.contract.steps import attach, dump_of, job_gone, job_seen


def honest(outcome: Outcome) -> bool:
    """Whether an outcome claims no more than is known without the call's result: its file at best."""
    return outcome.verdict is Verdict.UNPROVEN or outcome.evidence is Evidence.FILE


@pytest.mark.parametrize("readonly", [False, True], ids=["read-write", "read-only"])
async def test_another_connection_learns_the_result(harness: Harness, backend: Backend, readonly: bool) -> None:
    domain = await harness.running("vm")
    async with harness.held(harness.folder / "dump") as release:
        await start_dump(backend, dump_of(domain, harness.folder / "dump"))
        async with harness.backend(readonly) as other:
            waiting = await attach(other, (await other.find("vm")).key)
            await release()
            outcome = await waiting
    assert (outcome.verdict, outcome.evidence) == (Verdict.COMPLETED, Evidence.RESULT), outcome


async def test_the_result_outlives_whoever_asked(harness: Harness, readonly: Backend) -> None:
    domain = await harness.running("vm")
    async with harness.held(harness.folder / "dump") as release:
        async with harness.backend() as asker:
            await start_dump(asker, dump_of(domain, harness.folder / "dump"))
        waiting = await attach(readonly, domain)
        await release()
        outcome = await waiting
    assert (outcome.verdict, outcome.evidence) == (Verdict.COMPLETED, Evidence.RESULT), outcome


async def test_progress_is_reported_and_never_falls(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm", LONG_MIB)
    samples: list[JobStats] = []
    async with harness.held(harness.folder / "dump") as release:
        record = await start_dump(backend, dump_of(domain, harness.folder / "dump"))
        waiting = await attach(backend, domain, samples.append, record=record)
        await release()
        await waiting
    processed = [sample.processed for sample in samples]
    assert len(set(processed)) > 2
    assert processed == sorted(processed)


async def test_someone_elses_dump_is_proved_by_its_file(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    path = harness.folder / "dump"
    async with harness.held(path) as release:
        await harness.foreign_dump(domain, path)
        waiting = await attach(backend, domain)
        await release()
        outcome = await waiting
    assert outcome.operation is JobOperation.DUMP
    assert (outcome.verdict, outcome.evidence, outcome.path) == (Verdict.COMPLETED, Evidence.FILE, str(path)), outcome


async def test_someone_elses_dump_whose_file_cannot_be_seen_is_unproven(harness: Harness, readonly: Backend) -> None:
    domain = await harness.running("vm")
    with (
        patch.object(type(readonly), "dump_target", Backend.dump_target),
        patch.object(type(readonly), "last_dump_target", Backend.last_dump_target),
    ):
        async with harness.held(harness.folder / "dump") as release:
            await harness.foreign_dump(domain, harness.folder / "dump")
            waiting = await attach(readonly, domain, holds_file=False)
            await release()
            outcome = await waiting
    assert outcome.verdict is Verdict.UNPROVEN, outcome


async def test_the_wrong_operation_is_a_mismatch_that_names_both(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    async with harness.held(harness.folder / "dump"):
        await harness.foreign_dump(domain, harness.folder / "dump")
        await job_seen(backend, domain)
        with pytest.raises(JobMismatch, match="want save, have dump"):
            await wait(backend, domain, JobOperation.SAVE)


async def test_any_operation_takes_what_is_there(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    async with harness.held(harness.folder / "dump") as release:
        await start_dump(backend, dump_of(domain, harness.folder / "dump"))
        waiting = await attach(backend, domain, operation=None)
        await release()
        assert (await waiting).operation is JobOperation.DUMP


async def test_without_a_job_there_is_nothing_to_wait_for(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    with pytest.raises(NoJob):
        await wait(backend, domain)


async def test_without_a_job_the_last_ones_end_is_told(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    record = await start_dump(backend, dump_of(domain, harness.folder / "dump"))
    await wait(backend, domain, record=record)
    with pytest.raises(NoJob, match="last known dump completed"):
        await wait(backend, domain)


async def test_a_domain_that_is_off_has_nothing_to_wait_for(harness: Harness, backend: Backend) -> None:
    domain = await harness.shut_off("vm")
    with pytest.raises(DomainNotRunning):
        await wait(backend, domain)


async def test_an_unknown_domain_is_none(harness: Harness, backend: Backend) -> None:
    with pytest.raises(NoSuchDomain):
        await wait(backend, DomainKey("11111111-2222-3333-4444-555555555555", 12345, "ghost"))


async def test_a_timeout_leaves_the_job_going(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    async with harness.held(harness.folder / "dump") as release:
        record = await start_dump(backend, dump_of(domain, harness.folder / "dump"))
        with pytest.raises(WaitTimeout):
            await wait(backend, domain, timeout=0.2)
        assert await backend.job(domain) is not None
        await release()
        assert (await wait(backend, domain, record=record)).verdict is Verdict.COMPLETED


async def test_a_cancelled_wait_leaves_the_job_going(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    async with harness.held(harness.folder / "dump") as release:
        record = await start_dump(backend, dump_of(domain, harness.folder / "dump"))
        waiting = await attach(backend, domain)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await release()
        assert (await wait(backend, domain, record=record)).verdict is Verdict.COMPLETED


async def test_a_domain_destroyed_under_the_job_fails_it(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    async with harness.held(harness.folder / "dump") as release:
        record = await start_dump(backend, dump_of(domain, harness.folder / "dump"))
        await job_seen(backend, domain)
        await harness.destroy(domain)
        await release()
        assert (await wait(backend, domain, record=record)).verdict is Verdict.FAILED


async def test_a_domain_destroyed_under_someone_elses_job_fails_it(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    async with harness.held(harness.folder / "dump") as release:
        await harness.foreign_dump(domain, harness.folder / "dump")
        waiting = await attach(backend, domain)
        await harness.destroy(domain)
        await release()
        outcome = await waiting
    # Where the dump may have been done when the domain stopped, that alone proves nothing; its file does.
    assert outcome.verdict is Verdict.FAILED, outcome
    assert outcome.evidence in (Evidence.LIFECYCLE, Evidence.FILE), outcome


async def test_a_killed_runner_takes_the_result_with_it(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    async with harness.held(harness.folder / "dump") as release:
        record = await start_dump(backend, dump_of(domain, harness.folder / "dump"))
        os.kill(record.pid, signal.SIGKILL)
        waiting = asyncio.create_task(wait(backend, domain, record=record))
        await release()
        outcome = await waiting
    assert honest(outcome), outcome


async def test_a_job_that_follows_at_once_is_another_one(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    elapsed: list[int] = []

    async def dump_twice() -> None:
        async with harness.backend() as other:
            for name in ("first", "second"):
                await other.call_dump(dump_of(domain, harness.folder / name))

    # The second one is still there when whoever waits for the first is done.
    async with harness.held(harness.folder / "first") as release, harness.held(harness.folder / "second"):
        dumping = asyncio.create_task(dump_twice())
        await job_seen(backend, domain)
        waiting = await attach(backend, domain, lambda stats: elapsed.append(stats.time_elapsed), holds_file=False)
        await release()
        outcome = await waiting
    assert honest(outcome), outcome
    assert elapsed == sorted(elapsed)
    await dumping


async def test_a_result_is_there_for_whoever_comes_late(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    record = await start_dump(backend, dump_of(domain, harness.folder / "dump"))
    await job_gone(backend, domain)
    await wait(backend, domain, record=record)
    outcome = await wait(backend, domain, record=record)
    assert (outcome.verdict, outcome.evidence) == (Verdict.COMPLETED, Evidence.RESULT)
