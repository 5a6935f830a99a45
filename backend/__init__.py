"""Domains, their jobs, dumps that outlive their asker, and waits that are never wrong; over any hypervisor."""

from importlib import import_module
from typing import TYPE_CHECKING

from backend.base import Backend
from backend.errors import BackendError
from backend.events import Event, EventStream
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
from backend.uri import open_backend

if TYPE_CHECKING:
    from backend.journal import Journal
    from backend.record import JobRecord, RecordState
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

# Who only looks at domains starts faster without what keeps records and judges.
_LOADED_WHEN_ASKED_FOR = {
    "Evidence": "verdict",
    "JobRecord": "record",
    "Journal": "journal",
    "Outcome": "verdict",
    "RecordState": "record",
    "Verdict": "verdict",
}


def __getattr__(name: str) -> object:
    if name not in _LOADED_WHEN_ASKED_FOR:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"backend.{_LOADED_WHEN_ASKED_FOR[name]}"), name)
