"""The jobs of domains and of disks, by their keys. All of it blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import libvirt

from backend.base import JobAnswer
from backend.errors import BackendError, NoConnection, NotAnswering
from backend.job_stats import JobStats
from backend.libvirt.block_jobs import disk_job
from backend.libvirt.connection.connection import Connection
from backend.libvirt.domain_job import domain_job
from backend.libvirt.errors import of_query
from backend.model import DiskKey, JobKey, domain_of


def job(key: JobKey, connection: Connection) -> JobStats | None:
    """The stats of the domain's own job, or of the disk's. Raises what `Backend.job` does, and libvirtError."""
    return disk_job(key, connection) if isinstance(key, DiskKey) else domain_job(key, connection)


def answers(keys: Sequence[JobKey], connection: Connection) -> Mapping[JobKey, JobAnswer]:
    """`job` for several jobs of one domain, each with its stats, None, or its error.

    Raises NoConnection, and NotAnswering where nothing is known of any of them.
    """
    return {key: _answer(key, connection) for key in keys}


def _answer(key: JobKey, connection: Connection) -> JobAnswer:
    try:
        return job(key, connection)
    except libvirt.libvirtError as error:
        failure = of_query(domain_of(key).name, error)
    except BackendError as error:
        failure = error
    if isinstance(failure, NoConnection | NotAnswering):
        raise failure
    return failure
