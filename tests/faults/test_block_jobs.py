"""What becomes of a wait for the job of a disk: each ending, on each hypervisor, whoever waits and since when."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from backend.base import Backend
from backend.errors import DomainBusy, JobMismatch, NoJob, WaitTimeout
from backend.job_stats import JobStats
from backend.model import BlockOperation, DiskKey, DomainKey
from backend.observing.wait import wait, wait_until_ready
from backend.outcome import Evidence, Outcome, Verdict
from backend.running.start import start_dump
from tests.contract.harness import DISK, Harness, ReleaseBlockJob
from tests.contract.steps import PATIENCE, dump_of, eventually

COPY, PULL = BlockOperation.COPY, BlockOperation.PULL
COMMIT, ACTIVE = BlockOperation.COMMIT, BlockOperation.ACTIVE_COMMIT


@pytest.fixture(autouse=True)
def has_disks(harness: Harness) -> None:
    if reason := harness.lacks("block jobs"):
        pytest.skip(reason)


@dataclass
class Scene:
    """A job of a disk that makes no headway until it is released."""

    harness: Harness
    backend: Backend
    readonly: Backend
    domain: DomainKey
    release: ReleaseBlockJob

    @property
    def disk(self) -> DiskKey:
        return DiskKey(self.domain, DISK)


@asynccontextmanager
async def scene_of(
    harness: Harness, backend: Backend, readonly: Backend, operation: BlockOperation
) -> AsyncIterator[Scene]:
    domain = await harness.with_disk("vm")
    async with harness.block_job(domain, operation) as release:
        yield Scene(harness, backend, readonly, domain, release)


async def attached(
    backend: Backend,
    domain: DomainKey,
    operation: BlockOperation | None,
    on_progress: Callable[[], object] = lambda: None,
) -> asyncio.Task[Outcome]:
    """A wait that has seen the job."""
    seen = asyncio.Event()

    def progress(stats: JobStats) -> None:
        seen.set()
        on_progress()

    waiting = asyncio.create_task(wait(backend, domain, operation, on_progress=progress))
    watching = asyncio.create_task(seen.wait())
    await asyncio.wait({waiting, watching}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    watching.cancel()
    assert seen.is_set()
    return waiting


async def until_ready(scene: Scene) -> None:
    ready = [asyncio.create_task(wait_until_ready(each, scene.disk)) for each in (scene.backend, scene.readonly)]
    await scene.release()
    async with asyncio.timeout(PATIENCE):
        assert await asyncio.gather(*ready) == [None, None]


async def pivot(scene: Scene) -> None:
    await until_ready(scene)
    await scene.backend.pivot(scene.disk)


async def abort_when_ready(scene: Scene) -> None:
    await until_ready(scene)
    await scene.backend.abort(scene.disk)


async def abort(scene: Scene) -> None:
    await scene.backend.abort(scene.disk)


async def let_go(scene: Scene) -> None:
    await scene.release()


async def destroy(scene: Scene) -> None:
    await scene.harness.destroy(scene.domain)


async def kill_qemu(scene: Scene) -> None:
    await scene.harness.crash(scene.domain)


async def kill_qemu_when_ready(scene: Scene) -> None:
    await until_ready(scene)
    await scene.harness.crash(scene.domain)


Act = Callable[[Scene], Awaitable[None]]
COMPLETED, CANCELLED = {Verdict.COMPLETED}, {Verdict.CANCELLED}
NOT_COMPLETED = {Verdict.FAILED, Verdict.CANCELLED}
"""Stopped under the job: libvirt may report the job's own end before that of the domain."""


@pytest.mark.parametrize(
    ("operation", "act", "verdicts"),
    [
        pytest.param(COPY, pivot, COMPLETED, id="copy, pivot"),
        pytest.param(COPY, abort_when_ready, CANCELLED, id="copy, aborted when ready"),
        pytest.param(COPY, abort, CANCELLED, id="copy, aborted before"),
        pytest.param(ACTIVE, pivot, COMPLETED, id="active commit, pivot"),
        pytest.param(ACTIVE, abort_when_ready, CANCELLED, id="active commit, aborted when ready"),
        pytest.param(COMMIT, let_go, COMPLETED, id="inner commit"),
        pytest.param(COMMIT, abort, CANCELLED, id="inner commit, aborted"),
        pytest.param(PULL, let_go, COMPLETED, id="pull"),
        pytest.param(PULL, abort, CANCELLED, id="pull, aborted"),
        pytest.param(COPY, destroy, NOT_COMPLETED, id="copy, destroyed"),
        pytest.param(COPY, kill_qemu, NOT_COMPLETED, id="copy, QEMU killed"),
        pytest.param(PULL, kill_qemu, NOT_COMPLETED, id="pull, QEMU killed"),
        pytest.param(COMMIT, kill_qemu, NOT_COMPLETED, id="inner commit, QEMU killed"),
        pytest.param(COPY, kill_qemu_when_ready, NOT_COMPLETED, id="copy, QEMU killed when ready"),
        pytest.param(ACTIVE, kill_qemu_when_ready, NOT_COMPLETED, id="active commit, QEMU killed when ready"),
    ],
)
async def test_every_waiter_learns_how_it_ended(
    harness: Harness,
    backend: Backend,
    readonly: Backend,
    operation: BlockOperation,
    act: Act,
    verdicts: set[Verdict],
) -> None:
    async with scene_of(harness, backend, readonly, operation) as scene:
        waits = [
            await attached(each, scene.domain, which) for each in (backend, readonly) for which in (operation, None)
        ]
        await act(scene)
        async with asyncio.timeout(PATIENCE):
            outcomes = await asyncio.gather(*waits)
    assert {outcome.verdict for outcome in outcomes} <= verdicts
    assert len({outcome.verdict for outcome in outcomes}) == 1
    for outcome in outcomes:
        assert (outcome.operation, outcome.disk) == (operation, DISK)
        assert outcome.evidence in (Evidence.JOB_EVENT, Evidence.LIFECYCLE)


