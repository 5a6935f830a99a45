"""Everything that observes one job while it is waited for, and the queue through which it reaches the attachment."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Self

from backend.base import Backend, JobAnswer
from backend.errors import BackendError, JournalError, OperationFailed
from backend.event_stream import EventStream
from backend.events import ConnectionEvent, JobBegan, JobEvent, LifecycleEvent, RecordEvent
from backend.files.target import DumpTarget
from backend.model import JobOperation
from backend.observing.automatic_dumps import look_for_automatic_dump
from backend.observing.ended_file import check, found_by, held
from backend.observing.inbox import Inbox
from backend.observing.record_reader import reader_of
from backend.observing.sampler import Follower, sampler_of
from backend.observing.wall_clock import WallClock
from backend.records import process
from backend.records.journal import Journal
from backend.records.record import JobRecord
from backend.threads import in_thread
from backend.verdicts.attachment import Attachment
from backend.verdicts.observations import (
    FileUnreadable,
    Observation,
    RecordSeen,
    RequesterSeen,
    StateSeen,
)

logger = logging.getLogger(__name__)

SAMPLE_INTERVAL = 0.1
"""Seconds between two looks at the job; the sampler makes it more where it has many jobs, and less near their end."""
SETTLING_INTERVAL = 0.3
"""Seconds between two checks of a file or domain that the daemon no longer reports on."""
SEARCH_PACE, SEARCH_GROWTH, SEARCH_PAUSE = 0.1, 1.1, 10.0
"""Searches for the file of a running dump, which may become visible late, on slow storage or behind a lock: seconds
between the first two, the factor by which each pause exceeds the previous one, and the longest pause in seconds."""


class Observers:
    """Observes from ``async with`` on; `next` gives what was observed."""

    def __init__(
        self,
        backend: Backend,
        attachment: Attachment,
        events: EventStream,
        journal: Journal | None,
        interval: float = SAMPLE_INTERVAL,
    ) -> None:
        """`interval`: seconds between two looks at the job, unless others look more often."""
        self._backend = backend
        self._attachment = attachment
        self._events = events
        self._journal = journal
        self._interval = interval
        self._observed = Inbox()
        self._read_shared = asyncio.Event()
        self._adrift = asyncio.Event()
        self._standstill = asyncio.Event()
        """The guest did what hypervisors dump domains for."""
        self._search = asyncio.Event()
        """The file of the dump is looked for at once."""
        self._closing = False
        self._ended = attachment.ended
        self._cleanup = contextlib.ExitStack()
        self._wall_clock = WallClock()

    async def __aenter__(self) -> Self:
        sampler = sampler_of(self._backend)
        follower = sampler.follow(self._attachment.domain, self._sampled, self._interval, to_the_end=True)
        self._follower: Follower = self._cleanup.enter_context(follower)
        if (record := self._attachment.record) is not None:
            self._follow_record(record)
        self._observed.start(
            self._listen, self._read_from_hypervisor, self._watch_file, self._watch_state, self._find_requester
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._cleanup.close()
        await self._observed.stop()

    async def next(self, until: float | None) -> Observation | None:
        """The next observation; None if there is none `until` then (the event loop's clock)."""
        return await self._observed.next(until)

    def adapt(self) -> None:
        """Observe what matters now that the attachment knows more."""
        if self._attachment.ended and not self._ended:
            self._ended = True
            self._read_shared.set()
        if self._attachment.closing and not self._closing:
            self._closing = True
            self._search.set()
        if not self._attachment.adrift:
            self._adrift.clear()
        elif not self._adrift.is_set():
            self._adrift.set()
            self._search.set()

    def _sampled(self, answer: JobAnswer | Exception, sent: float) -> None:
        self._wall_clock.look()
        self._observed.take(answer, sent)

    def _follow_record(self, record: JobRecord) -> None:
        try:
            reader = reader_of(self._journal or Journal())
        except JournalError as error:
            logger.warning("%s", error.message)
            return
        take = self._record_read
        reader.follow(record, take)
        self._cleanup.callback(reader.leave, take)

    def _record_read(self, record: JobRecord, runner_alive: bool | None) -> None:
        self._observed.put(RecordSeen(record, runner_alive))

    async def _listen(self) -> None:
        """Pass on what the hypervisor reports, and look or read again where it hints at more."""
        try:
            async for event in self._events:
                if isinstance(event, ConnectionEvent):
                    self._read_shared.set()
                elif event.domain.uuid != self._attachment.domain.uuid:
                    continue
                elif isinstance(event, RecordEvent):
                    self._read_shared.set()
                elif isinstance(event, JobBegan):
                    self._search.set()
                elif isinstance(event, LifecycleEvent) and event.before_automatic_dump:
                    self._standstill.set()
                elif isinstance(event, JobEvent) and event.stats.success is False:
                    event = await self._with_type(event)
                self._observed.put(event)
                self._follower.hurry()
        except BackendError as error:
            self._observed.put(ConnectionEvent(False, error.message))

    async def _with_type(self, event: JobEvent) -> JobEvent:
        """The event, with how the job ended by the stats that it left: libvirt's event has no type."""
        try:
            last = await self._backend.last_job(event.domain)
        except BackendError as error:
            logger.debug("the last job of %s: %s", event.domain.name, error.message)
            return event
        if last is None or last.time_elapsed != event.stats.time_elapsed:
            return event
        return replace(event, stats=replace(event.stats, type=last.type))

    async def _read_from_hypervisor(self) -> None:
        """Read the shared record when it is reported to have changed."""
        while (record := self._attachment.record) is not None:
            await self._read_shared.wait()
            self._read_shared.clear()
            alive = process.runner_alive(record)  # Before the record is read, as in the journal.
            try:
                shared = await self._backend.record(self._attachment.domain)
            except BackendError as error:
                logger.debug("shared record of %s: %s", self._attachment.domain.name, error.message)
                continue
            if shared is not None:
                self._observed.put(RecordSeen(shared, alive, shared=True))

    async def _find_requester(self) -> None:
        """See whether the hypervisor itself began the dump."""
        if self._attachment.operation is not JobOperation.DUMP or self._attachment.record is not None:
            return
        find = partial(look_for_automatic_dump, self._backend, self._attachment.domain, lambda: self._attachment.ended)
        dump = await find(tries=1)  # It may have begun long ago; of most, there is nothing to be found.
        if dump is None:
            await self._standstill.wait()
            dump = await find()
        if dump is not None:
            self._observed.put(RequesterSeen(dump))

    async def _watch_file(self) -> None:
        """Hold the dump's own file from before its end, and check it when the job is gone."""
        if self._attachment.operation is not JobOperation.DUMP:
            return
        target, over = await self._hold_file(), False
        if target is None and self._attachment.ended:
            target, over = await found_by(self._backend.last_dump_target, self._attachment.domain), True
        if target is None:
            return
        self._observed.put(held(target, over))
        self._follower.hurry()  # Only while its job goes on, the file is known to be its own.
        try:
            while True:
                if not await self._check(target, over):
                    return
                await asyncio.sleep(SETTLING_INTERVAL)
        finally:
            del target  # The traceback of a cancelled task may keep this frame: its disk would stay as full as it is.

    async def _check(self, target: DumpTarget, over: bool) -> bool:
        """Check the file, once nothing else reports on it; whether that may be worth another time."""
        await self._adrift.wait()
        self._observed.put(held(target, over))
        try:
            checked = await in_thread(partial(check, target, self._wall_clock), "dump file")
        except OperationFailed as error:
            self._observed.put(FileUnreadable(error.message))
            return True
        finally:
            del target
        self._observed.put(checked)
        return checked.linked  # One that was removed stays so, and is not held against its disk's space.

    async def _hold_file(self) -> DumpTarget | None:
        """The file, found while the job runs; None once that is over, or where files cannot be seen at all."""
        pause = SEARCH_PACE
        while True:
            target = await found_by(self._backend.dump_target, self._attachment.domain)
            if target is not None or self._attachment.ended or not self._backend.capabilities.local:
                return target
            with contextlib.suppress(TimeoutError):
                # Once the file is being closed, there is little time left to find it.
                async with asyncio.timeout(pause):
                    await self._search.wait()
            self._search.clear()
            pause = min(pause * SEARCH_GROWTH, SEARCH_PAUSE)

    async def _watch_state(self) -> None:
        """Where the daemon died and came back without the job: whether the domain is still held for it."""
        while True:
            await self._adrift.wait()
            if self._attachment.orphaned:
                try:
                    domains = await self._backend.domains()
                except BackendError as error:
                    logger.debug("the list of domains: %s", error.message)
                    domains = []
                for domain in domains:
                    if domain.key.uuid == self._attachment.domain.uuid:
                        self._observed.put(StateSeen(domain))
            await asyncio.sleep(SETTLING_INTERVAL)
