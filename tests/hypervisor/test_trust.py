"""`--trust qemu`: QEMU's own word is enough where it was heard, and nothing else becomes a proof by it.

The dumps here are somebody else's and go into a FIFO: what was written there, nobody can look at afterwards.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from unittest.mock import patch

import pytest

from backend.base import Backend
from backend.libvirt.backend import LibvirtBackend
from backend.model import DomainKey
from backend.observing.wait import wait
from backend.outcome import Evidence, Verdict
from tests.contract.steps import PATIENCE, eventually
from tests.hypervisor.daemon import SYSTEM, Fifo, Machines, unique, virsh_dump
from tui.cli import exits

pytestmark = pytest.mark.hypervisor


@dataclass
class Foreign:
    """A domain whose dump goes nowhere until `fifo` is released."""

    domain: DomainKey
    fifo: Fifo
    dumps: list[subprocess.Popen[bytes]] = field(default_factory=list)

    async def begin(self, backend: Backend, *options: str) -> None:
        self.dumps.append(virsh_dump(SYSTEM, self.domain, self.fifo.path, *options))
        await eventually(lambda: backend.job(self.domain))

    async def succeeded(self) -> bool:
        return await asyncio.to_thread(self.dumps[0].wait, PATIENCE) == 0


@pytest.fixture
async def foreign(machines: Machines, fifo: Fifo) -> AsyncIterator[Foreign]:
    foreign = Foreign(machines.start(unique("trust"), 64), fifo)
    held = os.open(fifo.path, os.O_RDONLY | os.O_NONBLOCK)  # libvirt can open it, and write no more than a pipe holds.
    try:
        yield foreign
    finally:
        fifo.release()
        os.close(held)
        for dump in foreign.dumps:
            await asyncio.to_thread(dump.wait, PATIENCE)


async def waiting(domain: DomainKey, *options: str, readonly: bool = False) -> asyncio.subprocess.Process:
    """The command, attached."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tui", "-c", SYSTEM, *(["-r"] if readonly else [])),
        *("wait", domain.uuid, "--json", *options),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        assert json.loads(await process.stdout.readline())["event"] == "progress"
    return process


CASES = {
    "memory-only": (["--memory-only"], False, [6, 0]),
    # Nobody tells a reader of QEMU's word, and QEMU has none on a migration stream.
    "read-only": (["--memory-only"], True, [6, 6]),
    "raw": ([], False, [6, 6]),
}


@pytest.mark.parametrize(("options", "readonly", "codes"), CASES.values(), ids=CASES)
async def test_qemus_own_word_on_a_dump_whose_file_cannot_be_seen(
    foreign: Foreign, backend: LibvirtBackend, options: list[str], readonly: bool, codes: list[int]
) -> None:
    await foreign.begin(backend, *options)
    waiters = [await waiting(foreign.domain, *trust, readonly=readonly) for trust in ([], ["--trust", "qemu"])]
    foreign.fifo.release()
    async with asyncio.timeout(PATIENCE):
        assert [await waiter.wait() for waiter in waiters] == codes
    assert await foreign.succeeded()


async def test_the_word_is_the_evidence_where_the_file_cannot_be_found(
    foreign: Foreign, backend: LibvirtBackend
) -> None:
    with patch.object(LibvirtBackend, "dump_target", Backend.dump_target):
        await foreign.begin(backend, "--memory-only")
        attached = asyncio.Event()
        waiter = asyncio.create_task(wait(backend, foreign.domain, on_progress=lambda _: attached.set()))
        await attached.wait()
        foreign.fifo.release()
        outcome = await waiter
    assert (outcome.verdict, outcome.evidence) == (Verdict.UNPROVEN, Evidence.HYPERVISOR)
    assert exits.of_outcome(outcome) == 6
    assert exits.of_outcome(outcome, trust_qemu=True) == 0


async def test_trust_does_not_make_a_failure_good(
    foreign: Foreign, backend: LibvirtBackend, machines: Machines
) -> None:
    await foreign.begin(backend, "--memory-only")
    waiter = await waiting(foreign.domain, "--trust", "qemu")
    machines.destroy(foreign.domain)
    async with asyncio.timeout(PATIENCE):
        assert await waiter.wait() != 0
    foreign.fifo.release()  # Else libvirt still waits for what it has to write.
    assert not await foreign.succeeded()
