"""Who waits for a job with full rights, with read-only ones, and over a connection that can be cut."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from backend.libvirt.backend import LibvirtBackend
from backend.model import DomainKey, JobOperation
from backend.observing.wait import wait
from backend.outcome import Outcome, Verdict
from tests.contract.steps import PATIENCE
from tests.hypervisor.daemon import process_of
from tests.hypervisor.operations import Host
from tests.hypervisor.proxy import Proxy


@dataclass
class Onlookers:
    """All of them have seen the job."""

    proxy: Proxy
    near: list[asyncio.Task[Outcome]]
    far: asyncio.Task[Outcome]

    async def verdicts(self, cut: bool) -> set[Verdict]:
        """What those near say, who agree. Who was `cut` off and comes back now agrees, or says that it is unproven."""
        async with asyncio.timeout(PATIENCE):
            found = {outcome.verdict for outcome in await asyncio.gather(*self.near)}
            if cut:
                await self.proxy.mend()
            far = (await self.far).verdict
        assert len(found) == 1, found
        assert far in found or (cut and far is Verdict.UNPROVEN), (far, found)
        return found


@asynccontextmanager
async def onlookers(host: Host, domain: DomainKey, operation: JobOperation) -> AsyncIterator[Onlookers]:
    """They wait for the domain's job."""
    async with (
        Proxy(host.folder / "proxy", host.daemon.folder / "run/libvirt/libvirt-sock") as proxy,
        LibvirtBackend(host.uri) as backend,
        LibvirtBackend(host.uri, readonly=True) as readonly,
        LibvirtBackend(proxy.uri) as remote,
    ):
        waits = [await _attached(each, domain, operation) for each in (backend, readonly, remote)]
        try:
            yield Onlookers(proxy, waits[:2], waits[2])
        finally:
            for task in waits:
                task.cancel()


async def _attached(backend: LibvirtBackend, domain: DomainKey, operation: JobOperation) -> asyncio.Task[Outcome]:
    seen = asyncio.Event()
    waiting = asyncio.create_task(wait(backend, domain, operation, on_progress=lambda _: seen.set()))
    looking = asyncio.create_task(seen.wait())
    await asyncio.wait({waiting, looking}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    looking.cancel()
    assert seen.is_set()
    return waiting


async def kill_qemu(host: Host, domain: DomainKey) -> None:
    """End the process of a domain that is on one host alone."""
    os.kill(process_of(domain), signal.SIGKILL)
