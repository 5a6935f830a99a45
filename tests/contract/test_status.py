"""What a backend says of a domain's state and its job together."""

from __future__ import annotations

import pytest

from backend.base import Backend
from backend.dump_request import DumpFlags, DumpFormat
from backend.errors import NoSuchDomain
from backend.job_stats import JobStats
from backend.model import DomainKey, DomainState, JobOperation
from backend.status import Status, StatusAnswer
from tests.contract.harness import Harness
from tests.contract.steps import eventually


async def status_of(backend: Backend, domain: DomainKey) -> Status:
    told: dict[DomainKey, StatusAnswer] = {}
    answers = await backend.statuses([domain], told.__setitem__)
    assert answers == told
    status = answers[domain]
    assert isinstance(status, Status)
    return status


async def test_an_idle_domain_runs_and_has_no_job(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm")
    status = await status_of(backend, domain)
    assert (status.domain.key, status.domain.state, status.job) == (domain, DomainState.RUNNING, None)
    assert status.domain.name == "vm"


async def test_one_whose_dump_runs_is_paused_by_it(harness: Harness, backend: Backend) -> None:
    domain = await harness.running("vm", filled=True)
    async with harness.held(harness.folder / "dump"):
        await harness.foreign_dump(domain, harness.folder / "dump", DumpFormat.RAW, DumpFlags.MEMORY_ONLY)

        async def dumped() -> Status | None:
            status = await status_of(backend, domain)
            return status if isinstance(status.job, JobStats) else None

        status = await eventually(dumped)
    assert isinstance(status.job, JobStats)
    assert (status.job.operation, status.domain.paused_by) == (JobOperation.DUMP, "dump")

    async def ran_again() -> bool:
        status = await status_of(backend, domain)
        # Never paused by a dump that is over.
        assert status.job is not None or not status.domain.paused_by
        return status.domain.state is DomainState.RUNNING and status.job is None

    await eventually(ran_again)


async def test_one_that_is_off_has_none(harness: Harness, backend: Backend) -> None:
    domain = await harness.shut_off("vm")
    status = await status_of(backend, domain)
    assert (status.domain.state, status.domain.active, status.job) == (DomainState.SHUTOFF, False, None)


async def test_one_whose_run_is_over_is_told_as_it_is_now(harness: Harness, backend: Backend) -> None:
    if reason := harness.lacks("shut off"):
        pytest.skip(reason)
    domain = await harness.shut_off("vm")
    earlier = DomainKey(domain.uuid, 4711, domain.name)
    assert (await status_of(backend, earlier)).domain.key == domain


async def test_one_that_does_not_exist_is_an_error(backend: Backend) -> None:
    nobody = DomainKey("00000000-0000-0000-0000-000000000000", 1, "nobody")
    assert isinstance((await backend.statuses([nobody]))[nobody], NoSuchDomain)
