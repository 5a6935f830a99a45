"""A domain's state and its own job, read at the same moment. All of it blocks."""

from __future__ import annotations

import libvirt

from backend.errors import BackendError, NoConnection, NotAnswering
from backend.job_stats import JobStats
from backend.libvirt import domain_job, listing
from backend.libvirt.connection.connection import Connection
from backend.libvirt.errors import of_query
from backend.model import DomainKey
from backend.status import LOOKS, Status


def status(key: DomainKey, connection: Connection) -> Status:
    """The state did not change while the job was read, unless it does so all the time.

    Raises NotAnswering, NoConnection, and libvirtError where the domain is gone.
    """
    before = listing.look_at(key.uuid, connection)
    for _ in range(LOOKS):
        job = _job(before.key, connection) if before.active else None
        after = listing.look_at(key.uuid, connection)
        if after == before:
            break
        before = after
    return Status(after, job)


def _job(key: DomainKey, connection: Connection) -> JobStats | BackendError | None:
    try:
        return domain_job.domain_job(key, connection)
    except libvirt.libvirtError as error:
        failure = of_query(key.name, error)
    except BackendError as error:
        failure = error
    if isinstance(failure, NoConnection | NotAnswering):
        raise failure
    return failure
