"""Domains and their jobs on any hypervisor: dumps that outlive their requester, and waits that prove their verdict.

The names that are exported here are stable; the modules below may change. See docs/library.md.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from backend.base import Backend
from backend.capabilities import Capabilities
from backend.dump_request import DumpFlags, DumpFormat, DumpRequest
from backend.errors import (
    BackendError,
    DomainBusy,
    DomainNotRunning,
    FileExists,
    JobMismatch,
    JournalError,
    NoConnection,
    NoJob,
    NoSuchDomain,
    NotAnswering,
    NotPermitted,
    NotSupported,
    OperationFailed,
    WaitTimeout,
)
from backend.event_stream import EventStream
from backend.events import Event
from backend.job_stats import JobStats, JobType
from backend.model import BlockOperation, DiskKey, Domain, DomainKey, DomainState, JobOperation
from backend.uri import open_backend

if TYPE_CHECKING:
    from backend.observing.job_changes import JobChange
    from backend.observing.wait import wait
    from backend.observing.watch import watch
    from backend.outcome import Evidence, Outcome, Verdict
    from backend.records.entry import JobEntry
    from backend.records.journal import Journal
    from backend.records.record import JobRecord, RecordState
    from backend.running.start import start_dump

__all__ = [
    "Backend",
    "BackendError",
    "BlockOperation",
    "Capabilities",
    "DiskKey",
    "Domain",
    "DomainBusy",
    "DomainKey",
    "DomainNotRunning",
    "DomainState",
    "DumpFlags",
    "DumpFormat",
    "DumpRequest",
    "Event",
    "EventStream",
    "Evidence",
    "FileExists",
    "JobChange",
    "JobEntry",
    "JobMismatch",
    "JobOperation",
    "JobRecord",
    "JobStats",
    "JobType",
    "Journal",
    "JournalError",
    "NoConnection",
    "NoJob",
    "NoSuchDomain",
    "NotAnswering",
    "NotPermitted",
    "NotSupported",
    "OperationFailed",
    "Outcome",
    "RecordState",
    "Verdict",
    "WaitTimeout",
    "open_backend",
    "start_dump",
    "wait",
    "watch",
]

# Commands that only list domains start faster without the records and the verdict rules.
_LOADED_ON_REQUEST = {
    "Evidence": "backend.outcome",
    "JobChange": "backend.observing.job_changes",
    "JobEntry": "backend.records.entry",
    "JobRecord": "backend.records.record",
    "Journal": "backend.records.journal",
    "Outcome": "backend.outcome",
    "RecordState": "backend.records.record",
    "Verdict": "backend.outcome",
    "start_dump": "backend.running.start",
    "wait": "backend.observing.wait",
    "watch": "backend.observing.watch",
}


def __getattr__(name: str) -> object:
    if name not in _LOADED_ON_REQUEST:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LOADED_ON_REQUEST[name]), name)
