"""The connection is cut, or the daemon dies, under the job of a disk that somebody waits for."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from backend.errors import NoConnection
from backend.libvirt.backend import LibvirtBackend
from backend.model import BlockOperation, DiskKey
from backend.observing.wait import wait_until_ready
from backend.outcome import Evidence, Outcome, Verdict
from tests.contract.harness import DISK
from tests.contract.steps import PATIENCE, eventually
from tests.faults.test_block_jobs import attached
from tests.hypervisor import block_jobs
from tests.hypervisor.daemon import Machines, PrivateDaemon, unique
from tests.hypervisor.proxy import Proxy

pytestmark = pytest.mark.hypervisor

MIB = 32
COPY, PULL = BlockOperation.COPY, BlockOperation.PULL
COMMIT, ACTIVE_COMMIT = BlockOperation.COMMIT, BlockOperation.ACTIVE_COMMIT


@dataclass
class Scene:
    """A domain with a disk, who acts on it, and who is cut off from it."""

    daemon: PrivateDaemon
    machines: Machines
    proxy: Proxy
    acting: LibvirtBackend
    waiting: LibvirtBackend
    disk: DiskKey
    layers: Path

    async def begin(self, operation: BlockOperation) -> Path:
        """Begin a held job; where it leads."""
        handle = self.machines.handle(self.disk.domain)
        return await asyncio.to_thread(block_jobs.begin_held, handle, operation, self.layers)

    async def release(self) -> None:
        await asyncio.to_thread(block_jobs.release, self.machines.handle(self.disk.domain))

    async def until_ready(self) -> None:
        await self.release()
        async with asyncio.timeout(PATIENCE):
            assert await wait_until_ready(self.acting, self.disk) is None

    async def until_gone(self) -> None:
        async def gone() -> bool:
            return await self.acting.job(self.disk) is None

        await eventually(gone)


@pytest.fixture
async def scene(daemon: PrivateDaemon, tmp_path: Path) -> AsyncIterator[Scene]:
    folder = daemon.folder / unique("disks")
    folder.mkdir()
    folder.chmod(0o777)
    layers = await asyncio.to_thread(block_jobs.layered_disk, folder, MIB)
    with Machines(daemon.uri) as machines:
        domain = await asyncio.to_thread(machines.start, unique("vm"), MIB, disk=layers)
        async with (
            Proxy(daemon.folder / "proxy", daemon.folder / "run/libvirt/libvirt-sock") as proxy,
            LibvirtBackend(daemon.uri) as acting,
            LibvirtBackend(proxy.uri) as waiting,
        ):
            yield Scene(daemon, machines, proxy, acting, waiting, DiskKey(domain, DISK), layers)


async def ended(wait: asyncio.Task[Outcome]) -> tuple[Verdict, Evidence]:
    async with asyncio.timeout(PATIENCE):
        outcome = await wait
    return outcome.verdict, outcome.evidence


async def test_a_pivot_behind_its_back_is_proved_by_the_disk(scene: Scene) -> None:
    await scene.begin(COPY)
    await scene.until_ready()
    wait = await attached(scene.waiting, scene.disk.domain, COPY)
    await scene.proxy.cut()
    await scene.acting.pivot(scene.disk)
    await scene.until_gone()
    await scene.proxy.mend()
    assert await ended(wait) == (Verdict.COMPLETED, Evidence.DISK)


async def test_an_abort_behind_its_back_is_unproven(scene: Scene) -> None:
    await scene.begin(COPY)
    await scene.until_ready()
    wait = await attached(scene.waiting, scene.disk.domain, COPY)
    await scene.proxy.cut()
    await scene.acting.abort(scene.disk)
    await scene.until_gone()
    await scene.proxy.mend()
    assert await ended(wait) == (Verdict.UNPROVEN, Evidence.NONE)


async def test_another_copy_to_the_same_file_does_not_make_an_aborted_one_complete(scene: Scene) -> None:
    target = await scene.begin(COPY)
    await scene.until_ready()
    wait = await attached(scene.waiting, scene.disk.domain, COPY)
    await scene.proxy.cut()
    await scene.acting.abort(scene.disk)
    await scene.until_gone()
    await asyncio.to_thread(target.unlink)
    handle = scene.machines.handle(scene.disk.domain)
    xml = f"<disk type='file'><source file='{target}'/><driver type='qcow2'/></disk>"
    await asyncio.to_thread(handle.blockCopy, DISK, xml, {}, 4)  # VIR_DOMAIN_BLOCK_COPY_TRANSIENT_JOB
    await scene.until_ready()
    await scene.acting.pivot(scene.disk)
    await scene.until_gone()
    await scene.proxy.mend()
    assert await ended(wait) == (Verdict.UNPROVEN, Evidence.NONE)


async def test_another_active_commit_to_the_same_layer_does_not_make_an_aborted_one_complete(scene: Scene) -> None:
    await scene.begin(ACTIVE_COMMIT)
    await scene.until_ready()
    wait = await attached(scene.waiting, scene.disk.domain, ACTIVE_COMMIT)
    await scene.proxy.cut()
    await scene.acting.abort(scene.disk)
    await scene.until_gone()
    await scene.begin(ACTIVE_COMMIT)
    await scene.until_ready()
    await scene.acting.pivot(scene.disk)
    await scene.until_gone()
    await scene.proxy.mend()
    assert await ended(wait) == (Verdict.UNPROVEN, Evidence.NONE)


@pytest.mark.parametrize("operation", [COMMIT, PULL], ids=str)
async def test_what_merges_images_behind_its_back_is_unproven(scene: Scene, operation: BlockOperation) -> None:
    """The images that are left are those that one leaves as well which is begun after this one was aborted."""
    await scene.begin(operation)
    wait = await attached(scene.waiting, scene.disk.domain, operation)
    await scene.proxy.cut()
    before = await scene.acting.disk_source(scene.disk)
    await scene.acting.abort(scene.disk)
    await scene.until_gone()
    assert await scene.acting.disk_source(scene.disk) == before
    await scene.begin(operation)
    await scene.release()
    await scene.until_gone()
    assert await scene.acting.disk_source(scene.disk) != before
    await scene.proxy.mend()
    assert await ended(wait) == (Verdict.UNPROVEN, Evidence.NONE)


@pytest.mark.parametrize("operation", [COPY, ACTIVE_COMMIT, COMMIT, PULL], ids=str)
async def test_one_that_goes_on_after_a_cut_is_waited_for_to_its_end(scene: Scene, operation: BlockOperation) -> None:
    await scene.begin(operation)
    seen = asyncio.Event()
    wait = await attached(scene.waiting, scene.disk.domain, operation, seen.set)
    await scene.proxy.cut()
    await scene.proxy.mend()
    seen.clear()
    await asyncio.wait_for(seen.wait(), PATIENCE)
    if operation.becomes_ready:
        await scene.until_ready()
        await scene.acting.pivot(scene.disk)
    else:
        await scene.release()
    assert await ended(wait) == (Verdict.COMPLETED, Evidence.JOB_EVENT)


@pytest.mark.parametrize(
    ("operation", "end"),
    [(COPY, "pivot"), (COPY, "abort"), (ACTIVE_COMMIT, "pivot"), (COMMIT, ""), (PULL, ""), (PULL, "abort")],
    ids=str,
)
async def test_one_that_outlives_the_daemon_is_waited_for_to_its_end(
    scene: Scene, operation: BlockOperation, end: str
) -> None:
    await scene.begin(operation)
    seen = asyncio.Event()
    wait = await attached(scene.waiting, scene.disk.domain, operation, seen.set)
    await asyncio.to_thread(scene.daemon.kill)
    await asyncio.to_thread(scene.daemon.start)
    seen.clear()
    await asyncio.wait_for(seen.wait(), PATIENCE)
    fresh = Machines(scene.daemon.uri)

    async def is_back() -> bool:
        with contextlib.suppress(NoConnection):
            return await scene.acting.job(scene.disk) is not None
        return False

    async def ready() -> bool:
        stats = await scene.acting.job(scene.disk)
        return stats is not None and stats.ready is True

    await eventually(is_back)
    if operation.becomes_ready or not end:
        await asyncio.to_thread(block_jobs.release, fresh.handle(scene.disk.domain))
    if operation.becomes_ready:
        await eventually(ready)
    if end:
        await (scene.acting.pivot if end == "pivot" else scene.acting.abort)(scene.disk)
    expected = Verdict.CANCELLED if end == "abort" else Verdict.COMPLETED
    assert await ended(wait) == (expected, Evidence.JOB_EVENT)
    await asyncio.to_thread(fresh.destroy, scene.disk.domain)
