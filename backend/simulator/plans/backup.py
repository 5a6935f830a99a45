"""Plans of backups: push, which the hypervisor writes, and pull, which a client reads until it has what it wants."""

from __future__ import annotations

from dataclasses import dataclass, replace

from backend.job_stats import JobStats, JobType
from backend.model import JobOperation
from backend.simulator.machine import Machine
from backend.simulator.options import Fail
from backend.simulator.plans.domain_jobs import operation
from backend.simulator.plans.plan import FAILING, NEVER, PAGE, Ending, Plan, failed

CANCELED = "Operation canceled"
"""The errmsg of a backup that was aborted, whether or not its client has read everything."""
_USED = 0.6
"""The share of its scratch space that a pull backup uses in the end."""


@dataclass(frozen=True, slots=True)
class PullBackup(Plan):
    """A backup that ends only when it is aborted, by its client or by anyone. Its `total` is the scratch space."""

    @property
    def finished(self) -> bool:
        return False

    def counters(self, job_type: JobType, now: float) -> JobStats:
        return JobStats(
            # libvirt says nothing of an abort before the job is over.
            type=JobType.UNBOUNDED if job_type is JobType.CANCELLED else job_type,
            operation=JobOperation.BACKUP,
            time_elapsed=self.elapsed(now),
            disk_temp_used=int(self.processed(now) * _USED) // PAGE * PAGE,
            disk_temp_total=self.total,
        )


def push(machine: Machine, begun: float, length: float, total: int, fail: Fail = Fail.NONE) -> Plan:
    """The plan of a backup that is written within `length` seconds."""
    plan = operation(machine, JobOperation.BACKUP, begun, length, total)
    if fail is Fail.DISK_FULL:
        half = begun + length / 2
        return replace(failed(plan, "No space left on device", 9), stop=half, end=half + FAILING)
    return plan


def pull(machine: Machine, begun: float, length: float, scratch: int, stop: float = NEVER) -> PullBackup:
    """The plan of a backup whose client aborts it at `stop`; `scratch` bytes fill up within `length` seconds."""
    return PullBackup(
        uuid=machine.uuid,
        domain_id=machine.id,
        operation=JobOperation.BACKUP,
        begun=begun,
        length=length,
        stop=stop,
        end=stop + FAILING,
        total=scratch,
        ending=Ending.CANCELLED,
        error=CANCELED,
        was_running=machine.running,
    )
