"""Where jobs come from that somebody else's virsh has requested, as this host's processes tell."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.libvirt.backend import LibvirtBackend
from backend.model import BlockOperation, DiskKey, JobOperation
from tests.contract.steps import PATIENCE, job_seen
from tests.contract.steps import eventually as in_the_end
from tests.hypervisor.daemon import SYSTEM, Machines, unique, virsh_dump
from tests.hypervisor.helper import Held
from tests.hypervisor.operations import MIB, Host, arrival, ended

pytestmark = pytest.mark.hypervisor


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that every user can write to."""
    with tempfile.TemporaryDirectory(prefix="vj-origins-") as name:
        folder = Path(name)
        folder.chmod(0o777)
        yield folder


async def test_a_foreign_dump_names_its_file_and_its_program(machines: Machines, folder: Path) -> None:
    domain, other = machines.start(unique("origin"), 64), machines.start(unique("origin"), 32)
    path = folder / "foreign.core"
    async with LibvirtBackend(SYSTEM) as backend:
        with Held(path) as held:
            dump = virsh_dump(SYSTEM, domain, path, "--memory-only")
            await asyncio.to_thread(held.until_stopped)
            origin = await backend.job_origin(domain, JobOperation.DUMP)
            nothing = await backend.job_origin(other, JobOperation.DUMP)
            held.release()
        await asyncio.to_thread(dump.wait)
    assert origin.path == str(path)
    assert origin.client is not None
    assert origin.client.label == f"virsh dump (pid {dump.pid}, root)"
    assert (nothing.path, nothing.client) == ("", None)


async def test_a_foreign_migration_names_its_peer(here: Host, there: Host) -> None:
    domain = here.machines.start("vm", MIB, filled=True)
    command = ["migrate", domain.uuid, there.uri, "--live", "--unsafe", "--migrateuri", "tcp://127.0.0.1"]
    virsh = here.virsh(*command, "--bandwidth", "1")
    await arrival(there, domain, virsh)
    async with LibvirtBackend(here.uri) as backend:
        await job_seen(backend, domain)
        origin = await backend.job_origin(domain, JobOperation.MIGRATION_OUT)
    await ended(here.virsh("domjobabort", domain.uuid))
    await ended(virsh)
    assert origin.client is not None
    assert (origin.client.command, origin.client.pid, origin.client.peer) == ("virsh migrate", virsh.pid, there.uri)


async def test_a_foreign_block_copy_names_its_program_and_other_disks_do_not(here: Host) -> None:
    domain = here.machines.start("vm", 32, disk=here.disk(64, 32))
    copy = here.folder / "copy.qcow2"
    virsh = here.virsh("blockcopy", domain.uuid, "vda", copy, "--transient-job", "--wait", "--bandwidth", "1")
    async with LibvirtBackend(here.uri) as backend:
        await in_the_end(lambda: backend.job(DiskKey(domain, "vda")))
        origin = await backend.job_origin(DiskKey(domain, "vda"), BlockOperation.COPY)
        other = await backend.job_origin(DiskKey(domain, "vdb"), BlockOperation.COPY)
        await backend.abort(DiskKey(domain, "vda"))
    await asyncio.to_thread(virsh.wait, PATIENCE)
    assert origin.client is not None
    assert origin.client.label.startswith(f"virsh blockcopy (pid {virsh.pid}, ")
    assert other.client is None
