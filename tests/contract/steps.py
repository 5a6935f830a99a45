"""What several tests of the suite do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

from backend.base import Backend
from backend.dump_request import FORMAT_NAMES, DumpFlags, DumpRequest
from backend.files.target import DumpTarget
from backend.job_stats import JobStats
from backend.model import DomainKey
from backend.observing.wait import wait
from backend.outcome import Outcome

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


async def attach(
    backend: Backend,
    domain: DomainKey,
    on_progress: Callable[[JobStats], None] = lambda stats: None,
    holds_file: bool = True,
    **options: Any,
) -> asyncio.Task[Outcome]:
    """A wait that has seen the domain's job get somewhere; with `holds_file` also while it held the dump's file."""
    attached, since_held = asyncio.Event(), 0
    target_of, held = backend.dump_target, not holds_file

    async def dump_target(domain: DomainKey) -> DumpTarget | None:
        nonlocal held
        target = await target_of(domain)
        held = held or target is not None
        return target

    def progress(stats: JobStats) -> None:
        nonlocal since_held
        on_progress(stats)
        since_held += held and stats.processed > 0
        # The first one may have been asked for before.
        if since_held == 2:
            attached.set()

    with patch.object(backend, "dump_target", dump_target) if holds_file else nullcontext():
        waiting = asyncio.create_task(wait(backend, domain, on_progress=progress, **options))
        seen = asyncio.create_task(attached.wait())
        await asyncio.wait({waiting, seen}, timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        seen.cancel()
    if not attached.is_set():
        waiting.cancel()
        await waiting
        raise AssertionError("it saw no job that goes on")
    return waiting
