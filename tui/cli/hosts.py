"""The domains and jobs of every hypervisor given to `list`: queried concurrently, yielded as they answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace

from backend.base import Backend, BlockJobsAnswer, JobAnswer
from backend.dump_request import AutomaticDump
from backend.errors import BackendError, NoConnection, NotAnswering, OperationFailed
from backend.job_stats import JobStats
from backend.log import ignored
from backend.model import Domain, DomainKey, JobKey, JobOperation, Operation
from backend.observing.last_known import Silence, known_last
from backend.status import Status, StatusAnswer
from tui.cli import silence
from tui.cli.fleet import within
from tui.cli.target import Target
from tui.session import migrations

logger = logging.getLogger(__name__)

IN_ORDER = 1.0
"""Seconds that hypervisors have to be listed in the order of the command line; later ones follow as they answer."""
DEADLINE = 15.0
"""Seconds that a hypervisor has for its whole answer."""
_UNKNOWN = NotAnswering("not asked")


@dataclass(frozen=True, slots=True)
class DomainJobs:
    """A domain and its jobs, as far as the hypervisor has answered."""

    domain: Domain
    own: JobStats | None = None
    of_disks: Sequence[JobStats] = ()
    automatic: AutomaticDump | None = None
    """Its own job, if that is a dump that the hypervisor has begun by itself."""
    silence: Silence | None = None
    """Set if the hypervisor does not answer for it: its jobs are not known."""

    @property
    def all(self) -> list[JobStats]:
        return [*([self.own] if self.own is not None else []), *self.of_disks]


@dataclass(frozen=True, slots=True)
class HostListing:
    """The domains of one hypervisor, each with its jobs."""

    uri: str
    domains: Sequence[DomainJobs]
    error: BackendError | None = None
    """Why it could not be listed."""

    @property
    def errors(self) -> list[BackendError]:
        """That, or what is not known of its domains."""
        silences = [silence.error(jobs.silence) for jobs in self.domains if jobs.silence is not None]
        return [self.error] if self.error is not None else [*silences]


async def list_hosts(target: Target) -> AsyncIterator[list[HostListing]]:
    """Every hypervisor, in batches: those of a batch in the order of the command line. A slow one delays no other."""
    tasks = [asyncio.create_task(_list_host(target, uri)) for uri in target.uris]
    done, pending = await asyncio.wait(tasks, timeout=IN_ORDER)
    while True:
        yield [task.result() for task in tasks if task in done]
        if not pending:
            return
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)


async def _list_host(target: Target, uri: str) -> HostListing:
    try:
        backend = target.backend(uri)
    except BackendError as error:
        return HostListing(uri, (), error)
    answer = await within(backend, DEADLINE, _list(backend))
    return HostListing(uri, (), answer) if isinstance(answer, BackendError) else HostListing(uri, answer)


async def _list(backend: Backend) -> list[DomainJobs]:
    async with backend:
        return await _domains_and_jobs(backend)


async def list_open(backends: Sequence[Backend]) -> Mapping[Backend, Sequence[DomainJobs] | BackendError]:
    """The domains and jobs of backends that are open, all asked at the same time."""
    answers = await asyncio.gather(*(within(backend, DEADLINE, _domains_and_jobs(backend)) for backend in backends))
    return dict(zip(backends, answers, strict=True))


async def _domains_and_jobs(backend: Backend) -> list[DomainJobs]:
    """Every domain of an open backend with its jobs, and with its state at the moment of its own job."""
    domains = await backend.domains()
    answering = [domain.key for domain in domains if domain.active and domain.answering]
    jobs, block_jobs = await asyncio.gather(backend.jobs(answering), backend.block_jobs(answering))
    # Only where a job explains the state, or could, the two may belong to different moments.
    statuses = await backend.statuses(
        domain.key
        for domain in domains
        if isinstance(own := jobs.get(domain.key, _UNKNOWN), JobStats) or (own is None and domain.paused_by)
    )
    found = [_domain_jobs(domain, jobs, block_jobs, statuses) for domain in domains]
    return [await _complete(backend, of) for of in found]


async def _complete(backend: Backend, jobs: DomainJobs) -> DomainJobs:
    if jobs.silence is not None:
        return replace(jobs, silence=await known_last(backend, jobs.domain, jobs.silence.reason))
    return replace(jobs, automatic=await automatic_dump(backend, jobs.domain, jobs.own))


async def automatic_dump(backend: Backend, domain: Domain, job: JobStats | None) -> AutomaticDump | None:
    """The domain's own job, if that is a dump that the hypervisor has begun by itself, as far as that can be told."""
    if job is None or job.operation != JobOperation.DUMP or not domain.may_be_dumped_by_hypervisor:
        return None
    with ignored(logger, f"who dumps {domain.name} is not known", BackendError):
        return await backend.automatic_dump(domain.key)
    return None


def _domain_jobs(
    domain: Domain,
    jobs: Mapping[JobKey, JobAnswer],
    block_jobs: Mapping[DomainKey, BlockJobsAnswer],
    statuses: Mapping[DomainKey, StatusAnswer],
) -> DomainJobs:
    own, of_disks = jobs.get(domain.key), block_jobs.get(domain.key, ())
    match statuses.get(domain.key):
        case Status(present, job):
            domain, own = present, job
        case BackendError() as error:
            own = error
    # A hypervisor that has no such jobs, or tells this user nothing of them, has answered.
    unknown = [error for error in (own, of_disks) if isinstance(error, NotAnswering | NoConnection | OperationFailed)]
    if unknown or not domain.answering:
        silent = replace(domain, answering=False)
        return DomainJobs(silent, silence=Silence(silent, unknown[0].message if unknown else "no answer"))
    return DomainJobs(
        domain,
        own if isinstance(own, JobStats) else None,
        () if isinstance(of_disks, BackendError) else of_disks,
    )


def migration_peers(hosts: Sequence[HostListing]) -> dict[tuple[str, str], str]:
    """The URI at the other end of each migration, by the URI and the domain uuid at this end."""
    migrating: dict[str, list[tuple[str, Operation | None]]] = {}
    for host in hosts:
        for jobs in host.domains:
            if jobs.own is not None and jobs.own.operation in migrations.OTHER_END:
                migrating.setdefault(jobs.domain.key.uuid, []).append((host.uri, jobs.own.operation))
    return {
        (uri, uuid): peer
        for uuid, ends in migrating.items()
        for uri, operation in ends
        if (peer := migrations.other_host(operation, [end for end in ends if end[0] != uri]))
    }
