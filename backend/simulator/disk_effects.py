"""What each stage of a disk's job does to the disk, and the events it causes. Pure: no clock, no store."""

from __future__ import annotations

from dataclasses import replace

from backend.events import BlockJobEvent, BlockJobStatus, Event, JobBegan
from backend.model import BlockOperation
from backend.simulator import disks
from backend.simulator.effects import Effect
from backend.simulator.machine import Machine
from backend.simulator.plans.block_job import BlockJob, disk_afterwards
from backend.simulator.plans.plan import Ending

_STATUS = {
    Ending.COMPLETED: BlockJobStatus.COMPLETED,
    Ending.FAILED: BlockJobStatus.FAILED,
    Ending.CANCELLED: BlockJobStatus.CANCELED,
}


def start(machine: Machine) -> Event:
    """The job begins."""
    return JobBegan(machine.key, block=True)


def ready(plan: BlockJob, machine: Machine) -> Event:
    """Everything is copied, and the mirror goes on."""
    return _event(plan, machine, BlockJobStatus.READY)


def end(plan: BlockJob, machine: Machine) -> Effect:
    """The job ends, and the disk continues on what it then has."""
    after = disks.from_json(machine.disks)
    after[plan.disk] = disk_afterwards(plan, after[plan.disk])
    machine = replace(machine, disks=disks.to_json(after.values()))
    return machine, [_event(plan, machine, _STATUS[plan.ending])]


def _event(plan: BlockJob, machine: Machine, status: BlockJobStatus) -> Event:
    return BlockJobEvent(machine.key, plan.disk, BlockOperation(plan.operation), status)