@pytest.mark.parametrize("operation", [COPY, ACTIVE], ids=["copy", "active commit"])
@pytest.mark.parametrize("act", [pivot, abort_when_ready])
async def test_who_comes_once_it_is_ready_learns_it_too(
    harness: Harness, backend: Backend, readonly: Backend, act: Act, operation: BlockOperation
) -> None:
    async with scene_of(harness, backend, readonly, operation) as scene:
        await until_ready(scene)
        assert await wait_until_ready(backend, scene.disk) is None
        waits = [await attached(each, scene.domain, operation) for each in (backend, readonly)]
        await act(scene)
        async with asyncio.timeout(PATIENCE):
            outcomes = await asyncio.gather(*waits)
    expected = Verdict.COMPLETED if act is pivot else Verdict.CANCELLED
    assert [outcome.verdict for outcome in outcomes] == [expected, expected]


async def test_one_that_ends_before_it_is_ready_is_told(harness: Harness, backend: Backend, readonly: Backend) -> None:
    async with scene_of(harness, backend, readonly, COPY) as scene:
        waiting = asyncio.create_task(wait_until_ready(readonly, scene.disk))
        await attached(backend, scene.domain, COPY)
        await abort(scene)
        async with asyncio.timeout(PATIENCE):
            outcome = await waiting
    assert outcome is not None and outcome.verdict is Verdict.CANCELLED


async def test_a_job_of_another_kind_is_no_match(harness: Harness, backend: Backend, readonly: Backend) -> None:
    async with scene_of(harness, backend, readonly, PULL) as scene:
        with pytest.raises(JobMismatch):
            await wait(backend, scene.domain, COPY)
        with pytest.raises(JobMismatch):
            await wait(backend, scene.domain, COPY, disk=DISK)
        with pytest.raises(JobMismatch):
            await wait_until_ready(backend, scene.disk)
        with pytest.raises(NoJob):
            await wait(backend, scene.domain, None, disk="vdz")
        for timeout in (0.5, 5.0, 50.0):  # How long it takes to learn of the job depends on the machine.
            with pytest.raises(WaitTimeout) as over:
                await wait(backend, scene.domain, None, timeout=timeout)
            if "nothing is known" not in over.value.message:
                break
        assert "still running" in over.value.message
        with pytest.raises(NoJob):
            await wait(backend, scene.domain)  # A dump, by default


async def test_it_prevents_a_raw_dump_which_then_destroys_nothing(
    harness: Harness, backend: Backend, readonly: Backend
) -> None:
    path = harness.folder / "older"
    path.write_text("of value")
    path.chmod(0o666)
    async with scene_of(harness, backend, readonly, COPY) as scene:
        with pytest.raises(DomainBusy, match="block copy of vda, which prevents a raw dump"):
            await start_dump(backend, dump_of(scene.domain, path, "raw"), overwrite=True)
        assert path.read_text() == "of value"
        record = await start_dump(backend, dump_of(scene.domain, path), overwrite=True)
        async with asyncio.timeout(PATIENCE):
            assert (await wait(backend, scene.domain, record=record)).verdict is Verdict.COMPLETED


async def test_without_one_there_is_nothing_to_wait_for(harness: Harness, backend: Backend) -> None:
    domain = await harness.with_disk("vm")
    for options in ({"operation": COPY}, {"operation": None}, {"operation": None, "disk": DISK}):
        with pytest.raises(NoJob):
            await wait(backend, domain, **options)  # type: ignore[arg-type]


async def test_its_progress_is_told_until_it_is_over(harness: Harness, backend: Backend, readonly: Backend) -> None:
    samples: list[JobStats] = []
    async with scene_of(harness, backend, readonly, COMMIT) as scene:
        waiting = asyncio.create_task(wait(readonly, scene.domain, COMMIT, on_progress=samples.append))

        async def probe() -> bool:
            return len(samples) > 1

        await eventually(probe)
        await scene.release()
        async with asyncio.timeout(PATIENCE):
            assert (await waiting).verdict is Verdict.COMPLETED
    assert all(stats.disk == DISK and stats.operation == COMMIT and stats.total > 0 for stats in samples)
