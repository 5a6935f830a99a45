"""Wait for a running job, no matter who started it, and learn how it ended. One implementation for all backends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import overload

from backend.base import Backend
from backend.errors import JobMismatch, NoConnection, NoJob, NotAnswering, WaitTimeout
from backend.event_stream import EventStream
from backend.job_stats import JobStats
from backend.model import BlockOperation, DiskKey, DomainKey, JobKey, JobOperation, Operation
from backend.observing import lookup
from backend.observing.attach import attach
from backend.observing.attach_block import attach_block
from backend.observing.block_observers import BlockObservers
from backend.observing.memory import Memory, Remembered
from backend.observing.observers import SAMPLE_INTERVAL, Observers
from backend.observing.requesters import find_requester
from backend.outcome import Evidence, Outcome, Verdict
from backend.records.journal import Journal
from backend.records.record import JobRecord
from backend.verdicts.attachment import Attachment
from backend.verdicts.block_attachment import BlockAttachment
from backend.verdicts.observations import Sampled, SampleFailed

OnProgress = Callable[[JobStats], None]
"""Gets every sample of the job."""


async def wait(
    backend: Backend,
    domain: DomainKey,
    operation: Operation | None = JobOperation.DUMP,
    timeout: float | None = None,
    on_progress: OnProgress | None = None,
    record: JobRecord | None = None,
    journal: Journal | None = None,
    disk: str | None = None,
    memory: Memory | None = None,
    interval: float = SAMPLE_INTERVAL,
    patient: bool = False,
) -> Outcome:
    """How the domain's current job ended, or the dump that `record` describes, once it has.

    `operation` is the one that the caller expects; with None, it is the domain's own job, or else its only block job.
    With `disk`, it is the job of that disk. `timeout` is in seconds and covers everything. `journal` is this user's own
    unless another one is given. `memory` remembers what is seen of the job; it keeps the wait from nothing. `interval`:
    seconds between two looks at the job, at the most. `patient`: however long the connection stays lost.

    Raises NoJob (with how the last known one ended), JobMismatch, AmbiguousJob, DomainNotRunning and NoSuchDomain at
    the start, then WaitTimeout, and NoConnection where the connection stays lost. None of them affects the job.
    """
    async with _waiting(backend, domain, timeout, on_progress, memory, interval, patient) as waiting:
        if disk is not None or isinstance(operation, BlockOperation):
            return await waiting.for_disk(operation if isinstance(operation, BlockOperation) else None, disk)
        try:
            return await waiting.for_domain(operation, record, journal)
        except NoJob as error:
            if operation is not None or record is not None:
                raise
            try:
                return await waiting.for_disk()
            except NoJob:
                raise error from None  # It says how the last one ended.


async def wait_until_ready(
    backend: Backend,
    key: DiskKey,
    timeout: float | None = None,
    on_progress: OnProgress | None = None,
    memory: Memory | None = None,
) -> Outcome | None:
    """None once the disk's job has copied everything, and goes on as a mirror; how it ended, if it does so before.

    Raises what `wait` raises, and JobMismatch for a job that never becomes ready.
    """
    async with _waiting(backend, key.domain, timeout, on_progress, memory) as waiting:
        attachment = await waiting.attach_block(None, key.disk)
        if not attachment.operation.becomes_ready:
            raise JobMismatch(BlockOperation.COPY, attachment.operation)
        outcome = await waiting.verdict(
            attachment, BlockObservers(backend, attachment, waiting.events), until=lambda: attachment.ready
        )
        return outcome and waiting.remember(outcome, attachment)


@dataclass
class _Waiting:
    """A wait for one job of the domain, while `events` are listened to."""

    backend: Backend
    domain: DomainKey
    events: EventStream
    on_progress: OnProgress | None
    memory: Memory | None
    interval: float
    patient: bool = False
    attached: bool = False
    """Whether the job was found."""
    silent: bool = False
    """Whether the domain did not answer when the job was last looked at."""
    remembered: Remembered | None = None
    looking: asyncio.Task[None] | None = None
    """It is looked for who requested the job, for what is remembered of it."""

    async def for_domain(
        self, operation: Operation | None, record: JobRecord | None, journal: Journal | None
    ) -> Outcome:
        if (outcome := await self.backend.job_result(self.domain, operation)) is not None:
            return outcome
        attached = await attach(self.backend, self.domain, operation, record, journal)
        if isinstance(attached, Outcome):
            if self.memory is not None and record is None:  # It has ended this moment.
                self.memory.job(self.backend, self.domain, attached.operation).ended(attached, 0.0)
            return attached
        self.attached, self.silent = True, attached.last is None
        self.set_apart(attached)
        if self.memory is not None:
            own = attached.record.id if attached.record is not None and not attached.shared else ""
            self.remembered = self.memory.job(self.backend, self.domain, attached.operation, record=own)
            if attached.record is None:
                self.look_for_requester(self.domain, attached.operation)
        outcome = await self.verdict(attached, Observers(self.backend, attached, self.events, journal, self.interval))
        claim = attached.unchecked_claim
        if claim is not None and outcome.evidence is Evidence.SHARED and outcome.verdict is not Verdict.UNPROVEN:
            # Its file was not found while it was written to; what the record names may be there.
            outcome = await lookup.weigh_by_file(claim, outcome, self.backend.capabilities.local)
        return self.remember(outcome, attached)

    async def for_disk(self, operation: BlockOperation | None = None, disk: str | None = None) -> Outcome:
        attachment = await self.attach_block(operation, disk)
        outcome = await self.verdict(attachment, BlockObservers(self.backend, attachment, self.events))
        return self.remember(outcome, attachment)

    def look_for_requester(self, key: JobKey, operation: Operation) -> None:
        """Find out who seems to have requested the job; the wait is not kept from anything by that."""

        async def look() -> None:
            if (requester := await find_requester(self.backend, key, operation)) and self.remembered is not None:
                self.remembered.requested_by(requester)

        self.looking = asyncio.create_task(look())

    def see(self, stats: JobStats, age: float) -> None:
        """The job, which is remembered, had these stats `age` seconds ago."""
        if self.remembered is not None:
            self.remembered.seen(stats, age)

    def remember(self, outcome: Outcome, attachment: Attachment | BlockAttachment) -> Outcome:
        """The outcome, which is remembered."""
        if self.remembered is not None:
            now = asyncio.get_running_loop().time()
            ended_at = attachment.ended_at
            self.remembered.ended(outcome, now - ended_at if ended_at is not None else 0.0, attachment.last)
        return outcome

    def set_apart(self, attachment: Attachment | BlockAttachment) -> None:
        """The job was there: what was reported before it was looked for is about others, and what came meanwhile may
        be."""
        if (seen_at := attachment.seen_at) is not None:
            for at, report in self.events.take_reports(seen_at):
                if at > attachment.sampled_at:
                    attachment.doubt(report, seen_at)

    async def attach_block(self, operation: BlockOperation | None, disk: str | None) -> BlockAttachment:
        attachment = await attach_block(self.backend, self.domain, operation, disk)
        self.attached = True
        self.set_apart(attachment)
        if self.memory is not None:
            self.remembered = self.memory.job(self.backend, self.domain, attachment.operation, attachment.key.disk)
            self.look_for_requester(attachment.key, attachment.operation)
        if self.on_progress and attachment.last:
            self.on_progress(attachment.last)
        return attachment

    @overload
    async def verdict(
        self, attachment: Attachment | BlockAttachment, observers: Observers | BlockObservers
    ) -> Outcome: ...

    @overload
    async def verdict(
        self, attachment: BlockAttachment, observers: BlockObservers, until: Callable[[], bool]
    ) -> Outcome | None: ...

    async def verdict(
        self,
        attachment: Attachment | BlockAttachment,
        observers: Observers | BlockObservers,
        until: Callable[[], bool] | None = None,
    ) -> Outcome | None:
        """Feed the attachment with observations until it has a verdict; None if `until` holds before."""
        clock = asyncio.get_running_loop().time
        async with observers:
            if attachment.last is not None:
                self.see(attachment.last, clock() - attachment.sampled_at)
            all_seen = False
            while True:
                due, now = attachment.due, clock()
                try:
                    # A deadline is over only once nothing waits here that came before it, however late this is run.
                    over = due is not None and now >= due
                    if (all_seen or not over) and (outcome := attachment.outcome(now)) is not None:
                        return outcome
                except NoConnection:
                    if not self.patient:
                        raise
                    due = None  # There is nothing to learn before the connection is back.
                if until is not None and until():
                    return None
                observation = await observers.next(due)
                all_seen = observation is None
                if observation is None:
                    continue
                before = attachment.last
                attachment.observe(observation, clock())
                observers.adapt()
                if isinstance(observation, Sampled | SampleFailed):
                    self.silent = isinstance(observation, SampleFailed) and isinstance(observation.error, NotAnswering)
                last = attachment.last
                if last is None or last is before or not isinstance(observation, Sampled):
                    continue
                self.see(last, clock() - attachment.sampled_at)
                if self.on_progress is not None:
                    self.on_progress(last)


@asynccontextmanager
async def _waiting(
    backend: Backend,
    domain: DomainKey,
    timeout: float | None,
    on_progress: OnProgress | None,
    memory: Memory | None,
    interval: float = SAMPLE_INTERVAL,
    patient: bool = False,
) -> AsyncIterator[_Waiting]:
    """A wait that lasts `timeout` seconds at the most; then WaitTimeout."""
    waiting: _Waiting | None = None
    try:
        # Listening begins before the first look, so that no end falls between the two.
        async with asyncio.timeout(timeout) as limit, backend.events() as events:
            events.narrow(domain.uuid)
            waiting = _Waiting(backend, domain, events, on_progress, memory, interval, patient)
            yield waiting
    except TimeoutError:
        if not limit.expired():
            raise
        raise WaitTimeout(f"{domain.name}: timed out after {timeout:g} s; {_standing(waiting)}") from None
    finally:
        if waiting is not None and waiting.looking is not None:
            waiting.looking.cancel()


def _standing(waiting: _Waiting | None) -> str:
    """What is known of a job that nobody waits for any longer."""
    if waiting is None or not waiting.attached:
        return "the domain did not answer: nothing is known of its job yet"
    return "the domain does not answer; its job may still be running" if waiting.silent else "the job is still running"
