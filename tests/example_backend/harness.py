"""The conformance suite's harness for the example's hypervisor."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from unittest.mock import patch

from backend.base import Backend
from backend.dump_request import FORMAT_NAMES, DumpFlags, DumpFormat
from backend.errors import NoConnection
from backend.model import DomainKey
from backend.uri import open_backend
from tests.contract.harness import QUICK_MIB, Harness, Release
from tests.contract.steps import eventually, job_gone
from tests.example_backend.installed import install

MIB = 1 << 20


class ExampleHarness(Harness):
    """Installs the package for the processes of this test only, and starts its daemon."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._stack = ExitStack()
        self._here = Path(tempfile.mkdtemp(prefix="vj-"))  # The path of a socket is at most 107 bytes long.
        self._dumps: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._stack.callback(shutil.rmtree, self._here)
        install(self._here / "site")
        paths = [str(self._here / "site"), *filter(None, [os.environ.get("PYTHONPATH")])]
        self._stack.enter_context(patch.dict(os.environ, PYTHONPATH=os.pathsep.join(paths)))
        self._stack.enter_context(patch.object(sys, "path", [paths[0], *sys.path]))
        command = [sys.executable, "-m", "example_hypervisor.daemon", str(self._here / "socket")]
        daemon = await asyncio.to_thread(subprocess.Popen, command)
        self._stack.callback(daemon.wait)
        self._stack.callback(daemon.kill)
        self._control = self.backend()
        await eventually(self._answers)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for dump in self._dumps:
            dump.cancel()
        await asyncio.gather(*self._dumps, return_exceptions=True)
        await self._control.close()
        await asyncio.to_thread(self._stack.close)

    @property
    def uri(self) -> str:
        return f"example://{self._here}/socket"

    def backend(self, readonly: bool = False, uri: str | None = None) -> Backend:
        return open_backend(uri or self.uri, readonly)

    async def running(self, name: str, mib: int = QUICK_MIB, paused: bool = False, filled: bool = False) -> DomainKey:
        return _key(await self._ask("start", uuid=(await self._define(name, mib))["uuid"], paused=paused))

    async def shut_off(self, name: str) -> DomainKey:
        return _key(await self._define(name, QUICK_MIB))

    async def destroy(self, domain: DomainKey) -> None:
        await self._ask("destroy", uuid=domain.uuid, run=domain.id, detail="destroyed")

    async def foreign_dump(
        self,
        domain: DomainKey,
        path: Path,
        format: DumpFormat = DumpFormat.RAW,
        flags: DumpFlags = DumpFlags.MEMORY_ONLY,
        uri: str | None = None,
    ) -> None:
        dump = asyncio.create_task(self._dump(domain, path, format, flags))
        self._dumps.append(dump)
        # So that no test takes a job that has not begun for one that is over.
        await eventually(partial(self._begun, dump, domain))

    @asynccontextmanager
    async def held(self, path: Path) -> AsyncIterator[Release]:
        await self._ask("hold", path=str(path), closing=False)

        async def release(closing: bool = False) -> None:
            if closing:
                await self._ask("hold", path=str(path), closing=True)
            else:
                await self._ask("release", path=str(path))

        try:
            yield release
        finally:
            await release()

    async def queue_foreign_dump(self, domain: DomainKey, path: Path) -> None:
        self._dumps.append(asyncio.create_task(self._dump_after(domain, path)))

    async def kill_foreign(self) -> None:
        self._dumps[0].cancel()

    async def foreign_succeeded(self) -> bool:
        [result] = await asyncio.gather(self._dumps[0], return_exceptions=True)
        return result is None

    async def crash(self, domain: DomainKey) -> None:
        await self._ask("destroy", uuid=domain.uuid, run=domain.id, detail="failed")

    async def full_disk(self, mib: int = 0) -> tuple[str, Path]:
        path = self.folder / "small" / "dump"
        path.parent.mkdir()
        await self._ask("limit", folder=str(path.parent), size=mib * MIB)
        return self.uri, path

    def is_dump(self, path: Path, format_name: str) -> bool:
        dump_format, _ = FORMAT_NAMES[format_name]
        magic = f"TestGuestMagic_{int(dump_format)}".encode()
        with path.open("rb") as file:
            return file.read(len(magic)) == magic

    def lacks(self, ability: str) -> str | None:
        if ability == "claims":
            return "the example has no metadata"
        if ability == "xml":
            return "the example does not describe its domains"
        return "the example has no disks" if ability in ("block jobs", "backups") else None

    async def _answers(self) -> bool:
        with contextlib.suppress(NoConnection):
            await self._control.open()
            return True
        return False

    async def _ask(self, call: str, **arguments: object) -> Any:
        return await self._control.call(call, **arguments)  # type: ignore[attr-defined]

    async def _define(self, name: str, mib: int) -> dict[str, Any]:
        machine: dict[str, Any] = await self._ask("define", name=name, memory=mib * MIB)
        return machine

    async def _dump(self, domain: DomainKey, path: Path, dump_format: DumpFormat, flags: DumpFlags) -> None:
        target = {"path": str(path), "dump_format": int(dump_format), "flags": int(flags)}
        await self._ask("dump", uuid=domain.uuid, run=domain.id, **target)

    async def _dump_after(self, domain: DomainKey, path: Path) -> None:
        await job_gone(self._control, domain)
        await self._dump(domain, path, DumpFormat.RAW, DumpFlags.MEMORY_ONLY)

    async def _begun(self, dump: asyncio.Task[None], domain: DomainKey) -> bool:
        return dump.done() or await self._control.job(domain) is not None


def _key(machine: dict[str, Any]) -> DomainKey:
    return DomainKey(machine["uuid"], machine["run"], machine["name"])
