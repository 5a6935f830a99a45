"""What tests and demonstrations do to the domains of a simulator, beside the calls that every hypervisor has."""

from __future__ import annotations

from dataclasses import replace

from backend.errors import OperationFailed
from backend.events import Event, Lifecycle, LifecycleEvent
from backend.model import BlockOperation, DiskKey, DomainKey, DomainState
from backend.simulator import disks, effects, refusals
from backend.simulator.hypervisor import Hypervisor
from backend.simulator.machine import Machine, new_machine
from backend.simulator.plans import backup, block_job, migration
from backend.simulator.plans import plan as plans
from backend.simulator.plans.migration import Migration
from backend.simulator.plans.panic import panic_dump
from backend.simulator.plans.plan import Stage
from backend.text import clean


def define(hypervisor: Hypervisor, name: str, memory: int, disk: int | None) -> Machine:
    """A new domain of `memory` and `disk` bytes, shut off; the existing one if the name is taken."""
    with hypervisor.store.transaction():
        machine = new_machine(hypervisor.options.name, name, hypervisor.store.next_number(), memory)
        existing = hypervisor.store.machine(machine.uuid)
        if existing is None:
            machine = machine.with_new_disks(disk)
            hypervisor.store.put_machines([machine])
            hypervisor.store.add_events([LifecycleEvent(machine.key, Lifecycle.DEFINED, "added")])
        return existing or machine


def rename(hypervisor: Hypervisor, domain: DomainKey, name: str) -> Machine:
    """Rename a domain that is shut off. OperationFailed if it is running, or if the name is taken."""
    hypervisor.apply_due()
    with hypervisor.store.transaction():
        machine = hypervisor.machine(domain)
        if machine.active:
            raise OperationFailed("Requested operation is not valid: cannot rename active domain", code=55)
        renamed = replace(machine, name=clean(name))
        if any(other.name == renamed.name for other in hypervisor.store.machines()):
            raise OperationFailed(f"operation failed: domain with name '{renamed.name}' already exists", code=9)
        hypervisor.store.put_machines([renamed])
        hypervisor.store.add_events(
            [
                LifecycleEvent(machine.key, Lifecycle.UNDEFINED, "renamed"),
                LifecycleEvent(renamed.key, Lifecycle.DEFINED, "renamed"),
            ]
        )
        return renamed


def start(hypervisor: Hypervisor, domain: DomainKey, paused: bool = False) -> Machine:
    """Start a domain that is shut off, without a job. OperationFailed if it is running."""
    with hypervisor.store.transaction():
        machine = hypervisor.machine(domain)
        if machine.active:
            raise OperationFailed("Requested operation is not valid: domain is already running", code=55)
        machine = replace(machine, id=hypervisor.store.next_running_id()).resumed("booted")
        events: list[Event] = [LifecycleEvent(machine.key, Lifecycle.STARTED, "booted")]
        if paused:
            machine = machine.paused("user")
            events.append(LifecycleEvent(machine.key, Lifecycle.SUSPENDED, "paused"))
        return hypervisor.schedule.apply((machine, events))


def destroy(hypervisor: Hypervisor, domain: DomainKey, detail: str) -> None:
    """Stop a domain at once, and with it any job. `detail` is that of the lifecycle event."""
    hypervisor.apply_due()
    with hypervisor.store.transaction():
        machine = hypervisor.active(domain)
        plan = hypervisor.store.plan(domain.uuid)
        if plan is not None and plan.stage is not Stage.PENDING:
            hypervisor.store.put_plan(plans.cut_short(plan, hypervisor.clock(), detail))
        else:
            machine, event = machine.stopped(detail)
            hypervisor.schedule.apply((machine, [event]))
        # The job must not be gone while the domain still appears to run.
        hypervisor.schedule.apply_due_within()


def begin_block_job(
    hypervisor: Hypervisor, key: DiskKey, operation: BlockOperation, seconds: float, target: str
) -> None:
    """Begin a job of the disk that has copied everything after `seconds`; a copy goes to the path `target`."""
    hypervisor.apply_due()
    with hypervisor.store.transaction():
        machine = hypervisor.active(key.domain)
        disk = disks.from_json(machine.disks).get(key.disk)
        if disk is None:
            raise refusals.no_disk(key)
        plan = hypervisor.store.plan(machine.uuid, key.disk)
        if plan is not None and plan.stage is not Stage.PENDING:
            raise refusals.busy_disk(key)
        now, fail = hypervisor.clock(), hypervisor.options.fail
        hypervisor.begin(block_job.block_job(machine, disk, operation, now, seconds, target, fail), machine)


def begin_migration(
    hypervisor: Hypervisor,
    domain: DomainKey,
    seconds: float,
    load: float,
    working_set: int,
    bandwidth: int,
    postcopy: bool,
) -> None:
    """Begin a migration out; see `SimulatorBackend.begin_migration`."""
    hypervisor.apply_due()
    with hypervisor.store.transaction():
        machine = hypervisor.idle(domain)
        now = hypervisor.clock()
        plan = migration.migration(machine, now, seconds, load, working_set, bandwidth, postcopy)
        hypervisor.begin(plan, machine)


def begin_backup(hypervisor: Hypervisor, domain: DomainKey, pull: bool, seconds: float) -> None:
    """Begin a backup of all disks: a push backup ends after `seconds`, a pull backup fills its scratch space."""
    hypervisor.apply_due()
    with hypervisor.store.transaction():
        machine = hypervisor.idle(domain)
        now, fail = hypervisor.clock(), hypervisor.options.fail
        total = sum(disk.size for disk in disks.from_json(machine.disks).values())
        plan = backup.pull(machine, now, seconds, total) if pull else backup.push(machine, now, seconds, total, fail)
        hypervisor.begin(plan, machine)


def recover_postcopy(hypervisor: Hypervisor, domain: DomainKey) -> None:
    """Let a migration go on whose post-copy has failed. NotSupported if it has not."""
    hypervisor.apply_due()
    with hypervisor.store.transaction():
        machine = hypervisor.active(domain)
        plan = hypervisor.job(machine)
        if not isinstance(plan, Migration):
            raise refusals.not_broken()
        hypervisor.store.put_plan(migration.recovered(plan, hypervisor.clock()))
        hypervisor.schedule.apply(effects.start_postcopy(machine))


def fail_io(hypervisor: Hypervisor, domain: DomainKey) -> None:
    """Pause the running guest for an error of its disk."""
    hypervisor.apply_due()
    with hypervisor.store.transaction():
        hypervisor.schedule.apply(effects.fail_io(_running(hypervisor, domain)))


def panic(hypervisor: Hypervisor, domain: DomainKey, restart: bool) -> None:
    """Let the running guest panic: libvirt dumps it, and stops or restarts the domain then."""
    hypervisor.apply_due()
    with hypervisor.store.transaction():
        machine = _running(hypervisor, domain)
        seconds = machine.memory / hypervisor.options.rate
        now, fail = hypervisor.clock(), hypervisor.options.fail
        hypervisor.begin(panic_dump(machine, now, seconds, restart, fail), machine)


def _running(hypervisor: Hypervisor, domain: DomainKey) -> Machine:
    """The domain, whose guest runs and has no job."""
    machine = hypervisor.idle(domain)
    if machine.state is not DomainState.RUNNING:
        raise OperationFailed("Requested operation is not valid: the guest does not run", code=55)
    return machine
