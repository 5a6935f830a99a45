"""What `info` says beside the statistics that virsh prints."""

from __future__ import annotations

import pytest

from tests.cli.conftest import VirtJobs
from tests.contract.harness import DISK, Harness

every_mode = pytest.mark.parametrize("pull", [True, False], ids=["pull", "push"])


@pytest.fixture(autouse=True)
def disks(harness: Harness) -> None:
    if reason := harness.lacks("backups"):
        pytest.skip(reason)


@every_mode
async def test_a_backups_disks(harness: Harness, virt_jobs: VirtJobs, pull: bool) -> None:
    async with harness.backup(await harness.with_disk("db-01"), pull):
        ended = await virt_jobs("info", "db-01")
        [printed] = (await virt_jobs("info", "db-01", "--json")).objects
    report = printed["job"]["backup"]
    (disk,) = report["disks"]
    assert (report["mode"], disk["disk"], disk["incremental"]) == ("pull" if pull else "push", DISK, None)
    first, second = ended.err.splitlines()
    if pull:
        assert disk["target"] is None and disk["export"].startswith("nbd+unix:///vda?socket=/")
        ends = f"pull backup, ends when its client ends it; NBD server: {report['server']}"
        where = f"export {disk['export']}; scratch {disk['scratch']}"
    else:
        assert (report["server"], disk["scratch"], disk["export"]) == (None, None, None)
        ends, where = "push backup, ends by itself", f"to {disk['target']}"
    assert (first, second) == (f"virt-jobs: db-01: {ends}", f"virt-jobs: db-01: vda: {where}")
    assert ended.out.startswith("Job type:         Unbounded   \nOperation:        Backup")


async def test_a_disk_that_the_domain_does_not_have(harness: Harness, virt_jobs: VirtJobs) -> None:
    await harness.with_disk("db-01")
    for arguments in ([], ["--json"], ["--follow"]):
        ended = await virt_jobs("info", "db-01", "--disk", "vdz", *arguments)
        assert (ended.code, ended.out) == (7, "")
        assert ended.err == "virt-jobs: db-01 has no disk 'vdz': it has vda\n"


async def test_a_disk_without_a_job(harness: Harness, virt_jobs: VirtJobs) -> None:
    await harness.with_disk("db-01")
    ended = await virt_jobs("info", "db-01", "--disk", "vda")
    assert (ended.code, ended.out) == (0, "Job type:         None        \n\n")
    assert ended.err == "virt-jobs: db-01 has no job on disk vda\n"
