"""What a witness tells in a domain's metadata, and what others write there: on a real daemon, and from another host."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from shutil import rmtree

import libvirt
import pytest

from backend.libvirt.backend import LibvirtBackend
from backend.libvirt.metadata import CLAIMS_URN
from backend.model import DomainKey, JobOperation
from backend.observing.claims import ClaimPublisher, claimed_jobs
from backend.observing.memory import Memory
from backend.observing.witness import watch_and_witness
from backend.outcome import Evidence, Verdict
from backend.records.entry import JobEntry
from backend.records.entry_xml import to_xml
from backend.records.history import History, Query
from tests.contract.steps import PATIENCE, eventually
from tests.hypervisor.daemon import Machines, virsh_dump
from tests.hypervisor.tls import TlsDaemon

pytestmark = pytest.mark.hypervisor


@pytest.fixture(scope="module")
def tls_daemon() -> Iterator[TlsDaemon]:
    folder = Path(tempfile.mkdtemp(prefix="vj-"))
    daemon = TlsDaemon(folder)
    daemon.start()
    yield daemon
    daemon.stop()
    rmtree(folder, ignore_errors=True)


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that every user can write to."""
    with tempfile.TemporaryDirectory(prefix="vj-files-") as name:
        folder = Path(name)
        folder.chmod(0o777)
        yield folder


@pytest.fixture
async def readers(tls_daemon: TlsDaemon) -> AsyncIterator[dict[str, LibvirtBackend]]:
    async with AsyncExitStack() as stack:
        yield {
            "local": await stack.enter_async_context(LibvirtBackend(tls_daemon.uri)),
            "read-only": await stack.enter_async_context(LibvirtBackend(tls_daemon.uri, readonly=True)),
            "remote": await stack.enter_async_context(LibvirtBackend(tls_daemon.remote_uri, readonly=True)),
        }


def write(uri: str, domain: DomainKey, xml: str) -> None:
    """Write metadata as anybody can who may modify the domain."""
    connection = libvirt.open(uri)
    try:
        element, live = libvirt.VIR_DOMAIN_METADATA_ELEMENT, libvirt.VIR_DOMAIN_AFFECT_LIVE
        connection.lookupByUUIDString(domain.uuid).setMetadata(element, xml, "virt-jobs-witness", CLAIMS_URN, live)
    finally:
        connection.close()


async def test_a_dump_that_a_witness_saw_is_told_to_all_and_known_forgeries_to_none(
    tls_daemon: TlsDaemon, readers: dict[str, LibvirtBackend], folder: Path, tmp_path: Path
) -> None:
    history = History(tmp_path / "history.db")
    with Machines(tls_daemon.uri) as machines:
        domain = machines.start("claimed", 64)
        async with LibvirtBackend(tls_daemon.uri) as backend:
            publisher = ClaimPublisher(backend, history)
            memory = Memory(history, "witness", publisher.tell)
            await backend.domains()
            witness = asyncio.create_task(watch_and_witness(backend, memory, publisher=publisher))
            try:
                await asyncio.sleep(0.5)  # The watcher has listed the domain.
                dump = virsh_dump(tls_daemon.uri, domain, folder / "dump", "--memory-only")
                assert await asyncio.to_thread(dump.wait, PATIENCE) == 0

                async def told() -> bool:
                    return all([len(await reader.claims(domain)) == 1 for reader in readers.values()])

                await eventually(told)
                (true,) = history.jobs(Query(name=domain.uuid))
                for reader in readers.values():
                    (claim,) = await claimed_jobs(reader, domain, [], trusted=False)
                    assert (claim.verdict, claim.evidence) == (Verdict.COMPLETED, Evidence.SHARED)
                    assert (claim.operation, claim.path) == (JobOperation.DUMP, str(folder / "dump"))
                    assert true.observer in claim.detail
                for reader in readers.values():
                    await _believes_nothing_forged(tls_daemon, reader, domain, true)
            finally:
                witness.cancel()
                await asyncio.gather(witness, return_exceptions=True)
                memory.close()


async def _believes_nothing_forged(
    daemon: TlsDaemon, reader: LibvirtBackend, domain: DomainKey, true: JobEntry
) -> None:
    """Of somebody who knows the truth: whatever is written, it is left out."""
    failed = replace(true, verdict=Verdict.FAILED, detail="forged")
    forged = [
        failed,
        replace(failed, domain_id=99),
        replace(failed, operation=JobOperation.SAVE),
        replace(failed, id="x"),
    ]
    for xml in [to_xml([entry]) for entry in forged] + [
        to_xml(forged),
        "<jobs/>",
        "<jobs>" + "<job/>" * 9999 + "</jobs>",
    ]:
        write(daemon.uri, domain, xml)
        assert await claimed_jobs(reader, domain, [true], trusted=False) == []
        assert await claimed_jobs(reader, domain, [], trusted=True) == []


async def test_a_claim_outlives_the_run_of_a_persistent_domain(tls_daemon: TlsDaemon, tmp_path: Path) -> None:
    with Machines(tls_daemon.uri) as machines:
        domain = machines.start("kept", 32)
        connection = libvirt.open(tls_daemon.uri)
        handle = connection.lookupByUUIDString(domain.uuid)
        connection.defineXML(handle.XMLDesc(0))
        try:
            entry = JobEntry(
                id="1",
                uri=tls_daemon.uri,
                uuid=domain.uuid,
                domain=domain.name,
                domain_id=domain.id,
                operation=JobOperation.SAVE,
                disk=None,
                began=1000.0,
                exact=True,
                observer="root@hv3 (witness)",
                ended=1001.0,
                verdict=Verdict.COMPLETED,
                evidence=Evidence.LIFECYCLE,
            )
            async with LibvirtBackend(tls_daemon.uri) as backend, LibvirtBackend(tls_daemon.remote_uri, True) as remote:
                await backend.publish_claims(domain, [entry])
                handle.destroy()
                off = replace(domain, id=None)
                assert list(await remote.claims(off)) == [entry]
                await backend.publish_claims(off, [entry, replace(entry, id="2", began=900.0, ended=901.0)])
                assert len(await remote.claims(off)) == 2
        finally:
            handle.undefine()
            connection.close()
