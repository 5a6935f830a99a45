"""Find the job of a disk that is to be waited for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from backend.base import Backend
from backend.errors import AmbiguousJob, BackendError, JobMismatch, NoJob
from backend.job_stats import JobStats
from backend.model import BlockOperation, DiskKey, DomainKey
from backend.verdicts.block_attachment import BlockAttachment
from backend.verdicts.observations import Sampled

logger = logging.getLogger(__name__)


async def attach_block(
    backend: Backend, domain: DomainKey, operation: BlockOperation | None, disk: str | None
) -> BlockAttachment:
    """An attachment to the job of that disk, or to the only one of that kind; None stands for any.

    NoJob, JobMismatch, and AmbiguousJob where several disks have one; else errors as `Backend.job` raises them.
    """
    clock = asyncio.get_running_loop().time
    sent = clock()
    stats = await _stats(backend, domain, operation, disk)
    answered = clock()
    assert stats.disk is not None and isinstance(stats.operation, BlockOperation)
    key = DiskKey(domain, stats.disk)
    source = None
    if stats.operation.becomes_ready:
        try:
            source = await backend.disk_source(key)
        except BackendError as error:
            logger.debug("the disk %s of %s: %s", key.disk, domain.name, error.message)
    attachment = BlockAttachment(key, stats.operation, source)
    attachment.observe(Sampled(stats, sent), answered)
    return attachment


async def block_jobs_of(backend: Backend, domain: DomainKey) -> Sequence[JobStats]:
    """The jobs of the domain's disks. BackendError where they are not known."""
    found = (await backend.block_jobs([domain]))[domain]
    if isinstance(found, BackendError):
        raise found
    return found


async def _stats(backend: Backend, domain: DomainKey, operation: BlockOperation | None, disk: str | None) -> JobStats:
    if disk is not None:
        stats = await backend.job(DiskKey(domain, disk))
        if stats is None:
            raise NoJob(f"{domain.name} has no job on disk {disk} to wait for")
        found: Sequence[JobStats] = [stats]
    else:
        found = await block_jobs_of(backend, domain)
    matching = [stats for stats in found if operation is None or stats.operation == operation]
    match matching, found:
        case [stats], _:
            return stats
        case [], [other, *_] if operation is not None:
            raise JobMismatch(operation, other.operation)
        case [], _:
            raise NoJob(f"{domain.name} has no job to wait for")
        case _:
            jobs = ", ".join(f"{stats.operation.label} of {stats.disk}" for stats in matching)
            raise AmbiguousJob(f"{domain.name} has several jobs ({jobs}); name the disk")
