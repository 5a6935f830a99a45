"""What a hypervisor has: domains, their jobs, and dump requests.

The numbers are libvirt's own (libvirt-domain.h). A number from a newer libvirt is kept and shown,
never refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import IntEnum, IntFlag, StrEnum
from typing import Self


class OpenEnum(IntEnum):
    """An enum of libvirt's that keeps numbers it has no name for.

    Members without a name are made on the fly: two of the same number are equal, but not the same object. Equal numbers
    of different enums mean different things, and are not equal.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int):
            return None
        member = int.__new__(cls, value)
        member._name_ = f"UNNAMED_{value}"
        member._value_ = value
        return member

    def __eq__(self, other: object) -> bool:
        if isinstance(other, OpenEnum) and type(other) is not type(self):
            return False
        return int.__eq__(self, other) is True

    __hash__ = IntEnum.__hash__

    # Some versions of Python copy and pickle a member by its name, which these lack.

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> tuple[type[Self], tuple[int]]:
        return type(self), (int(self),)

    @property
    def known(self) -> bool:
        """Whether this version of virt-jobs has a name for the number."""
        return self.name in type(self).__members__


class JobOperation(OpenEnum):
    """virDomainJobOperation: what a job does."""

    UNKNOWN = 0
    START = 1
    SAVE = 2
    RESTORE = 3
    MIGRATION_IN = 4
    MIGRATION_OUT = 5
    SNAPSHOT = 6
    SNAPSHOT_REVERT = 7
    DUMP = 8
    BACKUP = 9
    SNAPSHOT_DELETE = 10

    @property
    def label(self) -> str:
        """The operation in words: ``migration out``, ``dump``, ``operation 11``."""
        return self.name.lower().replace("_", " ") if self.known else f"operation {int(self)}"


class BlockOperation(OpenEnum):
    """virDomainBlockJobType: what the job of a single disk does."""

    UNKNOWN = 0
    PULL = 1
    COPY = 2
    COMMIT = 3
    ACTIVE_COMMIT = 4
    BACKUP = 5

    @property
    def label(self) -> str:
        """The operation in virsh's words: ``block copy``, ``active block commit``, ``block job 6``."""
        if self == BlockOperation.ACTIVE_COMMIT:
            return "active block commit"
        return f"block {self.name.lower()}" if self.known else f"block job {int(self)}"

    @property
    def becomes_ready(self) -> bool:
        """Whether it goes on as a mirror once everything is copied, until someone pivots to it or aborts it."""
        return self in (BlockOperation.COPY, BlockOperation.ACTIVE_COMMIT)


Operation = JobOperation | BlockOperation
"""What a job does: the job of a domain, or that of one of its disks."""


class JobType(OpenEnum):
    """virDomainJobType. On the *current* job, COMPLETED means that the hypervisor still closes the file."""

    NONE = 0
    BOUNDED = 1
    UNBOUNDED = 2
    COMPLETED = 3
    FAILED = 4
    CANCELLED = 5


class DomainState(OpenEnum):
    """virDomainState, with virsh's words as labels."""

    NOSTATE = 0
    RUNNING = 1
    BLOCKED = 2
    PAUSED = 3
    SHUTDOWN = 4
    SHUTOFF = 5
    CRASHED = 6
    PMSUSPENDED = 7

    @property
    def label(self) -> str:
        words = {"NOSTATE": "no state", "BLOCKED": "idle", "SHUTDOWN": "in shutdown", "SHUTOFF": "shut off"}
        return words.get(self.name, self.name.lower()) if self.known else f"state {int(self)}"


JOB_PAUSES: Mapping[str, str] = {
    "dumping": "dump",
    "saving": "save",
    "migrating": "migration",
    "creating snapshot": "snapshot",
    "post-copy": "migration",
}
"""virsh's reasons of a pause that lasts as long as a job -> that job in a word."""
_FAULTS = frozenset({"I/O error", "watchdog", "crashed", "post-copy failed", "API error"})
"""Reasons of a pause that nobody asked for."""


class DumpCause(StrEnum):
    """What made a hypervisor dump a domain of its own accord."""

    PANIC = "guest panicked"
    WATCHDOG = "watchdog"


class DumpFormat(OpenEnum):
    """virDomainCoreDumpFormat. RAW is ELF with MEMORY_ONLY, and a migration stream without."""

    RAW = 0
    KDUMP_ZLIB = 1
    KDUMP_LZO = 2
    KDUMP_SNAPPY = 3
    WIN_DMP = 4


class DumpFlags(IntFlag):
    """virDomainCoreDumpFlags."""

    NONE = 0
    CRASH = 1
    LIVE = 2
    BYPASS_CACHE = 4
    RESET = 8
    MEMORY_ONLY = 16

    @property
    def labels(self) -> list[str]:
        """The flags that are set, as options are spelled: ``["bypass-cache", "memory-only"]``."""
        return [str(flag.name).lower().replace("_", "-") for flag in DumpFlags if flag and flag in self]


# The names that a user gives, with libvirt's format and whether libvirt needs MEMORY_ONLY for it.
FORMAT_NAMES: Mapping[str, tuple[DumpFormat, bool]] = {
    "elf": (DumpFormat.RAW, True),
    "kdump-zlib": (DumpFormat.KDUMP_ZLIB, True),
    "kdump-lzo": (DumpFormat.KDUMP_LZO, True),
    "kdump-snappy": (DumpFormat.KDUMP_SNAPPY, True),
    "win-dmp": (DumpFormat.WIN_DMP, True),
    "raw": (DumpFormat.RAW, False),
}


