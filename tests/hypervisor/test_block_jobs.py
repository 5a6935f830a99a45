"""Jobs of disks on a real daemon: what only libvirt has, beyond what every backend is tested for."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import libvirt
import pytest

from backend.dump_request import DumpFlags, DumpRequest
from backend.errors import BackendError, DomainBusy, NotAnswering, OperationFailed
from backend.event_stream import EventStream
from backend.events import BlockJobEvent, BlockJobStatus, ConnectionEvent, Event, JobBegan, Lifecycle, LifecycleEvent
from backend.libvirt.backend import LibvirtBackend
from backend.libvirt.connection.pool import DEADLINE
from backend.model import BlockOperation, DiskKey, DomainKey, JobOperation
from tests.contract.steps import PATIENCE, eventually, job_gone
from tests.hypervisor.block_jobs import begin, begin_held, copy, layered_disk, release, target
from tests.hypervisor.daemon import domain_xml, key_of, process_of
from tests.hypervisor.disk import small_disk
from tests.hypervisor.operations import Host, arrival, ended
from tests.language import in_english

pytestmark = pytest.mark.hypervisor

MIB = 32
"""Size of a disk. QEMU holds no job that is smaller than 16 MiB."""


@pytest.fixture
async def backend(here: Host) -> AsyncIterator[LibvirtBackend]:
    async with LibvirtBackend(here.uri) as backend:
        yield backend


@pytest.fixture
async def readonly(here: Host) -> AsyncIterator[LibvirtBackend]:
    async with LibvirtBackend(here.uri, readonly=True) as backend:
        yield backend


@pytest.fixture
def disk(here: Host) -> Path:
    return layered_disk(here.folder, MIB)


@pytest.fixture
def connection(here: Host) -> Iterator[Any]:
    connection = libvirt.open(here.uri)
    yield connection
    connection.close()


@pytest.fixture
def handle(connection: Any, disk: Path) -> Any:
    """A running domain with the disk, to which others can be added."""
    return connection.createXML(with_device("<controller type='scsi' model='virtio-scsi'/>", disk))


@pytest.fixture
def domain(handle: Any) -> DomainKey:
    return key_of(handle)


def with_device(device: str, disk: Path) -> str:
    """The XML of a domain with the disk and a device."""
    return domain_xml("vm", MIB, disk=disk).replace("<devices>", f"<devices>{device}")


async def heard(events: EventStream, last: Event) -> list[Event]:
    """What libvirt reports of jobs and disks, until `last` is among it.

    The kernel may tell of the helper of a dump, too, be it another domain's.
    """
    news: list[Event] = []
    async with asyncio.timeout(PATIENCE):
        async for event in events:
            of_helper = isinstance(event, JobBegan) and event.domain.id is None
            if not of_helper and (isinstance(event, JobBegan | BlockJobEvent) or event == last):
                news.append(event)
            if event == last:
                return news
    raise AssertionError(f"the stream ended after {news}")


async def jobs(backend: LibvirtBackend, domain: DomainKey) -> dict[str | None, BlockOperation | JobOperation]:
    """What the domain's disks do."""
    answer = (await backend.block_jobs([domain]))[domain]
    assert not isinstance(answer, BackendError), answer
    return {stats.disk: stats.operation for stats in answer}


def attach(domain: Any, disk: Path, name: str) -> str:
    """Plug in a disk; its XML."""
    xml = (
        f"<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{disk}'/>"
        f"<target dev='{name}' bus='scsi'/></disk>"
    )
    domain.attachDevice(xml)
    return xml


# Events


@pytest.mark.parametrize("operation", [BlockOperation.COMMIT, BlockOperation.PULL], ids=["commit", "pull"])
async def test_a_job_of_some_milliseconds_is_reported_whole(
    backend: LibvirtBackend,
    readonly: LibvirtBackend,
    domain: DomainKey,
    handle: Any,
    disk: Path,
    operation: BlockOperation,
) -> None:
    over = BlockJobEvent(domain, "vda", operation, BlockJobStatus.COMPLETED)
    async with backend.events() as events, readonly.events() as others:
        await asyncio.to_thread(begin, handle, operation, disk)
        assert await heard(events, over) == [JobBegan(domain, block=True), over]
        assert await heard(others, over) == [over]


async def test_the_files_that_a_copy_needs_are_no_jobs(
    backend: LibvirtBackend, domain: DomainKey, handle: Any, disk: Path
) -> None:
    ready = BlockJobEvent(domain, "vda", BlockOperation.COPY, BlockJobStatus.READY)
    async with backend.events() as events:
        await asyncio.to_thread(begin, handle, BlockOperation.COPY, disk)
        assert await heard(events, ready) == [JobBegan(domain, block=True), ready]


