"""The plan of a simulated job, so that its statistics are a pure function of the clock. Requests replace it by another.

Times are in seconds since the epoch, sizes in bytes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum

from backend.dump_request import DumpFlags, DumpFormat
from backend.errors import NotSupported, OperationFailed
from backend.job_stats import JobStats, JobType
from backend.model import JobOperation, Operation
from backend.simulator import refusals

PAGE = 4096
NEVER = math.inf
CANCELLING = 0.15
"""Seconds between an abort and the end of the job."""
FAILING = 0.3
"""Seconds between QEMU's failure and the end of the job."""
_WAVES, _SWING = 5, 0.35
"""The rate of a job varies in so many waves, by this share of itself."""
_DISK_OPERATIONS = (JobOperation.BACKUP, JobOperation.SNAPSHOT_DELETE)


class Ending(StrEnum):
    """How the job will end."""

    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Stage(IntEnum):
    """How much of a plan the simulator has applied."""

    PENDING = 0
    WORKING = 1
    LAST_PHASE = 2
    """A mirror is ready, or the guest of a migration stands still; other jobs have no last phase."""
    STOPPED = 3
    """The work has stopped; the file is being closed, or the failure cleaned up."""
    OVER = 4


@dataclass(frozen=True, slots=True)
class Plan:
    """All that will happen to the job, unless an abort or a stop of its domain changes the plan."""

    uuid: str
    domain_id: int | None
    operation: Operation
    begun: float
    length: float
    """Seconds that the whole work would take."""
    stop: float
    """When the work stops, finished or not; NEVER: not before someone asks for it."""
    end: float
    """When the job ends."""
    total: int
    ending: Ending = Ending.COMPLETED
    error: str = ""
    code: int | None = None
    fate: str = ""
    """If the job ends with a stop of the domain, the detail of that lifecycle event; else empty."""
    hung: bool = False
    """Whether the domain answers no call during the job."""
    path: str = ""
    """The file of a dump; empty: the job writes none."""
    format: DumpFormat = DumpFormat.RAW
    flags: DumpFlags = DumpFlags.NONE
    created: bool = False
    """Whether the dump created the file; only then does a failure remove it."""
    was_running: bool = True
    """Whether the guest ran when the job began, and must run again afterwards."""
    disk: str = ""
    """The disk that it is the job of; empty: it is the domain's own."""
    stage: Stage = Stage.PENDING
    id: int | None = None
    """Its number in the store; None until it is stored."""

    @property
    def memory_only(self) -> bool:
        return self.operation is JobOperation.DUMP and DumpFlags.MEMORY_ONLY in self.flags

    @property
    def streamed(self) -> bool:
        """Whether it is a migration stream, for which libvirt reports more statistics."""
        return not self.memory_only and self.operation not in _DISK_OPERATIONS

    @property
    def finished(self) -> bool:
        """Whether the work is finished when it stops; the job may still fail."""
        return self.stop >= self.begun + self.length

    @property
    def last_phase(self) -> float:
        """When its last phase begins; NEVER: it has none."""
        return NEVER

    @property
    def next_stage(self) -> Stage:
        """The stage that follows the present one."""
        if self.stage is Stage.WORKING and self.last_phase >= self.stop:
            return Stage.STOPPED
        return Stage(self.stage + 1)

    @property
    def due(self) -> float | None:
        """When the next stage is to be applied; None: the job is over."""
        match self.stage:
            case Stage.PENDING:
                return self.begun
            case Stage.WORKING:
                return min(self.stop, self.last_phase)
            case Stage.LAST_PHASE:
                return self.stop
            case Stage.STOPPED:
                return self.end
            case Stage.OVER:
                return None

    def stats(self, now: float) -> JobStats | None:
        """The statistics that `jobStats` gives at `now`; None before the job and after it.

        OperationFailed between QEMU's failure and the end of a memory-only dump.
        """
        if not self.begun <= now < self.end:
            return None
        if now < self.stop:
            return self.counters(JobType.UNBOUNDED, now)
        if self.finished:
            # Disks have no file that would be closed.
            closing = self.operation not in _DISK_OPERATIONS
            return self.counters(JobType.COMPLETED if closing else JobType.UNBOUNDED, now)
        if self.ending is Ending.CANCELLED:
            return self.counters(JobType.CANCELLED, now)
        if self.memory_only:
            raise OperationFailed("operation failed: dump query failed, status=3", code=9)
        return self.counters(JobType.FAILED, now)

    def final_stats(self) -> JobStats:
        """The completed statistics that the job leaves."""
        return self.counters(JobType.COMPLETED, self.stop)

    def elapsed(self, now: float) -> int:
        """Milliseconds since the job began; never falls."""
        return max(0, int((min(now, self.end) - self.begun) * 1000))

    def processed(self, now: float) -> int:
        """Bytes processed at `now`; never falls."""
        if self.hung:
            return 0
        if now >= self.stop and self.finished:
            return self.total
        # In whole milliseconds, because rounding could otherwise make the bytes fall.
        fraction = self.elapsed(min(now, self.stop)) / 1000 / self.length if self.length > 0 else 1.0
        fraction = min(1.0, fraction)
        wave = _SWING * math.sin(2 * math.pi * _WAVES * fraction) / (2 * math.pi * _WAVES)
        return max(0, min(self.total, int(self.total * (fraction + wave)) // PAGE * PAGE))

    def counters(self, job_type: JobType, now: float) -> JobStats:
        """The statistics at `now`, with that type."""
        elapsed, processed = self.elapsed(now), self.processed(now)
        remaining = self.total - processed
        speed = int(self.total / self.length) if self.length > 0 else 0
        if self.operation in _DISK_OPERATIONS:
            return JobStats(
                type=job_type,
                operation=self.operation,
                time_elapsed=elapsed,
                disk_total=self.total,
                disk_processed=processed,
                disk_remaining=remaining,
                disk_bps=speed,
            )
        if self.memory_only:
            return JobStats(
                type=job_type,
                operation=self.operation,
                time_elapsed=elapsed,
                memory_total=self.total,
                memory_processed=processed,
                memory_remaining=remaining,
            )
        # A stream reports no totals before its first page.
        total, remaining = (self.total, remaining) if processed or job_type is not JobType.UNBOUNDED else (0, 0)
        pages = processed // PAGE
        return JobStats(
            type=job_type,
            operation=self.operation,
            time_elapsed=elapsed,
            downtime=elapsed if self.operation in _PAUSING else 0,
            setup_time=1,
            data_total=total,
            data_processed=processed,
            data_remaining=remaining,
            memory_total=total,
            memory_processed=processed,
            memory_remaining=remaining,
            memory_constant=pages * 3 // 10,
            memory_normal=pages - pages * 3 // 10,
            memory_normal_bytes=(pages - pages * 3 // 10) * PAGE,
            memory_bps=speed,
            memory_dirty_rate=0,
            memory_page_size=PAGE,
            memory_iteration=1,
        )


_PAUSING = (JobOperation.DUMP, JobOperation.SAVE, JobOperation.SNAPSHOT)


def closing(length: float) -> float:
    """Seconds that closing the file takes after work of `length` seconds."""
    return min(1.0, 0.1 + length / 20)


def aborted(plan: Plan, now: float) -> Plan:
    """The plan after ``virDomainAbortJob`` at `now`. While the file is closed, it is accepted and changes nothing.

    NoJob if the job is over, NotSupported for a memory-only dump.
    """
    if now >= plan.end:
        raise refusals.no_job()
    if plan.memory_only:
        raise NotSupported("Requested operation is not valid: cannot abort memory-only dump", code=55)
    if now >= plan.stop:
        return plan
    name = "domain core dump" if plan.operation is JobOperation.DUMP else plan.operation.label
    return replace(
        plan,
        stop=now,
        end=now + CANCELLING,
        ending=Ending.CANCELLED,
        fate="",
        error=f"operation aborted: {name} job: canceled by client",
        code=78,
    )


def cut_short(plan: Plan, now: float, fate: str) -> Plan:
    """The plan after its domain stopped at `now`; `fate` is the detail of that lifecycle event."""
    return replace(
        plan,
        stop=min(plan.stop, now),
        end=now,
        ending=Ending.FAILED,
        fate=fate,
        error="operation failed: domain is not running",
        code=9,
    )


def failed(plan: Plan, error: str, code: int) -> Plan:
    """The plan, but its job fails at its end."""
    return replace(plan, ending=Ending.FAILED, fate="", error=error, code=code)
