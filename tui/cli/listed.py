"""The domains and jobs of all hypervisors that `list` was given: asked at once, told as they answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from backend.base import Backend
from backend.errors import BackendError
from backend.model import Domain, JobOperation, JobStats
from tui.cli.fleet import within
from tui.cli.target import Target
from tui.session import migrations

SOON = 1.0
"""Seconds that hypervisors have to answer in the order in which they were named; later ones come as they answer."""
DEADLINE = 15.0
"""Seconds that a hypervisor may take for all of its answer."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What one hypervisor has."""

    uri: str
    domains: Sequence[tuple[Domain, JobStats | None]]
    error: BackendError | None = None
    """Why it could not be asked."""


async def listed(target: Target) -> AsyncIterator[list[Listed]]:
    """All hypervisors, those that are told of together in the order in which they were named; one slow delays none."""
    tasks = [asyncio.create_task(_listed(target, uri)) for uri in target.uris]
    done, waiting = await asyncio.wait(tasks, timeout=SOON)
    while True:
        yield [task.result() for task in tasks if task in done]
        if not waiting:
            return
        done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)


async def _listed(target: Target, uri: str) -> Listed:
    try:
        backend = target.backend(uri)
    except BackendError as error:
        return Listed(uri, (), error)
    answer = await within(backend, DEADLINE, _domains_and_jobs(backend))
    return Listed(uri, (), answer) if isinstance(answer, BackendError) else Listed(uri, answer)


async def _domains_and_jobs(backend: Backend) -> list[tuple[Domain, JobStats | None]]:
    async with backend:
        domains = await backend.domains()
        jobs = await backend.jobs([domain.key for domain in domains if domain.active and domain.answering])
    found = ((domain, jobs.get(domain.key)) for domain in domains)
    return [(domain, job if isinstance(job, JobStats) else None) for domain, job in found]


def other_hosts(hosts: Sequence[Listed]) -> dict[tuple[str, str], str]:
    """The URI at the other end of each migration, by the URI and the uuid of the end that is here."""
    moving: dict[str, list[tuple[str, JobOperation | None]]] = {}
    for host in hosts:
        for domain, job in host.domains:
            if job is not None and job.operation in migrations.OTHER_END:
                moving.setdefault(domain.key.uuid, []).append((host.uri, job.operation))
    return {
        (uri, uuid): other
        for uuid, ends in moving.items()
        for uri, operation in ends
        if (other := migrations.other_host(operation, [end for end in ends if end[0] != uri]))
    }
