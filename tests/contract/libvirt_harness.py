"""libvirt with QEMU, as the conformance suite drives it: a session daemon that is the test run's own.

No name in the suite can collide there with a domain of somebody else's.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from backend.base import Backend
from backend.dump_request import DumpFlags, DumpFormat, format_name
from backend.libvirt.backend import LibvirtBackend
from backend.model import BlockOperation, DomainKey
from tests.contract.harness import DISK_MIB, QUICK_MIB, Harness, Release, ReleaseBlockJob
from tests.eventually import eventually
from tests.hypervisor import backups, block_jobs
from tests.hypervisor.daemon import Machines, PrivateDaemon, is_dump, process_of, virsh_dump
from tests.hypervisor.disk import small_disk
from tests.hypervisor.helper import Held


class LibvirtHarness(Harness):
    def __init__(self, folder: Path) -> None:
        # Where the suite's own folder is, only root can look, and this daemon is nobody's.
        super().__init__(Path(tempfile.mkdtemp(prefix="virt-jobs-dumps-")))
        self.folder.chmod(0o777)
        self._stack = ExitStack()
        self._dumps: list[subprocess.Popen[bytes]] = []
        self._disks: dict[DomainKey, Path] = {}

    async def __aenter__(self) -> Self:
        self._stack.callback(shutil.rmtree, self.folder)
        # What the suite, as root, writes for the daemon to overwrite has to be writable for it.
        self._stack.callback(os.umask, os.umask(0))
        self._stack.callback(self._reap)  # They end when their domains do, at the latest.
        self._daemon = await asyncio.to_thread(_daemon)
        self._machines = self._stack.enter_context(Machines(self.uri))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self._stack.close)

    def _reap(self) -> None:
        for dump in self._dumps:
            dump.wait()

    @property
    def uri(self) -> str:
        return self._daemon.uri

    def backend(self, readonly: bool = False, uri: str | None = None) -> Backend:
        return LibvirtBackend(uri or self.uri, readonly)

    async def running(self, name: str, mib: int = QUICK_MIB, paused: bool = False, filled: bool = False) -> DomainKey:
        return await asyncio.to_thread(self._machines.start, name, mib, paused, filled)

    async def shut_off(self, name: str) -> DomainKey:
        return await asyncio.to_thread(self._machines.define, name)

    async def destroy(self, domain: DomainKey) -> None:
        await asyncio.to_thread(self._machines.destroy, domain)

    async def foreign_dump(
        self,
        domain: DomainKey,
        path: Path,
        format: DumpFormat = DumpFormat.RAW,
        flags: DumpFlags = DumpFlags.MEMORY_ONLY,
        uri: str | None = None,
    ) -> None:
        options = [f"--{label}" for label in flags.labels]
        if DumpFlags.MEMORY_ONLY in flags:
            options.append(f"--format={format_name(format, flags)}")
        dump = virsh_dump(self.uri, domain, path, *options)
        self._dumps.append(dump)
        # So that no test takes a job that has not begun for one that is over.
        await asyncio.to_thread(eventually, lambda: dump.poll() is not None or self._machines.has_job(domain))

    @asynccontextmanager
    async def held(self, path: Path) -> AsyncIterator[Release]:
        with Held(path) as held:

            async def release(closing: bool = False) -> None:
                await asyncio.to_thread(held.release_to_closing if closing else held.release)

            yield release

    async def queue_foreign_dump(self, domain: DomainKey, path: Path) -> None:
        self._dumps.append(virsh_dump(self.uri, domain, path, "--memory-only"))

    async def kill_foreign(self) -> None:
        self._dumps[0].kill()

    async def foreign_succeeded(self) -> bool:
        return await asyncio.to_thread(self._dumps[0].wait) == 0

    async def crash(self, domain: DomainKey) -> None:
        os.kill(process_of(domain), signal.SIGKILL)

    async def full_disk(self, mib: int = 0) -> tuple[str, Path]:
        return self.uri, self._stack.enter_context(small_disk(self.folder / "small", mib)) / "dump"

    async def with_disk(self, name: str) -> DomainKey:
        disk = await asyncio.to_thread(block_jobs.layered_disk, self.folder, DISK_MIB)
        domain = await asyncio.to_thread(self._machines.start, name, disk=disk)
        self._disks[domain] = disk
        return domain

    @asynccontextmanager
    async def block_job(self, domain: DomainKey, operation: BlockOperation) -> AsyncIterator[ReleaseBlockJob]:
        handle = self._machines.handle(domain)

        async def release() -> None:
            await asyncio.to_thread(block_jobs.release, handle)

        await asyncio.to_thread(block_jobs.begin_held, handle, operation, self._disks[domain])
        try:
            yield release
        finally:
            await release()

    @asynccontextmanager
    async def backup(self, domain: DomainKey, pull: bool) -> AsyncIterator[None]:
        handle = self._machines.handle(domain)
        await asyncio.to_thread(backups.begin_held, handle, self.folder, pull)
        try:
            yield
        finally:
            await asyncio.to_thread(backups.abort, handle)

    def is_dump(self, path: Path, format_name: str) -> bool:
        return is_dump(path, format_name)


@functools.cache
def _daemon() -> PrivateDaemon:
    folder = Path(tempfile.mkdtemp(prefix="vj-"))
    daemon = PrivateDaemon(folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    atexit.register(daemon.stop)
    daemon.start()
    return daemon