async def test_a_job_that_pauses_and_goes_on_begins_once(
    backend: LibvirtBackend, domain: DomainKey, handle: Any, disk: Path
) -> None:
    ready = BlockJobEvent(domain, "vda", BlockOperation.COPY, BlockJobStatus.READY)
    async with backend.events() as events:
        await asyncio.to_thread(begin_held, handle, BlockOperation.COPY, disk)
        for switch in (handle.suspend, handle.resume):  # QEMU pauses its jobs meanwhile.
            await asyncio.to_thread(switch)
        await asyncio.to_thread(release, handle)
        assert await heard(events, ready) == [JobBegan(domain, block=True), ready]


async def test_the_begins_of_streams_are_reported(here: Host, backend: LibvirtBackend, domain: DomainKey) -> None:
    async with backend.events() as events:
        assert await ended(here.virsh("dump", domain.uuid, here.folder / "dump")) == ""
        assert await heard(events, JobBegan(domain, block=False))
    async with backend.events() as events:
        assert await ended(here.virsh("save", domain.uuid, here.folder / "saved")) == ""
        assert await heard(events, JobBegan(domain, block=False))


async def test_a_memory_only_dump_begins_with_its_pause_alone(
    here: Host, backend: LibvirtBackend, domain: DomainKey
) -> None:
    resumed = LifecycleEvent(domain, Lifecycle.RESUMED, "unpaused")
    async with backend.events() as events:
        assert await ended(here.virsh("dump", "--memory-only", domain.uuid, here.folder / "dump")) == ""
        assert await heard(events, resumed) == [resumed]


# Disks


async def test_each_disk_has_a_job_of_its_own(
    here: Host, backend: LibvirtBackend, domain: DomainKey, handle: Any, disk: Path
) -> None:
    second = layered_disk(here.folder, MIB)
    attach(handle, second, "sda")
    await asyncio.to_thread(begin_held, handle, BlockOperation.PULL, second, "sda")
    assert await jobs(backend, domain) == {"sda": BlockOperation.PULL}
    await asyncio.to_thread(begin_held, handle, BlockOperation.COPY, disk)
    assert list((await jobs(backend, domain)).items()) == [("vda", BlockOperation.COPY), ("sda", BlockOperation.PULL)]
    await backend.abort(DiskKey(domain, "vda"))
    assert await eventually(partial(_only, backend, domain, {"sda": BlockOperation.PULL}))


async def _only(backend: LibvirtBackend, domain: DomainKey, expected: dict[str, BlockOperation]) -> bool:
    return await jobs(backend, domain) == expected


@pytest.mark.parametrize("readonly", [False, True], ids=["read-write", "read-only"])
async def test_a_disk_that_is_plugged_in_later_has_jobs_too(
    here: Host, domain: DomainKey, handle: Any, readonly: bool
) -> None:
    second = layered_disk(here.folder, MIB)
    async with LibvirtBackend(here.uri, readonly) as backend:
        assert await jobs(backend, domain) == {}
        xml = await asyncio.to_thread(attach, handle, second, "sda")
        await asyncio.to_thread(begin_held, handle, BlockOperation.COPY, second, "sda")
        assert await eventually(partial(_only, backend, domain, {"sda": BlockOperation.COPY}))
        await asyncio.to_thread(handle.blockJobAbort, "sda", 0)
        await asyncio.to_thread(handle.detachDevice, xml)
        assert await eventually(partial(_only, backend, domain, {}))


async def test_a_disk_that_has_gone_hides_no_other(
    here: Host, backend: LibvirtBackend, domain: DomainKey, handle: Any, disk: Path
) -> None:
    second = layered_disk(here.folder, MIB)
    xml = attach(handle, second, "sda")
    await asyncio.to_thread(begin_held, handle, BlockOperation.COPY, disk)
    assert await jobs(backend, domain) == {"vda": BlockOperation.COPY}
    await asyncio.to_thread(handle.detachDevice, xml)

    async def detached() -> bool:
        assert await jobs(backend, domain) == {"vda": BlockOperation.COPY}
        return await backend.disk_source(DiskKey(domain, "sda")) is None

    assert await eventually(detached)
    assert await jobs(backend, domain) == {"vda": BlockOperation.COPY}


