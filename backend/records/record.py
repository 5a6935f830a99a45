"""The record of one dump: what was requested, by whom, when, and its result.

It lives in the journal of the machine that requested the dump, and, as XML, in the domain's own metadata, where every
other client of the hypervisor can read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from backend.dump_request import DumpFlags, DumpFormat, DumpRequest
from backend.model import DomainKey, JobOperation


class RecordState(StrEnum):
    """How far a requested dump has got, according to its record."""

    STARTING = "starting"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"
    """Its runner died before the call returned: the result was lost with it."""


class Owned:
    """What is requested for a domain, and belongs to a process on the requesting host."""

    __slots__ = ()

    uuid: str
    domain: str
    domain_id: int | None
    user: str
    pid_start: str

    @property
    def key(self) -> DomainKey:
        """The run of the domain that it is about."""
        return DomainKey(self.uuid, self.domain_id, self.domain)

    @property
    def host(self) -> str:
        """The name of the host that it was requested on, where its process is."""
        return self.user.rpartition("@")[2]

    @property
    def boot(self) -> str:
        """The boot id of the kernel that its process ran under."""
        return self.pid_start.partition(":")[0]


class OwnedDump(Owned):
    """A dump that is requested, whether it was begun or is still in a queue."""

    __slots__ = ()

    path: str
    format: DumpFormat
    flags: DumpFlags

    @property
    def request(self) -> DumpRequest:
        """What the hypervisor is asked for."""
        return DumpRequest(self.key, self.path, self.format, self.flags)

    @property
    def format_name(self) -> str:
        """The format as commands spell it: ``elf``, ``raw``."""
        return self.request.format_name


class Requested(Owned):
    """What the records of dumps and of commands have in common: their process, the runner, holds their results."""

    __slots__ = ()

    started: float
    started_uptime: float | None
    ended: float | None
    ended_uptime: float | None
    state: RecordState

    @property
    def seconds(self) -> float | None:
        """How long it took, measured by a clock that nobody sets where there are such times; None until it is over."""
        if self.ended is None:
            return None
        if self.started_uptime is not None and self.ended_uptime is not None:
            return max(0.0, self.ended_uptime - self.started_uptime)
        return max(0.0, self.ended - self.started)

    @property
    def over(self) -> bool:
        """Whether it has a result, or is known to have lost it."""
        return self.state not in (RecordState.STARTING, RecordState.RUNNING)


@dataclass(frozen=True, slots=True)
class JobRecord(Requested, OwnedDump):
    """One dump as requested and, once `ended` is set, as it ended. Times are seconds since the epoch.

    Uptimes are seconds since the boot of the kernel that `boot` names: they measure times, which wall clocks do not.
    """

    id: str
    uri: str
    uuid: str
    domain: str
    domain_id: int | None
    path: str
    format: DumpFormat
    flags: DumpFlags
    user: str
    """Who requested it: ``root@hv3``."""
    started: float
    operation: JobOperation = JobOperation.DUMP
    pid: int = 0
    """The runner's process on the requesting host; before it runs, the requester's."""
    pid_start: str = ""
    """When that process started, as boot id and clock ticks; reveals a recycled pid."""
    machine: str = ""
    """The id of the machine that the process is on, hashed; empty in records of older versions."""
    namespace: int = 0
    """The pid namespace that the process is in, by its inode."""
    started_uptime: float | None = None
    ended_uptime: float | None = None
    state: RecordState = RecordState.STARTING
    ended: float | None = None
    error: str = ""
    code: int | None = None
    bytes: int | None = None
    """Size of the file at the end, where it can be seen."""


def newest_first(records: Sequence[JobRecord]) -> list[JobRecord]:
    """The records by when they were begun, whatever has been done to the wall clock in between.

    The runs of one kernel are ordered by its uptime, different ones by the wall clock.
    """
    latest: dict[str, float] = {}
    for record in records:
        if record.started_uptime is not None:
            latest[record.boot] = max(latest.get(record.boot, 0.0), record.started)

    def age(record: JobRecord) -> tuple[float, float]:
        if record.started_uptime is None:
            return -record.started, 0.0
        return -latest[record.boot], -record.started_uptime

    return sorted(records, key=age)
