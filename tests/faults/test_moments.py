"""QEMU dies at some moment of a dump, mostly a late one: whoever waits is told nothing that virsh was not."""

from __future__ import annotations

import asyncio
import os
import signal
import time

import pytest

from backend.errors import DomainNotRunning, NoJob, NoSuchDomain, OperationFailed
from backend.libvirt.backend import LibvirtBackend
from backend.model import DomainKey
from backend.observing.wait import wait
from backend.outcome import Outcome, Verdict
from tests.contract.steps import PATIENCE
from tests.hypervisor.daemon import Machines, PrivateDaemon, process_of, virsh_dump

pytestmark = pytest.mark.hypervisor
MIB = 64
MOMENTS = (0.3, 0.6, 0.8, 0.9, 1.0)
"""Of the time that a dump takes that is left in peace."""


@pytest.mark.parametrize("options", [("--memory-only",), ()], ids=["elf", "raw"])
async def test_no_moment_is_mistaken(daemon: PrivateDaemon, options: tuple[str, ...]) -> None:
    path = daemon.folder / "dump"
    with Machines(daemon.uri) as machines:
        async with LibvirtBackend(daemon.uri) as backend, LibvirtBackend(daemon.uri, readonly=True) as readonly:
            names = ("first", "second", *(f"dies at {moment}" for moment in MOMENTS))
            first, second, *dying = await asyncio.gather(*(_paused(machines, name) for name in names))
            for peaceful in (first, second):  # What is there from the first one makes the others faster.
                path.unlink(missing_ok=True)
                begun = time.perf_counter()
                virsh = virsh_dump(daemon.uri, peaceful, path, *options)
                assert await asyncio.to_thread(virsh.wait, PATIENCE) == 0
                span = time.perf_counter() - begun
            for moment, domain in zip(MOMENTS, dying, strict=True):
                path.unlink(missing_ok=True)
                process, kill_at = process_of(domain), time.perf_counter() + moment * span
                virsh = virsh_dump(daemon.uri, domain, path, *options)
                waiting = [asyncio.create_task(_outcome(waiter, domain)) for waiter in (backend, readonly)]
                await asyncio.sleep(kill_at - time.perf_counter())
                os.kill(process, signal.SIGKILL)
                failed = bool(await asyncio.to_thread(virsh.wait, PATIENCE))
                for outcome in await asyncio.gather(*waiting):
                    wrong = Verdict.COMPLETED if failed else Verdict.FAILED
                    assert outcome is None or outcome.verdict is not wrong, (moment, failed, outcome)


async def _paused(machines: Machines, name: str) -> DomainKey:
    return await asyncio.to_thread(machines.start, name, MIB, True)


async def _outcome(waiter: LibvirtBackend, domain: DomainKey) -> Outcome | None:
    """What the waiter is told, from as soon as there is a job; None if it was too late for that."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                return await wait(waiter, domain)
            except (NoJob, OperationFailed):  # It may die while it is asked for its job.
                await asyncio.sleep(0.01)
            except (DomainNotRunning, NoSuchDomain):
                return None
