"""The simulator, as the conformance suite drives it."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from backend.base import Backend
from backend.model import FORMAT_NAMES, DomainKey, DumpFlags, DumpFormat, DumpRequest
from backend.simulator import SimulatorBackend
from backend.simulator.options import MIB
from tests.contract.harness import QUICK_MIB, Harness


class SimulatorHarness(Harness):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._control = SimulatorBackend(self.uri)

    async def __aenter__(self) -> Self:
        await self._control.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # The simulator itself goes away with the test's state folder.
        await self._control.close()

    @property
    def uri(self) -> str:
        return "sim:///contract?domains=0&rate=400"

    def backend(self, readonly: bool = False, uri: str | None = None) -> Backend:
        return SimulatorBackend(uri or self.uri, readonly)

    async def running(self, name: str, mib: int = QUICK_MIB, paused: bool = False) -> DomainKey:
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
    ) -> None:
        await self._control.begin_dump(DumpRequest(domain, str(path), format, flags))

    async def full_disk(self) -> tuple[str, Path]:
        return f"{self.uri}&fail=disk-full", self.folder / "full.dump"

    def is_dump(self, path: Path, format_name: str) -> bool:
        format, _ = FORMAT_NAMES[format_name]
        magic = f"TestGuestMagic_{int(format)}".encode()
        with path.open("rb") as file:
            return file.read(len(magic)) == magic
