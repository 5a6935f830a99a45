"""What can be learned of a hypervisor without touching a domain of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from backend.base import Backend
from backend.capabilities import Capabilities
from backend.errors import BackendError, NotAnswering
from backend.model import Domain

DEADLINE = 8.0
"""Seconds that one hypervisor may take for all of it."""
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


async def check(backend: Backend) -> Checkup:
    """Connect, and look. Never raises a BackendError, and never takes longer than DEADLINE."""
    begun = time.monotonic()
    capabilities: Capabilities | None = None
    seconds = 0.0
    try:
        async with asyncio.timeout(DEADLINE) as limit, backend:
            capabilities, seconds = backend.capabilities, time.monotonic() - begun
            domains = await backend.domains()
            left = await _left_paused(backend, domains)
    except TimeoutError:
        if not limit.expired():
            raise
        silent = NotAnswering(f"no answer from {backend.uri} within {DEADLINE:g} s")
        return Checkup(backend.uri, backend.readonly, silent, capabilities, seconds=seconds)
    except BackendError as error:
        return Checkup(backend.uri, backend.readonly, error, capabilities, seconds=seconds)
    return Checkup(backend.uri, backend.readonly, None, capabilities, domains, left, seconds)


async def _left_paused(backend: Backend, domains: Sequence[Domain]) -> list[Domain]:
    suspects = await _without_job(backend, domains)
    if suspects:
        await asyncio.sleep(_SECOND_LOOK)
        keys = {domain.key for domain in suspects}
        suspects = await _without_job(backend, [now for now in await backend.domains() if now.key in keys])
    return suspects


async def _without_job(backend: Backend, domains: Sequence[Domain]) -> list[Domain]:
    paused = [domain for domain in domains if domain.paused_by and domain.answering]
    jobs = await backend.jobs([domain.key for domain in paused])
    return [domain for domain in paused if jobs[domain.key] is None]
