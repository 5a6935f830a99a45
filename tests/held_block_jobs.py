"""Jobs of disks on a simulator, as another program begins them: each makes no headway until it is let go, or ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from backend.model import BlockOperation, DiskKey
from backend.simulator import SimulatorBackend
from tests.contract.steps import eventually
from tests.simulator_hold import HELD, release_block_job

COPY = "/copies/new.qcow2"
"""Where copies go to."""


class HeldBlockJobs:
    """Of the simulator's domains, the first and each third after it have a disk vdb besides vda."""

    def __init__(self, backend: SimulatorBackend) -> None:
        self._backend = backend

    async def begin(self, name: str, disk: str = "vda", operation: BlockOperation = BlockOperation.COPY) -> None:
        """Begin a job of that domain's disk."""
        await self._backend.begin_block_job(await self._key(name, disk), operation, HELD, COPY)

    async def let_go(self, name: str, disk: str = "vda") -> None:
        """Let it go on: it is soon over, or ready."""
        release_block_job(self._backend.uri, await self._key(name, disk))

    async def begin_ready(self, name: str, disk: str = "vda", operation: BlockOperation = BlockOperation.COPY) -> None:
        """Begin one that is ready when this returns."""
        await self.begin(name, disk, operation)
        await self.let_go(name, disk)
        key = await self._key(name, disk)

        async def ready() -> bool:
            stats = await self._backend.job(key)
            return stats is not None and stats.ready is True

        await eventually(ready)

    async def abort(self, name: str, disk: str = "vda") -> None:
        await self._backend.abort(await self._key(name, disk))

    async def pivot(self, name: str, disk: str = "vda") -> None:
        await self._backend.pivot(await self._key(name, disk))

    async def source(self, name: str, disk: str = "vda") -> str:
        """The image that the disk is on."""
        source = await self._backend.disk_source(await self._key(name, disk))
        assert source is not None
        return source.source

    async def _key(self, name: str, disk: str) -> DiskKey:
        return DiskKey((await self._backend.find(name)).key, disk)


@asynccontextmanager
async def held_block_jobs(uri: str) -> AsyncIterator[HeldBlockJobs]:
    """Whoever begins and ends them there."""
    async with SimulatorBackend(uri) as backend:
        yield HeldBlockJobs(backend)
