"""The jobs of a domain's disks, as libvirt reports and ends them. All of it blocks, except for `Disks.forget`."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, NoReturn

import libvirt

from backend.errors import BackendError, DomainNotRunning
from backend.job_stats import JobStats
from backend.libvirt import live_xml
from backend.libvirt.connection.connection import Connection
from backend.libvirt.domain_job import domain_job
from backend.libvirt.errors import INVALID, NO_DISK
from backend.model import BlockOperation, DiskKey, DiskSource, DomainKey, JobOperation

_PARTS = {
    BlockOperation.COPY: JobOperation.MIGRATION_OUT,
    BlockOperation.COMMIT: JobOperation.SNAPSHOT_DELETE,
    BlockOperation.ACTIVE_COMMIT: JobOperation.SNAPSHOT_DELETE,
}
"""Jobs of disks that a domain's own job begins for itself. One of a backup is always such a part."""


class Disks:
    """The names of the disks that may have jobs, read once for each run of a domain. Any thread may use it."""

    def __init__(self) -> None:
        self._names: dict[DomainKey, tuple[str, ...]] = {}
        self._changes = 0
        self._lock = threading.Lock()

    def names(self, key: DomainKey, connection: Connection) -> tuple[str, ...]:
        """The names of the domain's disks, in the order of its XML. Raises libvirtError."""
        if (names := self._names.get(key)) is not None:
            return names
        changes = self._changes
        names = tuple(_live_disks(key, connection))
        with self._lock:
            if changes == self._changes:  # Else they may be from before the change.
                self._names[key] = names
        return names

    def forget(self, uuid: str | None = None) -> None:
        """Read the domain's disks anew, or those of all domains: they may have changed."""
        with self._lock:
            self._changes += 1
            self._names = {} if uuid is None else {key: names for key, names in self._names.items() if key.uuid != uuid}


def disk_job(key: DiskKey, connection: Connection) -> JobStats | None:
    """The stats of the disk's job. Raises what `Backend.job` does, and libvirtError."""
    try:
        return next(iter(_look(key.domain, [key.disk], connection)), None)
    except libvirt.libvirtError as error:
        if error.get_error_code() == NO_DISK:
            return None
        raise


def disk_jobs(disks: Disks, key: DomainKey, connection: Connection) -> list[JobStats]:
    """The stats of the jobs of all disks of the domain. Raises what `Backend.job` does, and libvirtError."""
    try:
        return _look(key, disks.names(key, connection), connection)
    except libvirt.libvirtError as error:
        if error.get_error_code() != NO_DISK:
            raise
    disks.forget(key.uuid)  # One of them was detached, and no event has said so yet.
    return _look(key, disks.names(key, connection), connection)


def disk_names(key: DomainKey, connection: Connection) -> list[str]:
    """The names of the domain's disks that may have jobs, as they are now. Raises what `Backend.job` does."""
    return list(_live_disks(key, connection))


def disk_source(key: DiskKey, connection: Connection) -> DiskSource | None:
    """What the disk reads and writes; None where the XML does not tell. Raises what `Backend.job` does."""
    return _live_disks(key.domain, connection).get(key.disk)


def abort(disk: str, domain: Any) -> None:
    """Request the end of the disk's job. Returns at once. Raises libvirtError."""
    domain.blockJobAbort(disk, libvirt.VIR_DOMAIN_BLOCK_JOB_ABORT_ASYNC)


def pivot(disk: str, domain: Any) -> None:
    """Request that the disk continue on its mirror. Returns at once. Raises libvirtError."""
    # QEMU's driver takes the two flags together; without the first it would wait for the pivot's end.
    flags = libvirt.VIR_DOMAIN_BLOCK_JOB_ABORT_ASYNC | libvirt.VIR_DOMAIN_BLOCK_JOB_ABORT_PIVOT
    domain.blockJobAbort(disk, flags)


def _look(key: DomainKey, names: Sequence[str], connection: Connection) -> list[JobStats]:
    handle = connection.handle(key)
    try:
        reports = {name: report for name in names if (report := handle.blockJobInfo(name, 0))}
    except libvirt.libvirtError as error:
        _raise(error, key, connection)
    if not reports:
        return []
    connection.look_up(key)  # libvirt finds domains by their uuid alone: these may be jobs of a later run.
    operations = {name: BlockOperation(report["type"]) for name, report in reports.items()}
    own = _own_operation(key, connection) if _PARTS.keys() & set(operations.values()) else None
    alone = [
        name
        for name, operation in operations.items()
        if operation != BlockOperation.BACKUP and (own is None or _PARTS.get(operation) != own)
    ]
    sources: dict[str, DiskSource | None] = {}
    if any(operations[name].becomes_ready for name in alone):
        # Neither does libvirt's report tell whether a mirror is ready, nor do equal numbers mean that it is.
        sources = _live_disks(key, connection)
    return [
        JobStats.of_block_job(
            name,
            operations[name],
            reports[name]["cur"],
            reports[name]["end"],
            (source := sources.get(name)) is not None and source.mirror_ready,
        )
        for name in alone
    ]


def _own_operation(key: DomainKey, connection: Connection) -> JobOperation | None:
    """What the domain's own job does; None also where that is not told."""
    try:
        own = domain_job(key, connection)
    except (libvirt.libvirtError, BackendError):
        return None
    return own.operation if own is not None and isinstance(own.operation, JobOperation) else None


def _live_disks(key: DomainKey, connection: Connection) -> dict[str, DiskSource | None]:
    if key.id is None:
        raise DomainNotRunning(f"{key.name} is not running")
    try:
        disks = live_xml.disks(connection.handle(key).XMLDesc(0))
    except libvirt.libvirtError as error:
        _raise(error, key, connection)
    connection.look_up(key)  # It may be the XML of a later run, or of a domain that does not run any more.
    return disks


def _raise(error: libvirt.libvirtError, key: DomainKey, connection: Connection) -> NoReturn:
    """Raise what libvirt's error says of the domain, if it says that it is not running; else itself."""
    if error.get_error_code() != INVALID:
        raise error
    connection.look_up(key)  # Raises if that run is over.
    raise DomainNotRunning(f"{key.name} is not running", code=INVALID) from None
