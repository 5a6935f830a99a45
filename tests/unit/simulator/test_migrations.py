"""Migrations over a simulator whose clock the test sets: which end, and what helps the others."""

from __future__ import annotations

import pytest

from backend.errors import DomainBusy, NoJob, NotPermitted, NotSupported
from backend.event_stream import EventStream
from backend.events import (
    JobEvent,
    LifecycleEvent,
)
from backend.job_stats import JobType
from backend.model import DomainKey, DomainState, MigrationLimits
from backend.simulator import SimulatorBackend
from backend.simulator.options import MIB
from tests.unit.simulator.conftest import Clock
from tests.unit.simulator.lab import state_of, stats_of, told


async def restless(backend: SimulatorBackend, domain: DomainKey) -> None:
    """Begin a migration that does not end by itself."""
    await backend.begin_migration(domain, 10, load=1.5, working_set=200 * MIB)


async def ends(backend: SimulatorBackend, domain: DomainKey, clock: Clock, seconds: float = 600) -> bool:
    clock.advance(seconds)
    return (await backend.find(domain.name)).reason == "migrated"


async def test_a_migration_of_a_quiet_guest_ends(
    backend: SimulatorBackend, domain: DomainKey, clock: Clock, events: EventStream
) -> None:
    await backend.begin_migration(domain, 10, load=0.5, working_set=200 * MIB)
    assert await ends(backend, domain, clock)
    seen = await told(backend, events)
    assert [event.detail for event in seen if isinstance(event, LifecycleEvent)] == ["migrated", "migrated"]
    [ended] = [event.stats for event in seen if isinstance(event, JobEvent)]
    assert ended.type is JobType.COMPLETED
    assert 0 < (ended.downtime or 0) <= 300


async def test_one_of_a_restless_guest_goes_on_for_ever(
    backend: SimulatorBackend, domain: DomainKey, clock: Clock
) -> None:
    await restless(backend, domain)
    assert not await ends(backend, domain, clock, 86400)
    stats = await stats_of(backend, domain)
    assert (stats.memory_iteration or 0) > 1000 and (stats.downtime or 0) > 300


async def test_it_ends_once_more_downtime_is_allowed(
    backend: SimulatorBackend, domain: DomainKey, clock: Clock
) -> None:
    await restless(backend, domain)
    clock.advance(60)
    assert await backend.migration_limits(domain) == MigrationLimits(300, 0)
    await backend.limit_migration(domain, MigrationLimits(max_downtime=3000))
    assert await backend.migration_limits(domain) == MigrationLimits(3000, 0)
    assert await ends(backend, domain, clock)


async def test_it_ends_once_it_may_send_faster(backend: SimulatorBackend, domain: DomainKey, clock: Clock) -> None:
    await backend.begin_migration(domain, 10, load=0.8, working_set=200 * MIB, bandwidth=50 * MIB)
    assert not await ends(backend, domain, clock)
    await backend.limit_migration(domain, MigrationLimits(bandwidth=0))
    assert await ends(backend, domain, clock)


async def test_it_ends_once_postcopy_is_started(
    backend: SimulatorBackend, domain: DomainKey, clock: Clock, events: EventStream
) -> None:
    await restless(backend, domain)
    clock.advance(60)
    await backend.start_postcopy(domain)
    assert await state_of(backend, domain) == (DomainState.PAUSED, "post-copy")
    assert await ends(backend, domain, clock)
    details = [event.detail for event in await told(backend, events) if isinstance(event, LifecycleEvent)]
    assert details == ["post-copy", "migrated"]


async def test_a_failed_postcopy_leaves_the_guest_paused_and_the_job_there(
    backend: SimulatorBackend, domain: DomainKey, clock: Clock, events: EventStream
) -> None:
    await restless(backend, domain)
    clock.advance(60)
    await backend.start_postcopy(domain)
    with pytest.raises(NotSupported, match="cannot abort migration in post-copy mode"):
        await backend.abort(domain)
    await backend.abort(domain, postcopy=True)
    assert await state_of(backend, domain) == (DomainState.PAUSED, "post-copy failed")
    assert not await ends(backend, domain, clock)
    assert (await stats_of(backend, domain)).type is JobType.UNBOUNDED
    with pytest.raises(DomainBusy):
        await backend.resume(domain)
    await backend.recover_postcopy(domain)
    assert await state_of(backend, domain) == (DomainState.PAUSED, "post-copy")
    assert await ends(backend, domain, clock)
    details = [event.detail for event in await told(backend, events) if isinstance(event, LifecycleEvent)]
    assert details == ["post-copy", "post-copy error", "post-copy", "migrated"]


async def test_an_aborted_migration_lets_the_guest_run_here(
    backend: SimulatorBackend, domain: DomainKey, clock: Clock
) -> None:
    await restless(backend, domain)
    clock.advance(60)
    with pytest.raises(NotSupported, match="not outgoing migration in post-copy mode"):
        await backend.abort(domain, postcopy=True)
    await backend.abort(domain)
    clock.advance(1)
    assert await backend.job(domain) is None
    assert (await state_of(backend, domain))[0] is DomainState.RUNNING


async def test_without_a_migration_there_are_no_limits_to_change(
    backend: SimulatorBackend, readonly: SimulatorBackend, domain: DomainKey
) -> None:
    assert await backend.migration_limits(domain) == MigrationLimits(300, 0)
    with pytest.raises(NoJob):
        await backend.limit_migration(domain, MigrationLimits(500))
    with pytest.raises(NoJob):
        await backend.start_postcopy(domain)
    for refused in (readonly.limit_migration(domain, MigrationLimits(500)), readonly.start_postcopy(domain)):
        with pytest.raises(NotPermitted):
            await refused
