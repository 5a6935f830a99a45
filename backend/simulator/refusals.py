"""The errors of calls that libvirt refuses, with its own messages and numbers (virErrorNumber)."""

from __future__ import annotations

from itertools import combinations

from backend.dump_request import DumpFlags, DumpFormat, DumpRequest
from backend.errors import (
    BackendError,
    DomainBusy,
    DomainNotRunning,
    NoJob,
    NoSuchDomain,
    NotPermitted,
    NotSupported,
    OperationFailed,
)
from backend.model import BlockOperation, DiskKey, DomainKey

READ_ONLY = "operation forbidden: read only access prevents"
_INVALID = "Requested operation is not valid"


def read_only(call: str) -> NotPermitted:
    """For a read-only connection; `call` is the name of libvirt's function."""
    return NotPermitted(f"{READ_ONLY} {call}", code=29)


def no_domain(domain: DomainKey) -> NoSuchDomain:
    return NoSuchDomain(f"Domain not found: no domain with matching uuid '{domain.uuid}' ({domain.name})", code=42)


def no_run(domain: DomainKey) -> NoSuchDomain:
    return NoSuchDomain(f"Domain not found: no domain with matching id {domain.id} ({domain.name})", code=42)


def not_running() -> DomainNotRunning:
    return DomainNotRunning(f"{_INVALID}: domain is not running", code=55)


def busy() -> DomainBusy:
    """libvirt raises this after it has waited 30 seconds for the domain's job to end; the simulator does so at once."""
    return DomainBusy("Timed out during operation: cannot acquire state change lock", code=68)


def not_paused() -> OperationFailed:
    return OperationFailed(f"{_INVALID}: domain is already running", code=55)


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


def no_job() -> NoJob:
    return NoJob(f"{_INVALID}: no job is active on the domain", code=55)


def block_job_prevents() -> OperationFailed:
    """For what would have to move a disk that has a job, even into a file."""
    return OperationFailed(f"{_INVALID}: domain has active block job", code=55)


def no_disk(key: DiskKey) -> OperationFailed:
    return OperationFailed(f"invalid argument: disk '{key.disk}' not found in domain", code=8)


def no_block_job(key: DiskKey) -> NoJob:
    return NoJob(f"invalid argument: disk {key.disk} does not have an active block job", code=8)


def busy_disk(key: DiskKey) -> OperationFailed:
    return OperationFailed(f"block copy still active: disk '{key.disk}' already in active block job", code=83)


def nothing_to_commit(disk: str) -> OperationFailed:
    return OperationFailed(f"invalid argument: top '{disk}' in chain for '{disk}' has no backing file", code=8)


def no_pivot(operation: BlockOperation) -> NotSupported:
    return NotSupported(f"{_INVALID}: job type '{operation.name.lower()}' does not support pivot", code=55)


def not_ready(disk: str) -> OperationFailed:
    return OperationFailed(f"block copy still active: block job on '{disk}' not ready for pivot yet", code=83)


def no_migration() -> NoJob:
    return NoJob(f"{_INVALID}: domain is not being migrated", code=55)


def no_postcopy() -> NotSupported:
    reason = "switching to post-copy requires migration to be started with VIR_MIGRATE_POSTCOPY flag"
    return NotSupported(f"{_INVALID}: {reason}", code=55)


def in_postcopy() -> NotSupported:
    return NotSupported(f"{_INVALID}: cannot abort migration in post-copy mode", code=55)


def not_in_postcopy() -> NotSupported:
    return NotSupported(f"{_INVALID}: current job is not outgoing migration in post-copy mode", code=55)


def not_broken() -> NotSupported:
    return NotSupported(f"{_INVALID}: domain is not in a failed post-copy migration", code=55)