async def test_a_drive_without_a_medium_has_no_jobs(connection: Any, backend: LibvirtBackend, disk: Path) -> None:
    drive = "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/></disk>"
    handle = connection.createXML(with_device(drive, disk))
    domain = key_of(handle)
    await asyncio.to_thread(begin_held, handle, BlockOperation.COPY, disk)
    assert await jobs(backend, domain) == {"vda": BlockOperation.COPY}
    assert await backend.disk_source(DiskKey(domain, "sda")) is None


async def test_a_persistent_domain_has_jobs_too(connection: Any, backend: LibvirtBackend, disk: Path) -> None:
    handle = connection.defineXML(domain_xml("persistent", MIB, disk=disk))
    try:
        handle.create()
        domain = key_of(handle)
        for operation in (BlockOperation.COPY, BlockOperation.COMMIT, BlockOperation.PULL):
            await asyncio.to_thread(begin_held, handle, operation, disk)
            assert await jobs(backend, domain) == {"vda": operation}
            await backend.abort(DiskKey(domain, "vda"))
            assert await eventually(partial(_only, backend, domain, {}))
    finally:
        handle.destroy()
        handle.undefine()


# What is part of something else


async def test_a_backup_is_no_job_of_a_disk(
    here: Host, backend: LibvirtBackend, domain: DomainKey, handle: Any, disk: Path
) -> None:
    description = (
        f"<domainbackup mode='pull'><server transport='unix' socket='{here.folder / 'nbd'}'/><disks>"
        f"<disk name='vda' type='file' exportname='vda'><scratch file='{here.folder / 'scratch'}'/></disk>"
        "</disks></domainbackup>"
    )
    async with backend.events() as events:
        await asyncio.to_thread(handle.backupBegin, description, None, 0)
        assert await heard(events, JobBegan(domain, block=False)) == [JobBegan(domain, block=False)]
    own = await backend.job(domain)
    assert own is not None and own.operation == JobOperation.BACKUP
    assert await jobs(backend, domain) == {}
    assert await backend.job(DiskKey(domain, "vda")) is None
    over = BlockJobEvent(domain, "vda", BlockOperation.PULL, BlockJobStatus.COMPLETED)
    async with backend.events() as events:
        await asyncio.to_thread(handle.abortJob)
        await job_gone(backend, domain)
        await asyncio.to_thread(begin, handle, BlockOperation.PULL, disk)
        assert await heard(events, over) == [JobBegan(domain, block=True), over]


async def test_a_migration_that_takes_its_disks_along_is_one_job(
    here: Host, there: Host, backend: LibvirtBackend, domain: DomainKey, handle: Any, disk: Path
) -> None:
    elsewhere = layered_disk(there.folder, MIB)
    description = here.folder / "there.xml"
    description.write_text(
        handle.XMLDesc(libvirt.VIR_DOMAIN_XML_MIGRATABLE).replace(str(disk.parent), str(elsewhere.parent))
    )
    async with backend.events() as events:
        virsh = here.virsh(
            *("migrate", domain.uuid, there.uri, "--live", "--copy-storage-all", "--bandwidth", "1"),
            *("--migrateuri", "tcp://127.0.0.1", "--xml", description),
        )
        assert await heard(events, JobBegan(domain, block=False)) == [JobBegan(domain, block=False)]
    await arrival(there, domain, virsh)
    own = await backend.job(domain)
    assert own is not None and own.operation == JobOperation.MIGRATION_OUT
    assert await jobs(backend, domain) == {}
    assert await backend.job(DiskKey(domain, "vda")) is None
    # libvirt would answer after half a minute, and then end what the disk does by then.
    asked = time.monotonic()
    with pytest.raises(DomainBusy, match="migration out"):
        await backend.abort(DiskKey(domain, "vda"))
    assert time.monotonic() < asked + DEADLINE
    await backend.abort(domain)
    assert await ended(virsh)


async def test_a_raw_dump_is_refused_for_the_job_of_a_disk(
    here: Host, backend: LibvirtBackend, domain: DomainKey, handle: Any, disk: Path
) -> None:
    await asyncio.to_thread(begin_held, handle, BlockOperation.COPY, disk)
    request = DumpRequest(domain, str(here.folder / "dump"), flags=DumpFlags.NONE)
    with pytest.raises(OperationFailed, match=in_english("domain has active block job")) as refused:
        await backend.call_dump(request)
    assert refused.value.code == 55
    assert await jobs(backend, domain) == {"vda": BlockOperation.COPY}


