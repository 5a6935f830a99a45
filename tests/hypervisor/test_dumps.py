"""Dumps by a real QEMU: the files, and what of it is told."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from backend.dump_request import FORMAT_NAMES, DumpFlags, DumpRequest
from backend.errors import NoJob, NotSupported, OperationCancelled, OperationFailed
from backend.events import DumpEvent, JobEvent
from backend.libvirt.backend import LibvirtBackend
from backend.model import DomainKey, JobOperation
from backend.observing.wait import wait
from backend.outcome import Verdict
from backend.records.record import JobRecord, RecordState
from backend.running.start import start_dump
from tests.contract.steps import dump_of, eventually, job_seen
from tests.hypervisor.daemon import HOSTILE, SYSTEM, Machines, is_dump, unique, virsh_dump
from tests.hypervisor.disk import small_disk
from tests.hypervisor.helper import Held
from tests.language import in_english

pytestmark = pytest.mark.hypervisor


@pytest.mark.parametrize("format_name", ["elf", "kdump-zlib", "raw"])
async def test_the_file_is_of_the_format(
    machines: Machines, backend: LibvirtBackend, tmp_path: Path, format_name: str
) -> None:
    await backend.call_dump(dump_of(machines.start(unique(HOSTILE)), tmp_path / "dump", format_name))
    assert is_dump(tmp_path / "dump", format_name)


async def test_a_format_that_qemu_lacks_is_named_before_anything_happens(
    machines: Machines, backend: LibvirtBackend, tmp_path: Path
) -> None:
    lacking = next((name for name, reason in backend.capabilities.formats.items() if reason), None)
    if lacking is None:
        pytest.skip("this QEMU has every format")
    with pytest.raises(NotSupported, match=f"{lacking}: this host's QEMU was built without it"):
        await start_dump(backend, dump_of(machines.start(unique("vm")), tmp_path / "dump", lacking))


async def test_the_daemon_says_the_same_of_it(machines: Machines, backend: LibvirtBackend, tmp_path: Path) -> None:
    lacking = [name for name, reason in backend.capabilities.formats.items() if reason]
    domain = machines.start(unique("vm"))
    for name in FORMAT_NAMES.keys() & set(lacking):
        with pytest.raises(NotSupported, match=in_english(f"unsupported dumpformat '{name}'")) as refused:
            await backend.call_dump(dump_of(domain, tmp_path / "dump", name))
        assert name in refused.value.message


async def test_a_full_disk_is_the_dumps_own_error(machines: Machines, backend: LibvirtBackend, tmp_path: Path) -> None:
    with small_disk(tmp_path / "small") as disk:
        with pytest.raises(OperationFailed, match="No space left on device") as failed:
            await backend.call_dump(dump_of(machines.start(unique("vm")), disk / "dump"))
        assert failed.value.code == 9


async def test_an_aborted_stream_is_cancelled(machines: Machines, backend: LibvirtBackend, tmp_path: Path) -> None:
    domain = machines.start(unique("vm"), filled=True)
    with Held(tmp_path / "dump") as held:
        dumping = asyncio.create_task(backend.call_dump(dump_of(domain, tmp_path / "dump", "raw")))
        await job_seen(backend, domain)
        await backend.abort(domain)
        held.release()
        with pytest.raises(OperationCancelled) as cancelled:
            await dumping
    assert cancelled.value.code == 78


async def test_a_memory_only_dump_cannot_be_aborted(
    machines: Machines, backend: LibvirtBackend, tmp_path: Path
) -> None:
    domain = machines.start(unique("vm"))
    with Held(tmp_path / "dump"):
        dump = virsh_dump(SYSTEM, domain, tmp_path / "dump", "--memory-only")
        await job_seen(backend, domain)
        with pytest.raises(NotSupported, match=in_english("cannot abort memory-only dump")):
            await backend.abort(domain)
    await asyncio.to_thread(dump.wait)
    with pytest.raises(NoJob):
        await backend.abort(domain)


async def test_qemus_own_word_on_a_dump_is_an_event(
    machines: Machines, backend: LibvirtBackend, tmp_path: Path
) -> None:
    domain = machines.start(unique("vm"))
    async with backend.events() as events:
        await backend.call_dump(dump_of(domain, tmp_path / "dump"))
        async for event in events:
            if isinstance(event, DumpEvent) and event.domain == domain:  # Others have dumps on this daemon, too.
                assert event == DumpEvent(domain, True, "")
                break


async def test_qemus_failure_comes_with_its_reason(machines: Machines, backend: LibvirtBackend, tmp_path: Path) -> None:
    domain = machines.start(unique("vm"))
    async with backend.events() as events:
        with small_disk(tmp_path / "small") as disk, pytest.raises(OperationFailed):
            await backend.call_dump(dump_of(domain, disk / "dump"))
        async for event in events:
            if isinstance(event, DumpEvent) and event.domain == domain:  # Others have dumps on this daemon, too.
                assert not event.completed
                assert event.error
                break


async def test_a_stream_dump_leaves_its_stats_as_an_event_and_unconsumed(
    machines: Machines, backend: LibvirtBackend, readonly: LibvirtBackend, tmp_path: Path
) -> None:
    domain = machines.start(unique("vm"))
    async with backend.events() as events:
        await backend.call_dump(dump_of(domain, tmp_path / "dump", "raw"))
        async for event in events:
            if isinstance(event, JobEvent) and event.domain == domain:
                assert (event.domain, event.stats.operation) == (domain, JobOperation.DUMP)
                break
    first = await readonly.last_job(domain)
    assert first is not None
    assert await backend.last_job(domain) == first


async def test_the_result_is_in_the_domains_metadata(
    machines: Machines, backend: LibvirtBackend, readonly: LibvirtBackend, tmp_path: Path
) -> None:
    domain = machines.start(unique(HOSTILE))
    started = await start_dump(backend, dump_of(domain, tmp_path / "dump"))
    assert (await wait(backend, domain, record=started)).verdict is Verdict.COMPLETED

    async def published() -> JobRecord | None:
        found = await readonly.record(domain)
        return found if found is not None and found.state is RecordState.COMPLETED else None

    record = await eventually(published)
    assert record is not None
    assert (record.id, record.path) == (started.id, str(tmp_path / "dump"))


async def test_foreign_metadata_is_no_record(machines: Machines, backend: LibvirtBackend) -> None:
    domain = machines.start(unique("vm"))
    machines.handle(domain).setMetadata(2, "<job state='completed' id='x'/>", "virt-jobs", "urn:virt-jobs:record:1", 1)
    assert await backend.record(domain) is None


async def test_the_flags_that_exclude_each_other_are_refused_by_libvirt(
    machines: Machines, backend: LibvirtBackend, tmp_path: Path
) -> None:
    flags = DumpFlags.MEMORY_ONLY | DumpFlags.CRASH | DumpFlags.RESET
    domain: DomainKey = machines.start(unique("vm"))
    with pytest.raises(NotSupported, match=in_english("mutually exclusive")):
        await backend.call_dump(DumpRequest(domain, str(tmp_path / "dump"), flags=flags))
