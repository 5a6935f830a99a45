"""QEMU's own events, which libvirt passes on as JSON: the begins of jobs, and the end of a memory-only dump."""

from __future__ import annotations

import json
import logging

from backend.events import DumpEvent, JobBegan
from backend.model import DomainKey
from backend.text import clean

logger = logging.getLogger(__name__)

NAMES = "^(MIGRATION|JOB_STATUS_CHANGE|DUMP_COMPLETED)$"
"""The events that are read here, as a regular expression."""
_OF_DISKS = ("copy-", "commit-", "pull-")
"""How libvirt begins the ids of jobs that it reports as those of a disk."""
_OF_DOMAINS = ("backup-", "drive-")
"""The same for parts of a domain's own job: a backup, and a migration that takes the disks along."""

_MALFORMED = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


def event(domain: DomainKey, name: str, details: str | None) -> DumpEvent | JobBegan | None:
    """What QEMU's event tells; None: nothing of interest, or nothing that can be understood."""
    if name == "DUMP_COMPLETED":
        return DumpEvent(domain, *dump_result(details))
    try:
        data = json.loads(details or "")
        if name == "MIGRATION":
            return JobBegan(domain, block=False) if data["status"] == "setup" else None
        return _begin(domain, data["id"]) if data["status"] == "created" else None
    except _MALFORMED:
        _warn(name, details)
        return None


def dump_result(details: str | None) -> tuple[bool, str]:
    """Whether QEMU's event says that the dump is complete, and else why not."""
    try:
        data = json.loads(details or "")
        status, error = data["result"]["status"], data.get("error", "")
    except _MALFORMED:
        _warn("DUMP_COMPLETED", details)
        return False, "QEMU's word on the dump cannot be understood"
    return status == "completed", clean(str(error))


def _begin(domain: DomainKey, job: str) -> JobBegan | None:
    if job.startswith(_OF_DISKS):
        return JobBegan(domain, block=True)
    return JobBegan(domain, block=False) if job.startswith(_OF_DOMAINS) else None


def _warn(name: str, details: str | None) -> None:
    logger.warning("QEMU's event %s cannot be parsed: %s", clean(name), clean(str(details)))
