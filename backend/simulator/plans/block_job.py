"""Plans of the jobs of a disk: pull, copy, commit and active commit."""

from __future__ import annotations

from dataclasses import dataclass, replace

from backend.job_stats import JobStats, JobType
from backend.model import BlockOperation
from backend.simulator import refusals
from backend.simulator.disks import Disk, Layer
from backend.simulator.machine import Machine
from backend.simulator.options import Fail
from backend.simulator.plans.plan import CANCELLING, FAILING, NEVER, Ending, Plan

_FINISHING = 0.1
"""Seconds between the last byte and the end of a job, or between a pivot and it."""
_COPIES = 100
"""What the indexes of copies begin after: no disk has so many layers."""
_LAYERS = {BlockOperation.ACTIVE_COMMIT: 2, BlockOperation.COMMIT: 3}
"""How many layers a disk needs at least."""


@dataclass(frozen=True, slots=True)
class BlockJob(Plan):
    """A job of one disk. One that mirrors becomes ready, and stops only when someone pivots to the mirror or aborts."""

    mirror: str = ""
    """The path of what it mirrors to; empty: it does not mirror."""
    layer: int = 0
    """The index of the layer that it mirrors to; 0: it is a new image."""

    @property
    def mirror_index(self) -> int:
        """The index of what it mirrors to."""
        return self.layer or _COPIES + (self.id or 0)

    @property
    def last_phase(self) -> float:
        return self.begun + self.length if self.mirror else NEVER

    def ready(self, now: float) -> bool:
        """Whether everything is copied at `now`, and the mirror goes on."""
        return self.last_phase <= min(now, self.stop)

    def processed(self, now: float) -> int:
        return self.total if self.ready(now) else Plan.processed(self, now)

    def counters(self, job_type: JobType, now: float) -> JobStats:
        operation = BlockOperation(self.operation)
        return JobStats.of_block_job(self.disk, operation, self.processed(now), self.total, self.ready(now))


def block_job(
    machine: Machine,
    disk: Disk,
    operation: BlockOperation,
    begun: float,
    length: float,
    target: str = "",
    fail: Fail = Fail.NONE,
) -> BlockJob:
    """The plan of a job of `disk` that copies everything within `length` seconds; a copy goes to the path `target`.

    OperationFailed where the disk has no chain that could be committed.
    """
    if len(disk.layers) < _LAYERS.get(operation, 1):
        raise refusals.nothing_to_commit(disk.target)
    mirror, layer = "", 0
    if operation is BlockOperation.COPY:
        mirror = target or f"{disk.layers[0].path}.copy"
    elif operation is BlockOperation.ACTIVE_COMMIT:
        mirror, layer = disk.layers[1].path, disk.layers[1].index
    stop = NEVER if mirror else begun + length
    plan = BlockJob(
        uuid=machine.uuid,
        domain_id=machine.id,
        operation=operation,
        begun=begun,
        length=length,
        stop=stop,
        end=stop + _FINISHING,
        total=disk.size,
        disk=disk.target,
        mirror=mirror,
        layer=layer,
    )
    if fail is Fail.DISK_FULL:
        half = begun + length / 2
        return replace(plan, stop=half, end=half + FAILING, ending=Ending.FAILED)
    return plan


def aborted(plan: BlockJob, now: float) -> BlockJob:
    """The plan after ``virDomainBlockJobAbort`` at `now`; once the work has stopped, it changes nothing."""
    if now >= plan.stop:
        return plan
    return replace(plan, stop=now, end=now + CANCELLING, ending=Ending.CANCELLED)


def pivoted(plan: BlockJob, now: float) -> BlockJob:
    """The plan after the same call with the flag PIVOT.

    NotSupported for a job that does not mirror, OperationFailed for a mirror that is not ready.
    """
    if not plan.mirror:
        raise refusals.no_pivot(BlockOperation(plan.operation))
    if not plan.ready(now):
        raise refusals.not_ready(plan.disk)
    return plan if now >= plan.stop else replace(plan, stop=now, end=now + _FINISHING)


def pivoting(plan: BlockJob, at: float) -> BlockJob:
    """The plan of a mirror whose client pivots at that moment by itself, unless it is over by then."""
    return replace(plan, stop=at, end=at + _FINISHING)


def disk_afterwards(plan: BlockJob, disk: Disk) -> Disk:
    """The disk after the job has ended as planned."""
    if plan.ending is not Ending.COMPLETED:
        return disk
    first, *others = disk.layers
    match plan.operation:
        case BlockOperation.PULL:
            layers = [first]
        case BlockOperation.COPY:
            layers = [Layer(plan.mirror, plan.mirror_index)]
        case BlockOperation.COMMIT:
            layers = [first, *others[1:]]
        case _:
            layers = others
    return replace(disk, layers=tuple(layers))
