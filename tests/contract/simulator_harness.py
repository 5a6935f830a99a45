"""The simulator, as the conformance suite drives it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from backend.base import Backend
from backend.dump_request import FORMAT_NAMES, DumpFlags, DumpFormat, DumpRequest
from backend.model import BlockOperation, DiskKey, DomainKey
from backend.simulator import SimulatorBackend
from backend.simulator.options import MIB
from tests.contract.harness import DISK, DISK_MIB, QUICK_MIB, Harness, Release, ReleaseBlockJob
from tests.contract.steps import eventually, job_gone
from tests.simulator_hold import HELD, RATE, Hold, release_block_job

NAME = "contract"


class SimulatorHarness(Harness):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._control = SimulatorBackend(self.uri)
        self._dumps: list[asyncio.Task[None]] = []
        self._copies = 0

    async def __aenter__(self) -> Self:
        await self._control.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for dump in self._dumps:
            dump.cancel()
        await asyncio.gather(*self._dumps, return_exceptions=True)
        # The simulator itself goes away with the test's state folder.
        await self._control.close()

    @property
    def uri(self) -> str:
        return f"sim:///{NAME}?domains=0&rate={RATE}"

    def backend(self, readonly: bool = False, uri: str | None = None) -> Backend:
        return SimulatorBackend(uri or self.uri, readonly)

    async def running(self, name: str, mib: int = QUICK_MIB, paused: bool = False, filled: bool = False) -> DomainKey:
        domain = await self._control.define(name, mib * MIB)
        return await self._control.start(domain.key, paused)

    async def shut_off(self, name: str) -> DomainKey:
        return (await self._control.define(name, QUICK_MIB * MIB)).key

    async def destroy(self, domain: DomainKey) -> None:
        await self._control.destroy(domain)

    async def foreign_dump(
        self,
        domain: DomainKey,
        path: Path,
        format: DumpFormat = DumpFormat.RAW,
        flags: DumpFlags = DumpFlags.MEMORY_ONLY,
        uri: str | None = None,
    ) -> None:
        request = DumpRequest(domain, str(path), format, flags)
        dump = asyncio.create_task(_dump_elsewhere(uri or self.uri, request))
        self._dumps.append(dump)
        # So that no test takes a job that has not begun for one that is over.
        await eventually(partial(self._begun, dump, domain))

    @asynccontextmanager
    async def held(self, path: Path) -> AsyncIterator[Release]:
        async with Hold(self.uri, path) as hold:

            async def release(closing: bool = False) -> None:
                hold.release(closing)

            yield release

    async def queue_foreign_dump(self, domain: DomainKey, path: Path) -> None:
        self._dumps.append(asyncio.create_task(self._dump_after(DumpRequest(domain, str(path)))))

    async def with_disk(self, name: str) -> DomainKey:
        domain = await self._control.define(name, QUICK_MIB * MIB, DISK_MIB * MIB)
        return await self._control.start(domain.key)

    @asynccontextmanager
    async def block_job(self, domain: DomainKey, operation: BlockOperation) -> AsyncIterator[ReleaseBlockJob]:
        disk = DiskKey(domain, DISK)
        self._copies += 1
        target = str(self.folder / f"copy-{self._copies}")
        await self._control.begin_block_job(disk, operation, HELD, target)
        await eventually(partial(self._under_way, disk))

        async def release() -> None:
            release_block_job(self.uri, disk)

        try:
            yield release
        finally:
            release_block_job(self.uri, disk)

    @asynccontextmanager
    async def backup(self, domain: DomainKey, pull: bool) -> AsyncIterator[None]:
        await self._control.begin_backup(domain, pull, HELD)
        try:
            yield
        finally:
            await self._control.abort(domain)
            await job_gone(self._control, domain)

    async def _under_way(self, disk: DiskKey) -> bool:
        stats = await self._control.job(disk)
        return stats is not None and stats.processed > 0

    async def _begun(self, dump: asyncio.Task[None], domain: DomainKey) -> bool:
        return dump.done() or await self._control.job(domain) is not None

    async def _dump_after(self, request: DumpRequest) -> None:
        await job_gone(self._control, request.domain)
        await self._control.call_dump(request)

    async def kill_foreign(self) -> None:
        self._dumps[0].cancel()

    async def foreign_succeeded(self) -> bool:
        [result, *_] = await asyncio.gather(self._dumps[0], return_exceptions=True)
        return result is None

    async def crash(self, domain: DomainKey) -> None:
        await self._control.destroy(domain, "failed")

    async def full_disk(self, mib: int = 0) -> tuple[str, Path]:
        return f"{self.uri}&fail=disk-full", self.folder / "full.dump"

    def is_dump(self, path: Path, format_name: str) -> bool:
        format, _ = FORMAT_NAMES[format_name]
        magic = f"TestGuestMagic_{int(format)}".encode()
        with path.open("rb") as file:
            return file.read(len(magic)) == magic


async def _dump_elsewhere(uri: str, request: DumpRequest) -> None:
    async with SimulatorBackend(uri) as backend:
        await backend.call_dump(request)
