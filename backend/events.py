"""What a hypervisor reports of its own accord."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from backend.model import DomainKey, JobStats


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


@dataclass(frozen=True, slots=True)
class RecordEvent:
    """The domain's shared record changed: read it."""

    domain: DomainKey


@dataclass(frozen=True, slots=True)
class ConnectionEvent:
    """The connection was lost, or is back; events in between were missed."""

    connected: bool
    reason: str = ""


Event = LifecycleEvent | JobEvent | DumpEvent | RecordEvent | ConnectionEvent
