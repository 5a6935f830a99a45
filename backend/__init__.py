"""Domains and their jobs on any hypervisor: dumps that outlive their requester, and waits that prove their verdict."""

from importlib import import_module
from typing import TYPE_CHECKING

from backend.base import Backend
from backend.capabilities import Capabilities
from backend.dump_request import DumpFlags, DumpFormat, DumpRequest
from backend.errors import BackendError
from backend.event_stream import EventStream
from backend.events import Event
from backend.job_stats import JobStats, JobType
from backend.model import Domain, DomainKey, DomainState, JobOperation
from backend.uri import open_backend

if TYPE_CHECKING:
    from backend.observing.wait import wait
    from backend.outcome import Evidence, Outcome, Verdict
    from backend.records.journal import Journal
    from backend.records.record import JobRecord, RecordState
    from backend.running.start import start_dump

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
    "start_dump",
    "wait",
]

# Commands that only list domains start faster without the records and the verdict rules.
_LOADED_ON_REQUEST = {
    "Evidence": "backend.outcome",
    "JobRecord": "backend.records.record",
    "Journal": "backend.records.journal",
    "Outcome": "backend.outcome",
    "RecordState": "backend.records.record",
    "Verdict": "backend.outcome",
    "start_dump": "backend.running.start",
    "wait": "backend.observing.wait",
}


def __getattr__(name: str) -> object:
    if name not in _LOADED_ON_REQUEST:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LOADED_ON_REQUEST[name]), name)
