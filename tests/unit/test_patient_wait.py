"""A wait on a connection that stays lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from backend.dump_request import DumpRequest
from backend.errors import NoConnection
from backend.model import BlockOperation, DiskKey
from backend.outcome import Verdict
from backend.simulator import SimulatorBackend
from backend.verdicts import block_attachment, phase
from tests.contract.steps import PATIENCE, attach, job_seen
from tests.simulator_hold import HELD, Hold, outage, release_block_job

URI = "sim:///patient?domains=0&rate=300"


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits give up soon."""
    for module in (phase, block_attachment):
        monkeypatch.setattr(module, "RECONNECT_GRACE", 0.1)


@pytest.mark.usefixtures("short")
async def test_one_that_is_patient_learns_the_end_when_the_connection_is_back(tmp_path: Path) -> None:
    path = tmp_path / "core"
    with Hold(URI, path) as hold:
        async with SimulatorBackend(URI) as others, SimulatorBackend(f"{URI}&fail=disconnect") as backend:
            domain = await others.start((await others.define("vm", 8 << 20)).key)
            await others.begin_dump(DumpRequest(domain, str(path)))
            await job_seen(backend, domain)
            patient, other = await attach(backend, domain, patient=True), await attach(backend, domain)
            with outage(URI):
                with pytest.raises(NoConnection):
                    await asyncio.wait_for(other, PATIENCE)
                assert not patient.done()
            hold.release()
            outcome = await asyncio.wait_for(patient, PATIENCE)
    assert outcome.verdict is Verdict.COMPLETED


@pytest.mark.usefixtures("short")
async def test_so_does_one_for_the_job_of_a_disk() -> None:
    async with SimulatorBackend(URI) as others, SimulatorBackend(f"{URI}&fail=disconnect") as backend:
        domain = await others.start((await others.define("vm", 8 << 20, 64 << 20)).key)
        disk = DiskKey(domain, "vda")
        await others.begin_block_job(disk, BlockOperation.PULL, HELD)
        options = {"operation": None, "disk": "vda", "holds_file": False}
        looked = asyncio.Event()
        patient = await attach(backend, domain, lambda _: looked.set(), patient=True, **options)
        other = await attach(backend, domain, **options)
        with outage(URI):
            with pytest.raises(NoConnection):
                await asyncio.wait_for(other, PATIENCE)
            assert not patient.done()
            looked.clear()
        await asyncio.wait_for(looked.wait(), PATIENCE)  # An end that comes before proves nothing: it may be another's.
        release_block_job(URI, disk)
        outcome = await asyncio.wait_for(patient, PATIENCE)
    assert (outcome.verdict, outcome.disk) == (Verdict.COMPLETED, "vda")
