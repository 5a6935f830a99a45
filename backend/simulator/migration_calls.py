"""The calls of the simulated hypervisor about a migration to another host."""

from __future__ import annotations

from backend.errors import NoJob
from backend.job_stats import Postcopy
from backend.model import DomainKey, MigrationLimits
from backend.simulator import effects, refusals
from backend.simulator.hypervisor import Hypervisor
from backend.simulator.machine import Machine
from backend.simulator.plans import migration
from backend.simulator.plans.migration import MAX_DOWNTIME, Migration
from backend.simulator.plans.plan import Stage


def limits(hypervisor: Hypervisor, domain: DomainKey) -> MigrationLimits:
    """What the domain's migration has to keep to, or one that began now."""
    hypervisor.apply_due()
    try:
        return _migration(hypervisor, hypervisor.active(domain)).limits
    except NoJob:
        return MigrationLimits(MAX_DOWNTIME, 0)


def limit(hypervisor: Hypervisor, domain: DomainKey, changed: MigrationLimits) -> None:
    """Change those of the migration's limits that are not None. NoJob without a migration."""
    hypervisor.apply_due()
    with hypervisor.store.transaction():
        plan = _migration(hypervisor, hypervisor.active(domain))
        hypervisor.store.put_plan(migration.limited(plan, hypervisor.clock(), changed))


def start_postcopy(hypervisor: Hypervisor, domain: DomainKey) -> None:
    """Start the post-copy phase. NoJob without a migration, NotSupported if it was not begun for that."""
    hypervisor.apply_due()
    with hypervisor.store.transaction():
        machine = hypervisor.active(domain)
        before = _migration(hypervisor, machine)
        after = migration.postcopy_started(before, hypervisor.clock())
        hypervisor.store.put_plan(after)
        if before.phase is None and after.phase is Postcopy.ACTIVE:
            hypervisor.schedule.apply(effects.start_postcopy(machine))


def _migration(hypervisor: Hypervisor, machine: Machine) -> Migration:
    plan = hypervisor.store.plan(machine.uuid)
    if not isinstance(plan, Migration) or plan.stage is Stage.PENDING:
        raise refusals.no_migration()
    return plan
