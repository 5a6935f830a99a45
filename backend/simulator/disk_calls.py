"""The calls of the simulated hypervisor about a disk and its job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from backend.model import DiskKey, DiskSource, DomainKey
from backend.simulator import disks, effects, refusals
from backend.simulator.hypervisor import Hypervisor
from backend.simulator.plans import block_job
from backend.simulator.plans.block_job import BlockJob
from backend.simulator.plans.plan import Stage


def names(hypervisor: Hypervisor, domain: DomainKey) -> list[str]:
    """The names of the domain's disks."""
    hypervisor.apply_due()
    return list(disks.from_json(hypervisor.active(domain).disks))


def source(hypervisor: Hypervisor, key: DiskKey) -> DiskSource | None:
    """What the disk reads and writes now; None without such a disk."""
    hypervisor.apply_due()
    disk = disks.from_json(hypervisor.active(key.domain).disks).get(key.disk)
    if disk is None:
        return None
    top, *below = disk.layers
    found = DiskSource(top.path, tuple(layer.path for layer in below), index=top.index)
    plan = hypervisor.store.plan(key.domain.uuid, key.disk)
    if not isinstance(plan, BlockJob) or plan.stage is Stage.PENDING or not plan.mirror:
        return found
    ready = plan.ready(hypervisor.clock())
    return replace(found, mirror=plan.mirror, mirror_ready=ready, mirror_index=plan.mirror_index)


def io_errors(hypervisor: Hypervisor, domain: DomainKey) -> list[str]:
    """What does not work of the disks of a guest that was paused for an error of one."""
    hypervisor.apply_due()
    return ["vda: no space left"] if hypervisor.active(domain).reason == effects.IO_ERROR else []


def abort(hypervisor: Hypervisor, key: DiskKey) -> None:
    """Abort the job of the disk. NoJob without one."""
    _change(hypervisor, key, block_job.aborted)


def pivot(hypervisor: Hypervisor, key: DiskKey) -> None:
    """Let the disk continue on what its job has mirrored to. Raises what `block_job.pivoted` does, and NoJob."""
    _change(hypervisor, key, block_job.pivoted)


def _change(hypervisor: Hypervisor, key: DiskKey, changed: Callable[[BlockJob, float], BlockJob]) -> None:
    hypervisor.apply_due()
    with hypervisor.store.transaction():
        machine = hypervisor.active(key.domain)
        plan = hypervisor.store.plan(machine.uuid, key.disk)
        if not isinstance(plan, BlockJob) or plan.stage is Stage.PENDING:
            raise refusals.no_block_job(key)
        hypervisor.store.put_plan(changed(plan, hypervisor.clock()))
