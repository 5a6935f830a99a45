"""What a backend says of a backup beside its stats."""

from __future__ import annotations

import pytest

from backend.base import Backend
from backend.errors import BackendError
from backend.model import DomainKey, JobOperation
from tests.contract.harness import DISK, DISK_MIB, Harness

every_mode = pytest.mark.parametrize("pull", [True, False], ids=["pull", "push"])


@pytest.fixture
async def domain(harness: Harness) -> DomainKey:
    if reason := harness.lacks("backups"):
        pytest.skip(reason)
    return await harness.with_disk("vm")


@every_mode
async def test_a_backup_tells_its_disks_and_how_they_are_read(
    harness: Harness, backend: Backend, readonly: Backend, domain: DomainKey, pull: bool
) -> None:
    async with harness.backup(domain, pull):
        backup = await backend.backup(domain)
        assert backup is not None and backup.pull is pull
        (disk,) = backup.disks
        assert disk.disk == DISK and disk.image.startswith("/") and disk.incremental == ""
        assert bool(backup.server) is bool(disk.export) is pull
        if pull:
            assert disk.export.startswith("nbd+unix:///vda?socket=/")
        assert await readonly.backup(domain) == backup
        stats = await backend.job(domain)
        assert stats is not None and stats.operation is JobOperation.BACKUP and stats.pull_backup is pull
        assert (stats.disk_temp_total if pull else stats.disk_total) == DISK_MIB << 20


@every_mode
async def test_a_backup_that_is_over_is_none(harness: Harness, backend: Backend, domain: DomainKey, pull: bool) -> None:
    assert await backend.backup(domain) is None
    async with harness.backup(domain, pull):
        pass
    assert await backend.backup(domain) is None


async def test_other_jobs_are_no_backups(harness: Harness, backend: Backend, domain: DomainKey) -> None:
    path = harness.folder / "core"
    async with harness.held(path):
        await harness.foreign_dump(domain, path)
        assert await backend.backup(domain) is None


async def test_the_backup_of_a_run_that_is_over_is_not_told(
    harness: Harness, backend: Backend, domain: DomainKey
) -> None:
    await harness.destroy(domain)
    with pytest.raises(BackendError):
        await backend.backup(domain)
