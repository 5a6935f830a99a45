"""What a hypervisor reports of its own accord."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from backend.job_stats import JobStats
from backend.model import BlockOperation, DomainKey, OpenEnum


class Lifecycle(IntEnum):
    """virDomainEventType."""

    DEFINED = 0
    UNDEFINED = 1
    STARTED = 2
    SUSPENDED = 3
    RESUMED = 4
    STOPPED = 5
    SHUTDOWN = 6
    PMSUSPENDED = 7
    CRASHED = 8


@dataclass(frozen=True, slots=True)
class LifecycleEvent:
    """A domain changed its state. The key's id may be None: a stopped domain has none any more."""

    domain: DomainKey
    event: Lifecycle
    detail: str
    """virsh's word in lower case: ``destroyed``, ``saved``, ``migrated``, ``crashed``, ``failed``."""

    @property
    def before_automatic_dump(self) -> bool:
        """Whether hypervisors dump domains of their own accord after it."""
        return self.event is Lifecycle.CRASHED or self.detail == "watchdog"


@dataclass(frozen=True, slots=True)
class JobEvent:
    """A job ended and left these stats (VIR_DOMAIN_EVENT_ID_JOB_COMPLETED). For dumps no proof: the close follows."""

    domain: DomainKey
    stats: JobStats


@dataclass(frozen=True, slots=True)
class DumpEvent:
    """QEMU's own word on a memory-only dump (monitor event DUMP_COMPLETED); the file is not closed yet."""

    domain: DomainKey
    completed: bool
    error: str


class BlockJobStatus(OpenEnum):
    """virConnectDomainEventBlockJobStatus."""

    COMPLETED = 0
    FAILED = 1
    CANCELED = 2
    READY = 3


@dataclass(frozen=True, slots=True)
class BlockJobEvent:
    """A disk's job ended, or became ready (VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2)."""

    domain: DomainKey
    disk: str
    operation: BlockOperation
    status: BlockJobStatus


@dataclass(frozen=True, slots=True)
class JobBegan:
    """A job began, or is about to; a look shows which one. Nothing reports the begin of every job."""

    domain: DomainKey
    block: bool
    """Whether it is that of a disk."""


@dataclass(frozen=True, slots=True)
class RecordEvent:
    """The domain's shared record changed: read it."""

    domain: DomainKey


@dataclass(frozen=True, slots=True)
class ClaimsEvent:
    """What is claimed of the domain's last jobs changed: read it."""

    domain: DomainKey


@dataclass(frozen=True, slots=True)
class ConnectionEvent:
    """The connection was lost, or is back; events in between were missed."""

    connected: bool
    reason: str = ""


Report = LifecycleEvent | JobEvent | DumpEvent | BlockJobEvent
"""What may tell how a job ended."""
Event = Report | JobBegan | RecordEvent | ClaimsEvent | ConnectionEvent
