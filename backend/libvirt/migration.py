"""What a migration out has to keep to, and its switch to post-copy. All of it blocks."""

from __future__ import annotations

from typing import Any

import libvirt

from backend.errors import DomainNotRunning
from backend.libvirt.connection.connection import Connection
from backend.libvirt.errors import INVALID
from backend.model import DomainKey, MigrationLimits

_MIB = 1 << 20
_UNLIMITED = (2**63 - 1) // _MIB
"""MiB/s that stand for "as fast as it can" (QEMU_DOMAIN_MIG_BANDWIDTH_MAX)."""


def limits(readonly: bool, key: DomainKey, connection: Connection) -> MigrationLimits:
    """The limits of the present migration, or else of the next one. libvirt refuses the bandwidth to the read-only."""
    handle = connection.handle(key)
    try:
        downtime = handle.migrateGetMaxDowntime()
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


def start_postcopy(domain: Any) -> None:
    """Switch the running migration over. Returns at once. Raises libvirtError."""
    domain.migrateStartPostCopy()


def abort_postcopy(domain: Any) -> None:
    """Break off a migration in its post-copy phase; both sides are left paused. Raises libvirtError."""
    domain.abortJobFlags(libvirt.VIR_DOMAIN_ABORT_JOB_POSTCOPY)


def _in_bytes(bandwidth: int) -> int:
    return 0 if bandwidth >= _UNLIMITED else bandwidth * _MIB
