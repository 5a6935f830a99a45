"""What people and scripts are used to from virsh, held against virsh itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.cli.conftest import VirtJobs
from tests.hypervisor.daemon import SYSTEM, Machines, unique

pytestmark = pytest.mark.hypervisor


async def said(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    return out.decode()


async def test_the_stats_of_a_completed_job_are_virshs_to_the_last_blank(machines: Machines, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    domain = machines.start(unique("-completed"))
    virsh = ("virsh", "-c", SYSTEM)
    await said(*virsh, "dump", domain.uuid, str(tmp_path / "dump"))
    ours = await VirtJobs(SYSTEM)("info", "--completed", "--", domain.name)
    theirs = await said(*virsh, "domjobinfo", "--completed", "--keep-completed", domain.uuid)
    assert "Total downtime:" in theirs
    assert ours.out == theirs
