"""What `fail=` does to dumps, and what the environment pretends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.dump_request import DumpFlags, DumpRequest
from backend.errors import DomainNotRunning, NoConnection, NotAnswering, NotSupported, OperationFailed
from backend.events import ConnectionEvent, LifecycleEvent
from backend.job_stats import JobType
from backend.model import BlockOperation, DiskKey, DomainKey, DomainState, JobOperation
from backend.observing.wait import wait
from backend.outcome import Evidence, Verdict
from backend.records.record import JobRecord
from backend.simulator import SimulatorBackend
from backend.simulator.plans.domain_jobs import HANG
from backend.simulator.pretend import VARIABLE as TEST_DRIVER
from backend.simulator.pretend import PretendingBackend
from tests.unit.simulator.conftest import Clock, Open
from tests.unit.simulator.test_backend import LENGTH, URI, begun, first, request


@pytest.mark.parametrize("flags", [DumpFlags.MEMORY_ONLY, DumpFlags.NONE], ids=["elf", "raw"])
async def test_a_full_disk(open_simulator: Open, clock: Clock, tmp_path: Path, flags: DumpFlags) -> None:
    backend, path = await open_simulator(f"{URI}&fail=disk-full"), tmp_path / "dump"
    call = await begun(backend, await request(backend, path, flags))
    clock.advance(LENGTH * 2)
    with pytest.raises(OperationFailed, match=r"libvirt_iohelper: failure with .*No space left on device") as failed:
        await call
    assert failed.value.code == 9
    assert not path.exists()
    assert (await first(backend)).state is DomainState.RUNNING


@pytest.mark.parametrize(("fail", "detail"), [("destroyed", "destroyed"), ("crash", "failed")])
async def test_the_domain_dies(open_simulator: Open, clock: Clock, tmp_path: Path, fail: str, detail: str) -> None:
    backend = await open_simulator(f"{URI}&fail={fail}")
    async with backend.events() as events:
        call = await begun(backend, await request(backend, tmp_path / "dump"))
        clock.advance(LENGTH)
        with pytest.raises(OperationFailed, match="domain is not running"):
            await call
        async with asyncio.timeout(30):
            told = [await anext(events) for _ in range(2)]
    assert isinstance(told[1], LifecycleEvent) and told[1].detail == detail
    assert (await first(backend)).state is DomainState.SHUTOFF


async def test_a_hanging_domain_is_not_answering_and_others_are(open_simulator: Open, tmp_path: Path) -> None:
    backend = await open_simulator(f"{URI}&fail=hang")
    hung, other, _ = (domain.key for domain in await backend.domains())
    await backend.begin_dump(DumpRequest(hung, str(tmp_path / "dump")))
    with pytest.raises(NotAnswering):
        await backend.job(hung)
    assert await backend.job(other) is None
    found = await backend.jobs([hung, other])
    assert isinstance(found[hung], NotAnswering) and found[other] is None
    assert [domain.answering for domain in await backend.domains()] == [False, True, True]


async def test_a_hanging_domain_takes_no_second_dump(open_simulator: Open, tmp_path: Path) -> None:
    backend = await open_simulator(f"{URI}&fail=hang")
    await backend.begin_dump(await request(backend, tmp_path / "dump"))
    with pytest.raises(NotAnswering):
        await backend.call_dump(await request(backend, tmp_path / "another"))


async def test_a_hang_is_over_one_day(open_simulator: Open, clock: Clock, tmp_path: Path) -> None:
    backend = await open_simulator(f"{URI}&fail=hang")
    call = await begun(backend, await request(backend, tmp_path / "dump"))
    clock.advance(HANG)
    with pytest.raises(OperationFailed, match="Connection timed out"):
        await call
    assert (await first(backend)).answering
    assert await backend.job((await first(backend)).key) is None


async def test_a_lost_connection_comes_back_and_the_dump_goes_on(
    open_simulator: Open, clock: Clock, tmp_path: Path
) -> None:
    backend = await open_simulator(f"{URI}&fail=disconnect")
    key = (await first(backend)).key
    async with backend.events() as events, asyncio.timeout(30):
        call = await begun(backend, await request(backend, tmp_path / "dump"))
        assert isinstance(await anext(events), LifecycleEvent)
        clock.advance(LENGTH * 0.4)
        assert isinstance(lost := await anext(events), ConnectionEvent) and not lost.connected
        with pytest.raises(NoConnection):
            await backend.job(key)
        clock.advance(LENGTH * 0.4)
        assert isinstance(back := await anext(events), ConnectionEvent) and back.connected
    stats = await backend.job(key)
    assert stats is not None and stats.processed > 0
    clock.advance(LENGTH)
    await asyncio.wait_for(call, 30)


async def test_latency_is_that_of_every_call(open_simulator: Open) -> None:
    backend = await open_simulator("sim:///slow?domains=1&latency=30")
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await backend.domains()
    assert loop.time() - begun >= 0.03


@pytest.fixture
async def pretending(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SimulatorBackend]:
    monkeypatch.setenv(TEST_DRIVER, "0")
    async with PretendingBackend("sim:///demo", clock=clock) as backend:
        yield backend


async def test_the_environment_pretends_a_dump_on_every_running_domain(pretending: SimulatorBackend) -> None:
    domains = await pretending.domains()
    found = await pretending.jobs([domain.key for domain in domains])
    for domain in domains:
        stats = found[domain.key]
        if domain.active:
            assert stats == await pretending.job(domain.key)
            assert not isinstance(stats, Exception) and stats is not None
            assert (stats.type, stats.operation) == (JobType.UNBOUNDED, JobOperation.DUMP)
            assert (stats.time_elapsed, stats.memory_total, stats.memory_processed) == (0, 0, 0)
        else:
            assert isinstance(stats, DomainNotRunning)


async def test_zero_is_success_at_once(pretending: SimulatorBackend) -> None:
    assert (await wait(pretending, (await first(pretending)).key)).verdict is Verdict.COMPLETED


@pytest.mark.parametrize("value", ["1", "-1", "", "zero"])
async def test_anything_else_is_a_fake_failure(
    pretending: SimulatorBackend, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv(TEST_DRIVER, value)
    outcome = await wait(pretending, (await first(pretending)).key)
    assert (outcome.verdict, outcome.error) == (Verdict.FAILED, "dump fake fail")


async def test_other_operations_are_not_supported_then(pretending: SimulatorBackend) -> None:
    with pytest.raises(NotSupported, match="waiting for job type 2 not supported"):
        await wait(pretending, (await first(pretending)).key, JobOperation.SAVE)


class EndsWhileAttaching(SimulatorBackend):
    """Between the first look at the job and the second one, it is over."""

    async def record(self, domain: DomainKey) -> JobRecord | None:
        assert isinstance(self._clock, Clock)
        self._clock.advance(LENGTH)
        return await super().record(domain)


async def test_who_attaches_while_a_dump_fails_learns_that_it_did(clock: Clock, tmp_path: Path) -> None:
    async with EndsWhileAttaching(f"{URI}&fail=disk-full", clock=clock) as backend:
        domain = (await first(backend)).key
        await backend.begin_dump(DumpRequest(domain, str(tmp_path / "dump")))
        with pytest.raises(OperationFailed, match="dump query failed"):
            while await backend.job(domain) is not None:
                clock.advance(LENGTH / 100)
        outcome = await asyncio.wait_for(wait(backend, domain), 30)
        assert (outcome.verdict, outcome.evidence) == (Verdict.FAILED, Evidence.STATS), outcome


async def test_the_jobs_of_disks_are_not_pretended(pretending: SimulatorBackend) -> None:
    disk = DiskKey((await pretending.find("files-01")).key, "vda")
    stats = await pretending.job(disk)
    assert stats is not None and stats.operation is BlockOperation.PULL
    assert await pretending.jobs([disk]) == {disk: stats}