def format_name(dump_format: DumpFormat, flags: DumpFlags) -> str:
    """The user's name of a format: with MEMORY_ONLY, RAW is ``elf``; without, ``raw``."""
    if dump_format == DumpFormat.RAW:
        return "elf" if DumpFlags.MEMORY_ONLY in flags else "raw"
    names = (name for name, (number, _) in FORMAT_NAMES.items() if number == dump_format)
    return next(names, f"format {int(dump_format)}")


@dataclass(frozen=True, slots=True)
class DomainKey:
    """The identity of one run of a domain: a domain started anew under its name has another id."""

    uuid: str
    id: int | None
    """The running id; None while the domain is not running."""
    name: str = field(compare=False)
    """For people only; no part of the identity."""


@dataclass(frozen=True, slots=True)
class DiskKey:
    """A disk of one run of a domain, and thereby its block job: a disk has at most one at a time."""

    domain: DomainKey
    disk: str
    """The target's name, as in the domain's XML: ``vda``."""


JobKey = DomainKey | DiskKey
"""What identifies a job: its domain, or for a block job its disk."""


def domain_of(key: JobKey) -> DomainKey:
    """The domain that the job is one of."""
    return key.domain if isinstance(key, DiskKey) else key


@dataclass(frozen=True, slots=True)
class DiskSource:
    """What a disk of a running domain reads and writes, according to its live XML."""

    source: str
    """A path, or a name with its protocol."""
    backing: tuple[str, ...] = ()
    """The chain below it, top first."""
    mirror: str | None = None
    """Where a block copy copies to, or an active commit commits to; None without one of these."""
    mirror_ready: bool = False
    index: int | None = None
    """The number of the source, which no other one that the disk ever had or mirrored to shares; None: not told."""
    mirror_index: int | None = None
    """That of the mirror, which keeps it when the disk pivots to it."""


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain as it was when it was listed."""

    key: DomainKey
    state: DomainState
    reason: str = ""
    """virsh's word for why it is in that state (``dumping``, ``user``); empty if there is none."""
    memory: int = 0
    """Bytes of memory that the domain may have; what a full dump of it weighs."""
    answering: bool = True
    """False while the hypervisor does not answer for this domain."""
    name: str = field(init=False)
    """That of the key, where it is no part of the identity: a domain that was renamed has changed, and is the same."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.key.name)

    @property
    def active(self) -> bool:
        """Whether it has a process that a job could run on."""
        return self.key.id is not None

    @property
    def paused_by_dump(self) -> bool:
        return self.paused_by == "dump"

    @property
    def paused_by(self) -> str:
        """The job that paused it, in a word (``dump``, ``save``), whether or not it still runs; empty: none did."""
        return JOB_PAUSES.get(self.reason, "") if self.state is DomainState.PAUSED else ""

    @property
    def faulty(self) -> bool:
        """Whether it crashed, or is held by a fault that somebody has to see to."""
        if self.state in (DomainState.CRASHED, DomainState.SHUTOFF):
            return self.state is DomainState.CRASHED or self.reason == "crashed"
        return self.reason == "post-copy failed" or (self.state is DomainState.PAUSED and self.reason in _FAULTS)

    @property
    def may_be_dumped_by_hypervisor(self) -> bool:
        """Whether it is in a state in which hypervisors dump domains of their own accord."""
        return self.state is DomainState.CRASHED or (self.state is DomainState.PAUSED and self.reason == "watchdog")


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

    @classmethod
    def from_params(cls, job_type: int, params: Mapping[str, object]) -> Self:
        """The stats in libvirt's typed parameters; parameters without a field here are omitted."""
        names = {spec.name for spec in fields(cls)} - {"type", "operation", "disk", "ready"}
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


@dataclass(frozen=True, slots=True)
class DumpRequest:
    """A core dump to make."""

    domain: DomainKey
    path: str
    """Absolute, on the hypervisor's host."""
    format: DumpFormat = DumpFormat.RAW
    flags: DumpFlags = DumpFlags.MEMORY_ONLY

    @property
    def format_name(self) -> str:
        return format_name(self.format, self.flags)

    @property
    def memory_only(self) -> bool:
        return DumpFlags.MEMORY_ONLY in self.flags


@dataclass(frozen=True, slots=True)
class AutomaticDump:
    """A dump that the hypervisor makes of its own accord."""

    cause: DumpCause
    path: str | None = None
    """On the hypervisor's host; None: it cannot be seen from here."""


@dataclass(frozen=True, slots=True)
class MigrationLimits:
    """What a migration out has to keep to; None: the hypervisor does not tell."""

    max_downtime: int | None = None
    """ms that the guest may stand still at the end."""
    bandwidth: int | None = None
    """Bytes per second that it may send; 0: as many as it can."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a connection can do. Each reason says in words why something cannot be done; None: it can."""

    hypervisor: str
    """For people: ``QEMU 7.2.22, libvirt 9.0.0``."""
    local: bool
    """Whether the hypervisor's files are this machine's files."""
    formats: Mapping[str, str | None]
    """Each name in FORMAT_NAMES -> the reason why this host cannot write it."""
    flags: Mapping[DumpFlags, str | None]
    """Each flag -> the reason why this host refuses it."""
    dump: str | None = None
    abort: str | None = None
    resume: str | None = None
    migration: str | None = None
    """Why the limits of a running migration cannot be changed, nor post-copy started."""
    shared_records: str | None = None
    """Why the results of dumps cannot be shared through the hypervisor."""
    dump_events: str | None = None
    """Why the hypervisor's own report of a dump's end is not received. Where it is, it precedes the domain's stop."""
    begins: str | None = "this hypervisor does not report them"
    """Why the begins of jobs are not reported (JobBegan) for all but memory-only dumps. A dump of a running guest shows
    as its pause; that of a paused one has to be looked for."""
