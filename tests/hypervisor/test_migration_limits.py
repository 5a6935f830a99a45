"""What a migration out has to keep to, on a real daemon."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from backend.errors import DomainNotRunning, NoJob, NotPermitted, NotSupported
from backend.libvirt.backend import LibvirtBackend
from backend.model import DomainKey, MigrationLimits
from tests.contract.steps import job_seen
from tests.hypervisor.operations import Host, arrival, ended

pytestmark = pytest.mark.hypervisor

MIB = 1 << 20


@pytest.fixture
async def backend(here: Host) -> AsyncIterator[LibvirtBackend]:
    async with LibvirtBackend(here.uri) as backend:
        yield backend


@pytest.fixture
async def readonly(here: Host) -> AsyncIterator[LibvirtBackend]:
    async with LibvirtBackend(here.uri, readonly=True) as backend:
        yield backend


@pytest.fixture
def domain(here: Host) -> DomainKey:
    return here.machines.start("vm")


async def test_a_domain_has_limits_before_it_migrates(backend: LibvirtBackend, domain: DomainKey) -> None:
    assert await backend.migration_limits(domain) == MigrationLimits(max_downtime=300, bandwidth=0)


@pytest.mark.parametrize(
    ("change", "limits"),
    [
        (MigrationLimits(max_downtime=900), MigrationLimits(900, 0)),
        (MigrationLimits(bandwidth=8 * MIB), MigrationLimits(300, 8 * MIB)),
        (MigrationLimits(max_downtime=5, bandwidth=MIB), MigrationLimits(5, MIB)),
        (MigrationLimits(bandwidth=1), MigrationLimits(300, MIB)),  # libvirt counts in MiB, and 0 would be no limit.
        (MigrationLimits(bandwidth=2**70), MigrationLimits(300, 0)),
        (MigrationLimits(), MigrationLimits(300, 0)),
    ],
)
async def test_limits_can_be_changed(
    backend: LibvirtBackend, domain: DomainKey, change: MigrationLimits, limits: MigrationLimits
) -> None:
    await backend.limit_migration(domain, change)
    assert await backend.migration_limits(domain) == limits


async def test_a_limit_can_be_lifted(backend: LibvirtBackend, domain: DomainKey) -> None:
    await backend.limit_migration(domain, MigrationLimits(bandwidth=MIB))
    await backend.limit_migration(domain, MigrationLimits(bandwidth=0))
    assert await backend.migration_limits(domain) == MigrationLimits(300, 0)


async def test_a_running_migration_keeps_to_what_it_is_told(here: Host, there: Host, backend: LibvirtBackend) -> None:
    domain = here.machines.start("vm", 64, filled=True)
    virsh = here.virsh(
        *("migrate", domain.uuid, there.uri, "--live", "--unsafe"),
        *("--migrateuri", "tcp://127.0.0.1", "--bandwidth", "1"),
    )
    await arrival(there, domain, virsh)
    await job_seen(backend, domain)
    assert await backend.migration_limits(domain) == MigrationLimits(300, MIB)
    await backend.limit_migration(domain, MigrationLimits(700, 2 * MIB))
    assert await backend.migration_limits(domain) == MigrationLimits(700, 2 * MIB)
    with pytest.raises(NotSupported):  # It was not begun for it.
        await backend.start_postcopy(domain)
    with pytest.raises(NotSupported):  # It is not in that phase.
        await backend.abort(domain, postcopy=True)
    await backend.limit_migration(domain, MigrationLimits(bandwidth=0))
    assert await ended(virsh) == ""


async def test_a_read_only_connection_sees_the_downtime_alone(readonly: LibvirtBackend, domain: DomainKey) -> None:
    assert await readonly.migration_limits(domain) == MigrationLimits(max_downtime=300)
    assert readonly.capabilities.migration
    with pytest.raises(NotPermitted, match="read only access prevents"):
        await readonly.limit_migration(domain, MigrationLimits(max_downtime=900))
    with pytest.raises(NotPermitted, match="read only access prevents"):
        await readonly.start_postcopy(domain)
    with pytest.raises(NotPermitted, match="read only access prevents"):
        await readonly.abort(domain, postcopy=True)


async def test_without_a_migration_there_is_nothing_to_switch_over(backend: LibvirtBackend, domain: DomainKey) -> None:
    assert backend.capabilities.migration is None
    with pytest.raises(NoJob):
        await backend.start_postcopy(domain)
    with pytest.raises(NoJob):
        await backend.abort(domain, postcopy=True)


async def test_a_domain_that_is_off_has_no_limits(here: Host, backend: LibvirtBackend) -> None:
    domain = here.machines.define("off")
    with pytest.raises(DomainNotRunning):
        await backend.migration_limits(domain)
    with pytest.raises(DomainNotRunning):
        await backend.limit_migration(domain, MigrationLimits(bandwidth=MIB))
    with pytest.raises(DomainNotRunning):
        await backend.start_postcopy(domain)
