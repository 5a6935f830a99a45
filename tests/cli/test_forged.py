"""Records that somebody else has written into a domain's metadata, to make a failed dump look good."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace
from pathlib import Path
from unittest.mock import AsyncMock, patch

import pytest

from backend.base import Backend
from backend.errors import BackendError
from backend.model import DomainKey
from backend.observing.wait import wait
from backend.outcome import Evidence, Verdict
from backend.records import process
from backend.records.record import JobRecord, RecordState
from tests.cli.conftest import VirtJobs
from tests.contract.harness import QUICK_MIB, Harness
from tests.contract.steps import PATIENCE, dump_of, eventually, job_gone
from tui.cli import exits
from tui.cli.exits import Exit

MIB = 512


def forged(domain: DomainKey, path: Path, uri: str) -> JobRecord:
    """What claims that somebody elsewhere asked for the domain's dump, which runs."""
    record = process.new_record(dump_of(domain, path), uri)
    return replace(
        record, user="mallory@elsewhere", state=RecordState.RUNNING, pid=1, pid_start="x", started=time.time()
    )


async def claimed(backend: Backend, record: JobRecord, state: RecordState) -> None:
    """Claim that it ended like that, as soon as the hypervisor lets one write it."""
    claim = replace(record, state=state, ended=time.time())

    async def publish() -> bool:
        with contextlib.suppress(BackendError):
            await backend.publish(claim)
            return True
        return False

    await eventually(publish)


async def test_a_dump_that_failed_is_never_completed_by_what_its_shared_record_claims(harness: Harness) -> None:
    uri, path = await harness.full_disk(MIB // 2)
    domain = await harness.running("vm", MIB, filled=True)
    async with harness.backend(uri=uri) as mallory:
        record = forged(domain, path, uri)
        await mallory.publish(record)
        attached = asyncio.Event()
        async with (
            harness.held(path) as release,
            harness.backend(uri=uri) as backend,
            asyncio.timeout(PATIENCE),
        ):
            await harness.foreign_dump(domain, path, uri=uri)
            waiting = asyncio.create_task(wait(backend, domain, on_progress=lambda stats: attached.set()))
            await attached.wait()
            await release()
            await claimed(mallory, record, RecordState.COMPLETED)
            outcome = await waiting
        assert (outcome.verdict, outcome.evidence) == (Verdict.UNPROVEN, Evidence.SHARED), outcome
        for trust_qemu in (False, True):
            assert exits.of_outcome(outcome, trust_qemu=trust_qemu) is Exit.UNPROVEN
        # Both sides are named: the claim, and what was seen.
        assert "mallory@elsewhere says: The dump call returned success. But: " in outcome.detail
        assert outcome.detail.split("But: ")[1]
        assert not await harness.foreign_succeeded()
        last = await VirtJobs(uri)("wait", "vm", "--last", "--json")
        assert (last.code, last.objects[-1]["evidence"]) == (Exit.UNPROVEN, "shared record"), last
        assert "mallory@elsewhere" in last.objects[-1]["detail"]


async def test_a_dump_that_succeeded_did_not_fail_though_its_file_was_not_found_while_it_ran(harness: Harness) -> None:
    path = harness.folder / "dump"
    domain = await harness.running("vm", MIB, filled=True)
    async with harness.backend() as mallory, harness.backend(readonly=True) as backend:
        record = forged(domain, path, harness.uri)
        await mallory.publish(record)
        with patch.object(backend, "dump_target", AsyncMock(return_value=None)):
            async with harness.held(path), asyncio.timeout(PATIENCE):
                await harness.foreign_dump(domain, path)
                attached = asyncio.Event()
                waiting = asyncio.create_task(wait(backend, domain, on_progress=lambda stats: attached.set()))
                await attached.wait()
            await claimed(mallory, record, RecordState.FAILED)
            outcome = await asyncio.wait_for(waiting, PATIENCE)
    assert await harness.foreign_succeeded()
    assert (outcome.verdict, outcome.evidence) == (Verdict.UNPROVEN, Evidence.SHARED), outcome
    assert outcome.detail.endswith("But: Its file is whole.")


async def test_a_claim_that_there_is_nothing_to_hold_against_is_told_as_a_claim(
    harness: Harness, virt_jobs: VirtJobs, backend: Backend
) -> None:
    domain = await harness.running("vm")
    path = harness.folder / "dump"
    await harness.foreign_dump(domain, path)
    await job_gone(backend, domain)
    await backend.publish(replace(forged(domain, path, harness.uri), state=RecordState.COMPLETED, ended=time.time()))
    ended = await virt_jobs("wait", "vm")
    assert ended.code == Exit.NO_JOB
    assert "says the shared record of mallory@elsewhere" in ended.err
    ended = await virt_jobs("wait", "vm", "--last")
    assert (ended.code, "completed (evidence: shared record)" in ended.out) == (Exit.COMPLETED, True), ended


@pytest.mark.parametrize("spoil", ["cut short", "removed"])
async def test_a_claimed_dump_whose_file_says_otherwise_is_unproven(
    harness: Harness, virt_jobs: VirtJobs, backend: Backend, spoil: str
) -> None:
    domain = await harness.running("vm")
    path = harness.folder / "dump"
    await harness.foreign_dump(domain, path)
    await job_gone(backend, domain)
    if spoil == "removed":
        path.unlink()
    else:
        with path.open("r+b") as file:
            file.truncate(QUICK_MIB << 19)
    await backend.publish(replace(forged(domain, path, harness.uri), state=RecordState.COMPLETED, ended=time.time()))
    ended = await virt_jobs("wait", "vm", "--last", "--json")
    assert (ended.code, ended.objects[-1]["verdict"]) == (Exit.UNPROVEN, "unproven")
    objection = "does not exist" if spoil == "removed" else "is not whole"
    assert f"But: Its file {objection}" in ended.objects[-1]["detail"]


async def test_the_record_of_another_domain_says_nothing_of_this_one(
    harness: Harness, virt_jobs: VirtJobs, backend: Backend
) -> None:
    domain, other = await harness.running("vm"), await harness.running("other")
    claim = replace(forged(other, harness.folder / "dump", harness.uri), state=RecordState.COMPLETED, ended=time.time())
    # Published where it does not belong.
    await backend.publish(replace(claim, uuid=domain.uuid, domain_id=domain.id))
    assert (await virt_jobs("wait", "other", "--last")).code == Exit.NO_JOB