async def test_a_memory_only_dump_goes_on_beside_the_job_of_a_disk(
    here: Host, backend: LibvirtBackend, domain: DomainKey, handle: Any, disk: Path
) -> None:
    await asyncio.to_thread(begin_held, handle, BlockOperation.COPY, disk)
    await backend.call_dump(DumpRequest(domain, str(here.folder / "dump")))
    assert await jobs(backend, domain) == {"vda": BlockOperation.COPY}


# Ends


async def test_a_copy_to_a_full_disk_fails_and_its_guest_goes_on(
    here: Host, backend: LibvirtBackend, readonly: LibvirtBackend, domain: DomainKey, handle: Any, disk: Path
) -> None:
    before = await backend.disk_source(DiskKey(domain, "vda"))
    failed = BlockJobEvent(domain, "vda", BlockOperation.COPY, BlockJobStatus.FAILED)
    with small_disk(here.folder / "small", MIB // 4) as folder:
        async with backend.events() as events, readonly.events() as others:
            await asyncio.to_thread(copy, handle, target(folder))
            assert await heard(events, failed) == [JobBegan(domain, block=True), failed]
            assert await heard(others, failed) == [failed]
    assert (await backend.find(domain.uuid)).reason == "booted"
    assert await backend.disk_source(DiskKey(domain, "vda")) == before
    assert await backend.job(DiskKey(domain, "vda")) is None


async def test_a_ready_copy_fails_when_its_target_is_full(here: Host, backend: LibvirtBackend) -> None:
    domain = here.machines.start("vm", disk=here.disk(2 * MIB))
    ready, failed = (
        BlockJobEvent(domain, "vda", BlockOperation.COPY, status)
        for status in (BlockJobStatus.READY, BlockJobStatus.FAILED)
    )
    with small_disk(here.folder / "small", MIB // 4) as folder:
        async with backend.events() as events:
            await asyncio.to_thread(copy, here.machines.handle(domain), target(folder))
            await heard(events, ready)
            write = f'qemu-io -d /machine/peripheral/virtio-disk0/virtio-backend "write -P 9 0 {MIB}M"'
            await ended(here.virsh("qemu-monitor-command", "--hmp", domain.uuid, write))
            await heard(events, failed)
    assert (await backend.find(domain.uuid)).reason == "booted"


async def test_a_domain_that_is_destroyed_takes_its_job_along_without_a_word(
    here: Host, backend: LibvirtBackend, domain: DomainKey, handle: Any, disk: Path
) -> None:
    stopped = LifecycleEvent(DomainKey(domain.uuid, None, domain.name), Lifecycle.STOPPED, "destroyed")
    await asyncio.to_thread(begin_held, handle, BlockOperation.COPY, disk)
    async with backend.events() as events:
        await asyncio.to_thread(handle.destroy)
        assert await heard(events, stopped) == [stopped]


# Connections


@pytest.mark.parametrize("operation", [BlockOperation.COPY, BlockOperation.COMMIT], ids=["copy", "commit"])
async def test_a_job_outlives_the_daemon(
    here: Host, backend: LibvirtBackend, domain: DomainKey, handle: Any, disk: Path, operation: BlockOperation
) -> None:
    await asyncio.to_thread(begin_held, handle, operation, disk)
    assert await jobs(backend, domain) == {"vda": operation}
    async with backend.events() as events:
        await asyncio.to_thread(here.daemon.kill)
        await asyncio.to_thread(here.daemon.start)
        await heard(events, ConnectionEvent(True))
        assert await jobs(backend, domain) == {"vda": operation}
        await backend.abort(DiskKey(domain, "vda"))
        over = BlockJobEvent(domain, "vda", operation, BlockJobStatus.CANCELED)
        assert await heard(events, over) == [over]


async def test_a_qemu_that_does_not_answer_keeps_nobody_waiting(
    backend: LibvirtBackend, domain: DomainKey, handle: Any, disk: Path
) -> None:
    ready = BlockJobEvent(domain, "vda", BlockOperation.COPY, BlockJobStatus.READY)
    async with backend.events() as events:
        await asyncio.to_thread(begin, handle, BlockOperation.COPY, disk)
        await heard(events, ready)
        qemu = process_of(domain)
        os.kill(qemu, signal.SIGSTOP)
        try:
            for call in (backend.pivot, backend.job):
                asked = time.monotonic()
                with pytest.raises(NotAnswering):
                    await call(DiskKey(domain, "vda"))
                assert time.monotonic() < asked + 2 * DEADLINE
        finally:
            os.kill(qemu, signal.SIGCONT)
        over = BlockJobEvent(domain, "vda", BlockOperation.COPY, BlockJobStatus.COMPLETED)
        assert await heard(events, over) == [over]  # libvirt has carried the order out all the same.
