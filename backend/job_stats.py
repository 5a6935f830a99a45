"""The stats of a job, under the names of libvirt's typed parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Self

from backend.model import BlockOperation, JobOperation, OpenEnum, Operation


class JobType(OpenEnum):
    """virDomainJobType. On the *current* job, COMPLETED means that the hypervisor still closes the file."""

    NONE = 0
    BOUNDED = 1
    UNBOUNDED = 2
    COMPLETED = 3
    FAILED = 4
    CANCELLED = 5


class Postcopy(StrEnum):
    """What became of a migration whose guest already runs on the other host."""

    ACTIVE = "active"
    """The rest of its memory is being sent after it."""
    FAILED = "failed"
    """It was cut: the guest stands still on both hosts until the migration is recovered."""


_NO_PARAMS = frozenset({"type", "operation", "disk", "ready", "postcopy", "max_downtime"})
"""Fields of JobStats that are set apart from libvirt's parameters."""


@dataclass(frozen=True, slots=True)
class JobStats:
    """The stats of one job (virDomainGetJobStats, virDomainGetBlockJobInfo). Times in ms, sizes in bytes; None: not
    reported.

    The names are those of libvirt's typed parameters; `from_params` builds one from them.
    """

    type: JobType
    operation: Operation = JobOperation.UNKNOWN
    time_elapsed: int = 0
    """0 for a block job: libvirt does not report it."""
    time_elapsed_net: int | None = None
    time_remaining: int | None = None
    downtime: int | None = None
    downtime_net: int | None = None
    setup_time: int | None = None
    data_total: int | None = None
    data_processed: int | None = None
    data_remaining: int | None = None
    memory_total: int | None = None
    memory_processed: int | None = None
    memory_remaining: int | None = None
    memory_constant: int | None = None
    memory_normal: int | None = None
    memory_normal_bytes: int | None = None
    memory_bps: int | None = None
    memory_dirty_rate: int | None = None
    memory_page_size: int | None = None
    memory_iteration: int | None = None
    memory_postcopy_requests: int | None = None
    disk_total: int | None = None
    disk_processed: int | None = None
    disk_remaining: int | None = None
    disk_bps: int | None = None
    compression_cache: int | None = None
    compression_bytes: int | None = None
    compression_pages: int | None = None
    compression_cache_misses: int | None = None
    compression_overflow: int | None = None
    auto_converge_throttle: int | None = None
    disk_temp_used: int | None = None
    disk_temp_total: int | None = None
    success: bool | None = None
    errmsg: str | None = None
    disk: str | None = None
    """The disk of a block job; None: it is the domain's own job."""
    ready: bool | None = None
    """Whether a block job that mirrors has copied everything, and waits for a pivot or an abort."""
    postcopy: Postcopy | None = None
    """The post-copy phase of a migration; None before it."""
    max_downtime: int | None = None
    """How long the guest of a migration out may stand still at its end; `downtime` is what it would take."""

    @classmethod
    def from_params(cls, job_type: int, params: Mapping[str, object]) -> Self:
        """The stats in libvirt's typed parameters; parameters without a field here are omitted."""
        names = {spec.name for spec in fields(cls)} - _NO_PARAMS
        values = {name: value for name, value in params.items() if name in names}
        operation = params.get("operation", 0)
        if not isinstance(operation, int):
            operation = 0
        return cls(JobType(job_type), JobOperation(operation), **values)  # type: ignore[arg-type]

    @classmethod
    def of_block_job(cls, disk: str, operation: BlockOperation, done: int, total: int, ready: bool = False) -> Self:
        """The stats of a disk's job, of which `done` of `total` bytes are done."""
        return cls(
            JobType.UNBOUNDED,
            operation,
            disk_total=total,
            disk_processed=min(done, total),
            disk_remaining=max(0, total - done),
            disk=disk,
            ready=ready if operation.becomes_ready else None,
        )

    @property
    def closing(self) -> bool:
        """The hypervisor has finished and libvirt is closing the file; the result is not known yet."""
        return self.type is JobType.COMPLETED

    @property
    def pull_backup(self) -> bool:
        """Whether it is a backup that a client reads; libvirt reports scratch space for no other job."""
        return self.operation == JobOperation.BACKUP and bool(self.disk_temp_total)

    @property
    def may_grow(self) -> bool:
        """Whether what remains may become more: the guest of a live migration goes on writing."""
        return self.operation == JobOperation.MIGRATION_OUT and self.postcopy is None and not self.closing

    @property
    def measured(self) -> bool:
        """Whether the hypervisor reports progress; it does not for an incoming migration."""
        return any(total is not None for total in (self.data_total, self.memory_total, self.disk_total))

    @property
    def total(self) -> int:
        """Bytes that the whole job is about; 0 while that is not known."""
        return self._sum(self.data_total, self.memory_total, self.disk_total)

    @property
    def processed(self) -> int:
        """Bytes done so far."""
        return self._sum(self.data_processed, self.memory_processed, self.disk_processed)

    @property
    def remaining(self) -> int:
        """Bytes still to do."""
        return self._sum(self.data_remaining, self.memory_remaining, self.disk_remaining)

    @staticmethod
    def _sum(data: int | None, memory: int | None, disk: int | None) -> int:
        # data_* is libvirt's own sum of memory_* and disk_*; memory-only dumps lack it.
        return data if data else (memory or 0) + (disk or 0)
