"""The demonstration, ``sim:///demo``: machines to play with, and others on which each kind of job can be seen."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from backend.model import BlockOperation, DomainState, JobOperation
from backend.simulator import disks
from backend.simulator.machine import Machine
from backend.simulator.options import MIB
from backend.simulator.plans import backup, block_job
from backend.simulator.plans.migration import migration
from backend.simulator.plans.panic import panic_dump
from backend.simulator.plans.plan import Plan

NAME = "demo"
_LOOKED_AT = 240.0
"""Seconds that a job goes on which waits for someone to do something about it, until its client does."""

Make = Callable[[Machine, float, random.Random], Plan]
"""Plans the job of a machine that begins at that moment."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A job that a machine of the demonstration has again and again."""

    make: Make
    lead: float
    """Seconds that it has been running when the demonstration begins; negative: it begins later."""
    pause: tuple[float, float] = (3.0, 8.0)
    """The least and the most seconds between two of them."""


def _push_backup(machine: Machine, begun: float, chance: random.Random) -> Plan:
    return backup.push(machine, begun, chance.uniform(30, 50), machine.memory * 5)


def _pull_backup(machine: Machine, begun: float, chance: random.Random) -> Plan:
    scratch = sum(disk.size for disk in disks.from_json(machine.disks).values())
    return backup.pull(machine, begun, 90.0, scratch, begun + chance.uniform(100, 150))


def _converging(machine: Machine, begun: float, chance: random.Random) -> Plan:
    return migration(machine, begun, chance.uniform(20, 25), load=0.5, working_set=machine.memory // 2)


def _not_converging(machine: Machine, begun: float, chance: random.Random) -> Plan:
    """It sends half of what the link can carry, and its guest writes more than that."""
    bandwidth = machine.memory // 20 // MIB * MIB
    working_set = machine.memory * 15 // 100
    return migration(machine, begun, 10.0, 0.7, working_set, bandwidth, patience=_LOOKED_AT * 2)


def _block_pull(machine: Machine, begun: float, chance: random.Random) -> Plan:
    return block_job.block_job(machine, _disk(machine, "vda"), BlockOperation.PULL, begun, chance.uniform(50, 70))


def _block_copy(machine: Machine, begun: float, chance: random.Random) -> Plan:
    disk, length = _disk(machine, "vdb"), chance.uniform(25, 30)
    plan = block_job.block_job(machine, disk, BlockOperation.COPY, begun, length, "/srv/nfs/files-01-data.qcow2")
    return block_job.pivoting(plan, begun + length + _LOOKED_AT)


def _active_commit(machine: Machine, begun: float, chance: random.Random) -> Plan:
    length = chance.uniform(40, 50)
    plan = block_job.block_job(machine, _disk(machine, "vda"), BlockOperation.ACTIVE_COMMIT, begun, length)
    return block_job.pivoting(plan, begun + length + _LOOKED_AT)


def _panic(machine: Machine, begun: float, chance: random.Random) -> Plan:
    return panic_dump(machine, begun, 12.0, restart=True)


def _disk(machine: Machine, target: str) -> disks.Disk:
    return disks.from_json(machine.disks)[target]


@dataclass(frozen=True, slots=True)
class DemoMachine:
    """A machine of the demonstration."""

    name: str
    gib: float
    state: DomainState = DomainState.RUNNING
    reason: str = ""
    """Why it is in that state; empty: the usual reason."""
    first: JobOperation | None = None
    """The operation of its first job, if any others follow."""
    scenes: Mapping[str, Scene] = field(default_factory=dict)
    """The jobs that it has again and again, by disk; that of the domain itself has an empty one."""

    @property
    def lively(self) -> bool:
        """Whether the simulator starts jobs on it."""
        return self.first is not None or bool(self.scenes)


MACHINES = (
    DemoMachine("db-01", 4),
    DemoMachine("db-02", 6, scenes={"": Scene(_push_backup, 10)}),
    DemoMachine("web-01", 2),
    DemoMachine("web-02", 2, scenes={"": Scene(_converging, 12)}),
    DemoMachine("web-03", 2, DomainState.PAUSED),
    DemoMachine("cache-01", 3, first=JobOperation.DUMP),
    DemoMachine("mail-01", 4, first=JobOperation.SNAPSHOT),
    DemoMachine("build-01", 8, first=JobOperation.SAVE),
    DemoMachine("build-02", 8, DomainState.SHUTOFF),
    DemoMachine("gitlab [ci/runner]", 4),
    DemoMachine("we[ir]d [/x] ünïcode", 1),
    DemoMachine("経理サーバー", 4),
    DemoMachine("שרת-דואר", 2),
    DemoMachine("win-2022", 8),
    DemoMachine("batch-01", 8, scenes={"": Scene(_not_converging, 24)}),
    DemoMachine("files-01", 2, scenes={"vda": Scene(_block_pull, 15), "vdb": Scene(_block_copy, 10)}),
    DemoMachine("nas-01", 4, scenes={"": Scene(_pull_backup, 20)}),
    DemoMachine("git-01", 2, scenes={"vda": Scene(_active_commit, 8)}),
    DemoMachine("ldap-01", 4, DomainState.PAUSED, "I/O error"),
    DemoMachine("kiosk-01", 1, scenes={"": Scene(_panic, -20, (90.0, 150.0))}),
)


def machine_of(name: str) -> DemoMachine | None:
    """The machine of the demonstration that has that name."""
    return next((machine for machine in MACHINES if machine.name == name), None)
