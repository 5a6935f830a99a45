"""The errors of calls that libvirt refuses, with its own messages and numbers (virErrorNumber)."""

from __future__ import annotations

from itertools import combinations

from backend.errors import (
    BackendError,
    DomainBusy,
    DomainNotRunning,
    NoSuchDomain,
    NotPermitted,
    NotSupported,
    OperationFailed,
)
from backend.model import DomainKey, DumpFlags, DumpFormat, DumpRequest

READ_ONLY = "operation forbidden: read only access prevents"


def read_only(call: str) -> NotPermitted:
    """For a read-only connection; `call` is the name of libvirt's function."""
    return NotPermitted(f"{READ_ONLY} {call}", code=29)


def no_domain(domain: DomainKey) -> NoSuchDomain:
    return NoSuchDomain(f"Domain not found: no domain with matching uuid '{domain.uuid}' ({domain.name})", code=42)


def no_run(domain: DomainKey) -> NoSuchDomain:
    return NoSuchDomain(f"Domain not found: no domain with matching id {domain.id} ({domain.name})", code=42)


def not_running() -> DomainNotRunning:
    return DomainNotRunning("Requested operation is not valid: domain is not running", code=55)


def busy() -> DomainBusy:
    """libvirt raises this after it has waited 30 seconds for the domain's job to end; the simulator does so at once."""
    return DomainBusy("Timed out during operation: cannot acquire state change lock", code=68)


def not_paused() -> OperationFailed:
    return OperationFailed("Requested operation is not valid: domain is already running", code=55)


def cannot_create(path: str, error: OSError) -> OperationFailed:
    return OperationFailed(f"Failed to create file '{path}': {error.strerror}", code=38)


def dump(request: DumpRequest) -> BackendError | None:
    """Why libvirt refuses that combination of format and flags; None if it is valid."""
    flags = request.flags
    for first, second in combinations((DumpFlags.CRASH, DumpFlags.LIVE, DumpFlags.RESET), 2):
        if first in flags and second in flags:
            return NotSupported(
                f"Flags 'VIR_DUMP_{first.name}' and 'VIR_DUMP_{second.name}' are mutually exclusive", code=8
            )
    if not request.format.known:
        return NotSupported(f"invalid argument: dumpformat {int(request.format)} is not known", code=8)
    if request.format is not DumpFormat.RAW and DumpFlags.MEMORY_ONLY not in flags:
        reason = "kdump-compressed format is only supported with memory-only dump"
        return NotSupported(f"Operation not supported: {reason}", code=84)
    return None
