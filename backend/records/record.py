"""The record of one dump: what was requested, by whom, when, and its result.

It lives in the journal of the machine that requested the dump, and, as XML, in the domain's own metadata, where every
other client of the hypervisor can read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from backend.model import DomainKey, DumpFlags, DumpFormat, DumpRequest, JobOperation, format_name


class RecordState(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"
    """Its runner died before the call returned: the result was lost with it."""


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One dump as requested and, once `ended` is set, as it ended. Times are seconds since the epoch."""

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
    """The runner's process on the requesting host; 0 before it runs."""
    pid_start: str = ""
    """When that process started, in the host's own terms; reveals a recycled pid."""
    state: RecordState = RecordState.STARTING
    ended: float | None = None
    error: str = ""
    code: int | None = None
    bytes: int | None = None
    """Size of the file at the end, where it can be seen."""

    @property
    def key(self) -> DomainKey:
        """The run of the domain that it is about."""
        return DomainKey(self.uuid, self.domain_id, self.domain)

    @property
    def request(self) -> DumpRequest:
        return DumpRequest(self.key, self.path, self.format, self.flags)

    @property
    def format_name(self) -> str:
        return format_name(self.format, self.flags)

    @property
    def host(self) -> str:
        """The host that it was requested on, where its runner is."""
        return self.user.rpartition("@")[2]

    @property
    def over(self) -> bool:
        """Whether it has a result, or is known to have lost it."""
        return self.state not in (RecordState.STARTING, RecordState.RUNNING)
