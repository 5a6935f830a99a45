"""What cannot be done to a domain just now, and why, in words. No widget in here."""

from __future__ import annotations

from backend.model import Capabilities, DomainState, JobOperation, JobStats
from backend.records.record import JobRecord
from tui.commands.commands import Wait
from tui.commands.keys import Keys
from tui.session.rows import Row

NO_DOMAIN = "no domain is selected"
NO_CONNECTION = "no connection to its hypervisor"


def dump(row: Row | None, capabilities: Capabilities | None, keys: Keys) -> str | None:
    if row is None:
        return NO_DOMAIN
    if capabilities is None:
        return NO_CONNECTION
    if capabilities.dump is not None:
        return capabilities.dump
    name = row.domain.name
    if not row.domain.active:
        return f"{name} is not running: there is no memory to dump"
    if row.progress is not None:
        return f"{name} has a job already ({row.progress.stats.operation.label}): {keys[Wait]} waits for it"
    return None


def wait(row: Row | None) -> str | None:
    if row is None:
        return NO_DOMAIN
    return None if row.progress is not None else f"{row.domain.name} has no job to wait for"


def abort(row: Row | None, capabilities: Capabilities | None, record: JobRecord | None) -> str | None:
    """`record`: that of the domain's running dump, if it is known."""
    if row is None:
        return NO_DOMAIN
    if row.progress is None:
        return f"{row.domain.name} has no job to abort"
    if capabilities is None:
        return NO_CONNECTION
    if capabilities.abort is not None:
        return capabilities.abort
    if is_memory_only(row.progress.stats, record):
        return "a memory-only dump cannot be aborted; only one of format raw can"
    return None


def resume(row: Row | None, capabilities: Capabilities | None) -> str | None:
    if row is None:
        return NO_DOMAIN
    if row.domain.state is not DomainState.PAUSED:
        return f"{row.domain.name} is not paused"
    if row.progress is not None:
        return f"{row.domain.name} is paused by its job, which is not over"
    if capabilities is None:
        return NO_CONNECTION
    return capabilities.resume


def is_memory_only(stats: JobStats, record: JobRecord | None) -> bool:
    """Whether this is a memory-only dump: its record says so, or its stats, which have no migration stream's data."""
    if stats.operation is not JobOperation.DUMP:
        return False
    return record.request.memory_only if record is not None else stats.data_total is None and stats.total > 0
