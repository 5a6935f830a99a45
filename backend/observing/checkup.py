"""What can be learned of a hypervisor without touching a domain of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from backend.base import Backend, JobAnswer
from backend.capabilities import Capabilities
from backend.errors import BackendError, NotAnswering
from backend.model import Domain, JobKey
from backend.observing.last_known import Silence, known_last
from backend.status import Status

DEADLINE = 8.0
"""Seconds that one hypervisor may take for all of it."""
_UNKNOWN = NotAnswering("not asked")
_SECOND_LOOK = 0.3
"""Seconds after which a job that only just began, or ended, is not taken for a dead one any more."""


@dataclass(frozen=True, slots=True)
class Checkup:
    """What was found at one hypervisor."""

    uri: str
    readonly: bool
    error: BackendError | None = None
    """Why it cannot be used, or its domains cannot be read; None: it can, and they were."""
    capabilities: Capabilities | None = None
    """None: there was no connection."""
    domains: Sequence[Domain] = ()
    left_paused: Sequence[Domain] = ()
    """Domains that a job paused and that have none any more."""
    seconds: float = 0.0
    """How long connecting took."""
    silent: Sequence[Silence] = ()
    """Domains that do not answer."""


async def check(backend: Backend) -> Checkup:
    """Connect, and look. Never raises a BackendError, and never takes longer than DEADLINE."""
    begun = time.monotonic()
    capabilities: Capabilities | None = None
    seconds = 0.0
    try:
        async with asyncio.timeout(DEADLINE) as limit, backend:
            capabilities, seconds = backend.capabilities, time.monotonic() - begun
            domains = await backend.domains()
            jobs = await backend.jobs([domain.key for domain in domains if domain.active and domain.answering])
            silent = await _silent(backend, domains, jobs)
            left = await _left_paused(backend, domains, jobs)
    except TimeoutError:
        if not limit.expired():
            raise
        late = NotAnswering(f"no answer from {backend.uri} within {DEADLINE:g} s")
        return Checkup(backend.uri, backend.readonly, late, capabilities, seconds=seconds)
    except BackendError as error:
        return Checkup(backend.uri, backend.readonly, error, capabilities, seconds=seconds)
    return Checkup(backend.uri, backend.readonly, None, capabilities, domains, left, seconds, silent)


async def _silent(backend: Backend, domains: Sequence[Domain], jobs: Mapping[JobKey, JobAnswer]) -> list[Silence]:
    """Those that do not answer."""
    found = []
    for domain in domains:
        answer = jobs.get(domain.key)
        if isinstance(answer, NotAnswering) or not domain.answering:
            reason = answer.message if isinstance(answer, NotAnswering) else "no answer"
            found.append(await known_last(backend, domain, reason))
    return found


async def _left_paused(
    backend: Backend, domains: Sequence[Domain], jobs: Mapping[JobKey, JobAnswer]
) -> Sequence[Domain]:
    suspects = [domain for domain in domains if domain.paused_by and jobs.get(domain.key, _UNKNOWN) is None]
    for pause in (0.0, _SECOND_LOOK):
        if suspects:
            await asyncio.sleep(pause)
            suspects = await _without_job(backend, suspects)
    return suspects


async def _without_job(backend: Backend, domains: Sequence[Domain]) -> list[Domain]:
    """Those that a job paused and that have none, at the same moment."""
    statuses = await backend.statuses([domain.key for domain in domains])
    return [
        status.domain
        for status in statuses.values()
        if isinstance(status, Status) and status.job is None and status.domain.paused_by
    ]
