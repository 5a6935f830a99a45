"""Which disk's job a command means when its user does not name one."""

from __future__ import annotations

from collections.abc import Sequence

from backend.base import Backend
from backend.errors import AmbiguousJob, BackendError, JobMismatch, NoJob, NoSuchDisk
from backend.job_stats import JobStats
from backend.model import BlockOperation, DomainKey, Operation
from backend.observing.attach_block import block_jobs_of
from tui.cli.hints import this_command
from tui.words.job_names import name_of


async def find_mirror(
    backend: Backend, domain: DomainKey, disk: str | None = None, operation: Operation | None = None
) -> JobStats:
    """The job that becomes ready, on that disk, or the only one; with `operation`, of that kind.

    NoJob without one, JobMismatch where there are only others, AmbiguousJob where there are several.
    """
    jobs = [job for job in await block_jobs_of(backend, domain) if disk in (None, job.disk)]
    wanted = [job for job in jobs if _becomes_ready(job) and operation in (None, job.operation)]
    match wanted, jobs:
        case [job], _:
            return job
        case [_, *_], _:
            raise AmbiguousJob(
                f"{domain.name} has several jobs ({_listed(wanted)}): choose one of them, as in: {_first(wanted)}"
            )
        case [], [other, *_]:
            raise JobMismatch(operation or BlockOperation.COPY, other.operation)
    where = f"on disk {disk}" if disk is not None else "that becomes ready"
    raise NoJob(f"{domain.name} has no block job {where}")


async def check(backend: Backend, domain: DomainKey, disk: str) -> None:
    """NoSuchDisk if the domain has no disk of that name, as far as the hypervisor tells."""
    names = await backend.disks(domain)
    if names is not None and disk not in names:
        known = f"it has {', '.join(names)}" if names else "it has none that could have a job"
        raise NoSuchDisk(f"{domain.name} has no disk {disk!r}: {known}")


async def other_jobs(backend: Backend, domain: DomainKey) -> NoJob | None:
    """Why there is no job of the domain's own, although its disks have some; None if they have none."""
    try:
        jobs = await block_jobs_of(backend, domain)
    except BackendError:
        return None
    if not jobs:
        return None
    where = f"{domain.name} has no job of its own, but on its disks ({_listed(jobs)})"
    return NoJob(f"{where}: choose one of them, as in: {_first(jobs)}")


async def with_example(backend: Backend, domain: DomainKey, error: AmbiguousJob) -> AmbiguousJob:
    """The error, with this command for one of the jobs."""
    jobs = await block_jobs_of(backend, domain)
    return AmbiguousJob(f"{error.message}, as in: {_first(jobs)}") if jobs else error


def _becomes_ready(job: JobStats) -> bool:
    return isinstance(job.operation, BlockOperation) and job.operation.becomes_ready


def _first(jobs: Sequence[JobStats]) -> str:
    """This command for the first of these jobs."""
    return this_command("--disk", jobs[0].disk or "")


def _listed(jobs: Sequence[JobStats]) -> str:
    return ", ".join(map(name_of, jobs))
