"""The domains and jobs of every hypervisor given to `list`: queried concurrently, yielded as they answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from backend.base import Backend
from backend.errors import BackendError
from backend.model import Domain, JobStats, Operation
from tui.cli.fleet import within
from tui.cli.target import Target
from tui.session import migrations

IN_ORDER = 1.0
"""Seconds that hypervisors have to be listed in the order of the command line; later ones follow as they answer."""
DEADLINE = 15.0
"""Seconds that a hypervisor has for its whole answer."""


@dataclass(frozen=True, slots=True)
class HostListing:
    """The domains of one hypervisor, each with its job."""

    uri: str
    domains: Sequence[tuple[Domain, JobStats | None]]
    error: BackendError | None = None
    """Why it could not be listed."""


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
    answer = await within(backend, DEADLINE, _domains_and_jobs(backend))
    return HostListing(uri, (), answer) if isinstance(answer, BackendError) else HostListing(uri, answer)


async def _domains_and_jobs(backend: Backend) -> list[tuple[Domain, JobStats | None]]:
    async with backend:
        domains = await backend.domains()
        jobs = await backend.jobs([domain.key for domain in domains if domain.active and domain.answering])
    pairs = ((domain, jobs.get(domain.key)) for domain in domains)
    return [(domain, job if isinstance(job, JobStats) else None) for domain, job in pairs]


def migration_peers(hosts: Sequence[HostListing]) -> dict[tuple[str, str], str]:
    """The URI at the other end of each migration, by the URI and the domain uuid at this end."""
    migrating: dict[str, list[tuple[str, Operation | None]]] = {}
    for host in hosts:
        for domain, job in host.domains:
            if job is not None and job.operation in migrations.OTHER_END:
                migrating.setdefault(domain.key.uuid, []).append((host.uri, job.operation))
    return {
        (uri, uuid): peer
        for uuid, ends in migrating.items()
        for uri, operation in ends
        if (peer := migrations.other_host(operation, [end for end in ends if end[0] != uri]))
    }
