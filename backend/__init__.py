"""Domains, their jobs, dumps that outlive their asker, and waits that are never wrong; over any hypervisor."""

from backend.base import Backend
from backend.errors import BackendError
from backend.events import Event, EventStream
from backend.journal import Journal
from backend.model import (
    Capabilities,
    Domain,
    DomainKey,
    DomainState,
    DumpFlags,
    DumpFormat,
    DumpRequest,
    JobOperation,
    JobStats,
    JobType,
)
from backend.record import JobRecord, RecordState
from backend.uri import open_backend
from backend.verdict import Evidence, Outcome, Verdict

__all__ = [
    "Backend",
    "BackendError",
    "Capabilities",
    "Domain",
    "DomainKey",
    "DomainState",
    "DumpFlags",
    "DumpFormat",
    "DumpRequest",
    "Event",
    "EventStream",
    "Evidence",
    "JobOperation",
    "JobRecord",
    "JobStats",
    "JobType",
    "Journal",
    "Outcome",
    "RecordState",
    "Verdict",
    "open_backend",
]
