"""Waits for backups: what `wait` says, held against what virsh itself returned."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backend.model import JobOperation
from backend.verdicts.verdict import Evidence, Outcome, Verdict
from tests.hypervisor.disk import small_disk
from tests.hypervisor.operations import Act, Host, abort, attached, destroy, ended, nothing

pytestmark = pytest.mark.hypervisor


async def backed_up(host: Host, folder: Path, act: Act, data: int = 256) -> Outcome:
    """How a backup ends; `act` is done, and it is let go, when everybody is attached."""
    domain = host.machines.start("vm", disk=host.disk(2048, data))
    description = host.folder / "backup.xml"
    description.write_text(
        "<domainbackup mode='push'><disks><disk name='vda' type='file'>"
        f"<target file='{folder / 'backup'}'/><driver type='qcow2'/></disk></disks></domainbackup>"
    )
    # One process does both: until it is slowed down, the backup does in a second what it has to do.
    script = f"backup-begin {domain.uuid} {description}; qemu-monitor-command {domain.uuid} '{_speed(1 << 20)}'"
    assert await ended(host.virsh(script)) == ""
    async with attached(host, domain, JobOperation.BACKUP) as waiting:
        await act(host, domain)
        await ended(host.virsh("qemu-monitor-command", domain.uuid, _speed(0)))  # It may be gone by now.
        return await waiting.outcome()


def _speed(speed: int) -> str:
    """What tells QEMU the bytes/s of a backup, 0: no limit. libvirt has no call for it."""
    job = {"device": "backup-vda-libvirt-1-format", "speed": speed}
    return json.dumps({"execute": "block-job-set-speed", "arguments": job})


async def test_a_backup(here: Host) -> None:
    outcome = await backed_up(here, here.folder, nothing)
    assert (outcome.verdict, outcome.evidence) == (Verdict.COMPLETED, Evidence.JOB_EVENT)


async def test_an_aborted_backup(here: Host) -> None:
    outcome = await backed_up(here, here.folder, abort)
    assert (outcome.verdict, outcome.evidence) == (Verdict.CANCELLED, Evidence.JOB_EVENT)


async def test_a_backup_onto_a_full_disk(here: Host) -> None:
    # It must not be full before somebody is attached.
    with small_disk(here.folder / "small", 240) as folder:
        outcome = await backed_up(here, folder, nothing)
    assert (outcome.verdict, outcome.evidence, outcome.error) == (
        Verdict.FAILED,
        Evidence.JOB_EVENT,
        "No space left on device",
    )


async def test_a_backup_whose_domain_is_destroyed(here: Host) -> None:
    outcome = await backed_up(here, here.folder, destroy)
    assert outcome.verdict is Verdict.FAILED
