"""What several tests of the suite do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from backend.base import Backend
from backend.model import FORMAT_NAMES, DomainKey, DumpFlags, DumpRequest, JobStats

PATIENCE = 60.0
"""Seconds after which something that has to happen is taken not to."""

T = TypeVar("T")


def dump_of(domain: DomainKey, path: Path, format_name: str = "elf") -> DumpRequest:
    """The request that a user makes by that name of a format."""
    format, memory_only = FORMAT_NAMES[format_name]
    return DumpRequest(domain, str(path), format, DumpFlags.MEMORY_ONLY if memory_only else DumpFlags.NONE)


async def eventually(probe: Callable[[], Awaitable[T]]) -> T:
    """The first true answer of `probe`. TimeoutError if there is none for long."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if answer := await probe():
                return answer
            await asyncio.sleep(0.02)


async def job_seen(backend: Backend, domain: DomainKey) -> JobStats:
    """The stats of the domain's job, as soon as there is one that has got anywhere."""

    async def probe() -> JobStats | None:
        stats = await backend.job(domain)
        return stats if stats is not None and stats.processed > 0 else None

    stats = await eventually(probe)
    assert stats is not None
    return stats


async def job_gone(backend: Backend, domain: DomainKey) -> None:
    async def probe() -> bool:
        return await backend.job(domain) is None

    await eventually(probe)
