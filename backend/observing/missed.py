"""Jobs that began and ended between two looks: what the hypervisor reported of their ends.

A report may reach a witness before the look that finds its job: it is put together with others of the same domain for a
moment, and dropped if the job turns out to be followed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from backend.base import Backend
from backend.errors import BackendError
from backend.events import (
    BlockJobEvent,
    BlockJobStatus,
    ConnectionEvent,
    DumpEvent,
    Event,
    JobEvent,
    Lifecycle,
    LifecycleEvent,
)
from backend.job_stats import JobStats
from backend.model import BlockOperation, DiskKey, DomainKey, JobKey, JobOperation, Operation, domain_of
from backend.observing.memory import Memory
from backend.verdicts.attachment import Attachment
from backend.verdicts.block_attachment import BlockAttachment
from backend.verdicts.observations import Observation, Sampled, SampleFailed
from backend.verdicts.phase import FILE_GRACE

LINGER = 2.0
"""Seconds after the end of a job that was followed in which reports may still be about it."""
GATHERING = 0.5
"""Seconds in which the reports of one job's end come together."""
_KEPT = 1000
"""Reports that are kept for the jobs that were seen, but were over before they could be followed."""
_ENDS = (BlockJobStatus.COMPLETED, BlockJobStatus.FAILED, BlockJobStatus.CANCELED)
_LAST_WORDS: dict[tuple[Lifecycle, str], JobOperation] = {
    (Lifecycle.STOPPED, "saved"): JobOperation.SAVE,
    (Lifecycle.STOPPED, "migrated"): JobOperation.MIGRATION_OUT,
}


class Reports:
    """What is reported of the domains. `followed`: whether that job is being followed, or was a moment ago."""

    def __init__(self, backend: Backend, memory: Memory, followed: Callable[[JobKey], bool]) -> None:
        self._backend = backend
        self._memory = memory
        self._followed = followed
        self._latest: deque[tuple[float, Event]] = deque(maxlen=_KEPT)
        self._runs: dict[str, DomainKey] = {}
        """The latest known run of each domain: a stopped one has no id any more."""
        self._gathered: dict[JobKey, list[Event]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def know(self, domain: DomainKey) -> None:
        """There is this run of a domain."""
        if domain.id is not None:
            self._runs[domain.uuid] = domain

    def take(self, event: Event) -> None:
        """Something was reported."""
        if isinstance(event, ConnectionEvent):
            return
        loop = asyncio.get_running_loop()
        self._latest.append((loop.time(), event))
        key = self._ended_job(event)
        if key is None or self._followed(key):
            return
        gathered = self._gathered.setdefault(key, [])
        gathered.append(event)
        if len(gathered) == 1:
            self._start(self._conclude(key))

    def ended_unseen(self, key: JobKey, stats: JobStats) -> None:
        """The job had these stats, and was over when it was to be followed."""
        now = asyncio.get_running_loop().time()
        uuid = domain_of(key).uuid
        events = [event for at, event in self._latest if at >= now - LINGER and _uuid(event) == uuid]
        self._start(self._remember(key, stats.operation, [Sampled(stats, now - LINGER), *events], stats))

    async def close(self) -> None:
        """Remember nothing more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended_job(self, event: Event) -> JobKey | None:
        """The job that the report says is over."""
        match event:
            case BlockJobEvent(domain, disk, _, status) if status in _ENDS:
                return DiskKey(self._run(domain), disk)
            case JobEvent(domain) | DumpEvent(domain):
                return self._run(domain)
            case LifecycleEvent(domain, what, detail) if (what, detail) in _LAST_WORDS:
                return self._run(domain)
        return None

    def _run(self, domain: DomainKey) -> DomainKey:
        return domain if domain.id is not None else self._runs.get(domain.uuid, domain)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _conclude(self, key: JobKey) -> None:
        await asyncio.sleep(GATHERING)
        events = self._gathered.pop(key)
        if self._followed(key):
            return
        operations = [operation for event in events if (operation := _operation(event)) is not None]
        if operations:
            await self._remember(key, operations[0], events)

    async def _remember(
        self, key: JobKey, operation: Operation, observations: Sequence[Observation], stats: JobStats | None = None
    ) -> None:
        """Enter the job with the verdict that follows from these observations and from one more look."""
        clock = asyncio.get_running_loop().time
        domain, disk = (key.domain, key.disk) if isinstance(key, DiskKey) else (key, None)
        attachment: Attachment | BlockAttachment
        if isinstance(key, DiskKey) and isinstance(operation, BlockOperation):
            attachment = BlockAttachment(key, operation)
        else:
            attachment = Attachment(domain, operation, None, dump_events=True)
        for observation in [*observations, await self._look(key)]:
            attachment.observe(observation, clock())
        outcome = attachment.outcome(clock() + FILE_GRACE)
        if outcome is None:
            return  # It has a job again, and that one is followed.
        remembered = self._memory.job(self._backend, domain, operation, disk)
        if stats is not None:
            remembered.seen(stats)
        remembered.ended(outcome, 0.0, stats)

    async def _look(self, key: JobKey) -> Observation:
        sent = asyncio.get_running_loop().time()
        try:
            return Sampled(await self._backend.job(key), sent)
        except BackendError as error:
            return SampleFailed(error)


def _operation(event: Event) -> Operation | None:
    """That of the job whose end is reported."""
    match event:
        case BlockJobEvent(operation=operation):
            return operation
        case JobEvent(stats=stats):
            return stats.operation
        case DumpEvent():
            return JobOperation.DUMP
        case LifecycleEvent(_, what, detail):
            return _LAST_WORDS[what, detail]
    return None


def _uuid(event: Event) -> str | None:
    return None if isinstance(event, ConnectionEvent) else event.domain.uuid
