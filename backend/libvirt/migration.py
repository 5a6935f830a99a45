"""Migrations: what one out has to keep to, its switch to post-copy, and what its stats lack. All of it blocks."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

import libvirt

from backend.errors import DomainNotRunning
from backend.job_stats import JobStats, Postcopy
from backend.libvirt.connection.connection import Connection
from backend.libvirt.errors import INVALID
from backend.model import DomainKey, DomainState, JobOperation, MigrationLimits

_MIB = 1 << 20
_UNLIMITED = (2**63 - 1) // _MIB
"""MiB/s that stand for "as fast as it can" (QEMU_DOMAIN_MIG_BANDWIDTH_MAX)."""
_POSTCOPY = {
    (DomainState.PAUSED, libvirt.VIR_DOMAIN_PAUSED_POSTCOPY): Postcopy.ACTIVE,
    (DomainState.PAUSED, libvirt.VIR_DOMAIN_PAUSED_POSTCOPY_FAILED): Postcopy.FAILED,
    (DomainState.RUNNING, libvirt.VIR_DOMAIN_RUNNING_POSTCOPY): Postcopy.ACTIVE,
    # What runs there stands still all the same, as soon as it needs memory that has not come over.
    (DomainState.RUNNING, libvirt.VIR_DOMAIN_RUNNING_POSTCOPY_FAILED): Postcopy.FAILED,
}
"""The states of a domain, on either side, that tell of it."""


def limits(readonly: bool, key: DomainKey, connection: Connection) -> MigrationLimits:
    """The limits of the present migration, or else of the next one. libvirt refuses the bandwidth to the read-only."""
    handle = connection.handle(key)
    try:
        downtime = handle.migrateGetMaxDowntime()
        if downtime is None:  # The binding raises no error of this call by itself.
            raise libvirt.libvirtError("virDomainMigrateGetMaxDowntime() failed")
        bandwidth = None if readonly else handle.migrateGetMaxSpeed()
    except libvirt.libvirtError as error:
        if error.get_error_code() != INVALID:
            raise
        connection.look_up(key)
        raise DomainNotRunning(f"{key.name} is not running", code=INVALID) from None
    return MigrationLimits(downtime, None if bandwidth is None else _in_bytes(bandwidth))


def limit(change: MigrationLimits, domain: Any) -> None:
    """Change those that are given, for the present migration or else the next one. Raises libvirtError."""
    if change.max_downtime is not None:
        domain.migrateSetMaxDowntime(change.max_downtime)
    if change.bandwidth is not None:
        # libvirt counts in MiB; a small limit must not become none.
        domain.migrateSetMaxSpeed(min(-(-change.bandwidth // _MIB), _UNLIMITED) or _UNLIMITED)


def complete(stats: JobStats, domain: Any) -> JobStats:
    """The stats of a migration with what libvirt tells apart from them. Raises libvirtError."""
    state, reason = domain.state()
    postcopy = _POSTCOPY.get((DomainState(state), reason))
    max_downtime = None
    if stats.operation == JobOperation.MIGRATION_OUT and postcopy is None:
        with contextlib.suppress(libvirt.libvirtError):
            max_downtime = domain.migrateGetMaxDowntime()
    return replace(stats, postcopy=postcopy, max_downtime=max_downtime)


def start_postcopy(domain: Any) -> None:
    """Switch the running migration over. Returns at once. Raises libvirtError."""
    domain.migrateStartPostCopy()


def abort_postcopy(domain: Any) -> None:
    """Break off a migration in its post-copy phase; both sides are left paused. Raises libvirtError."""
    domain.abortJobFlags(libvirt.VIR_DOMAIN_ABORT_JOB_POSTCOPY)


def _in_bytes(bandwidth: int) -> int:
    return 0 if bandwidth >= _UNLIMITED else bandwidth * _MIB
