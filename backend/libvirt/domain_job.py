"""The job that a domain itself has, as libvirt reports it. All of it blocks."""

from __future__ import annotations

from typing import Any

import libvirt

from backend.errors import DomainNotRunning
from backend.job_stats import JobStats, JobType
from backend.libvirt import migration
from backend.libvirt.connection.connection import Connection
from backend.libvirt.convert import job_stats
from backend.libvirt.errors import INVALID
from backend.model import DomainKey, JobOperation

_COMPLETED = libvirt.VIR_DOMAIN_JOB_STATS_COMPLETED | libvirt.VIR_DOMAIN_JOB_STATS_KEEP_COMPLETED


def domain_job(key: DomainKey, connection: Connection) -> JobStats | None:
    """The stats of the domain's own job. Raises what `Backend.job` does, and libvirtError."""
    handle = connection.handle(key)
    try:
        params = handle.jobStats()
    except libvirt.libvirtError as error:
        if (job := _job_behind_refusal(error)) is not None:
            return migration.complete(JobStats(JobType.UNBOUNDED, job), connection.look_up(key))
        if error.get_error_code() != INVALID:
            raise
        connection.look_up(key)  # Raises if that run is over.
        raise DomainNotRunning(f"{key.name} is not running", code=INVALID) from None
    stats = job_stats(params)
    if stats is None:
        return None
    handle = connection.look_up(key)  # libvirt finds domains by their uuid alone: this may be the job of a later run.
    return migration.complete(stats, handle) if stats.operation == JobOperation.MIGRATION_OUT else stats


def last_job(key: DomainKey, connection: Connection) -> JobStats | None:
    """The stats that the domain's last finished job left, which stay there. Raises libvirtError."""
    return job_stats(connection.handle(key).jobStats(_COMPLETED))


def abort(domain: Any) -> None:
    """Request that the domain's own job be aborted. Returns at once. Raises libvirtError."""
    domain.abortJob()


def _job_behind_refusal(error: libvirt.libvirtError) -> JobOperation | None:
    """The job that libvirt reveals by refusing its stats (seen on 9.0.0); None if the refusal reveals none."""
    if error.get_error_code() == libvirt.VIR_ERR_OPERATION_UNSUPPORTED:
        return JobOperation.MIGRATION_IN  # "migration statistics are available only on the source host"
    return None
