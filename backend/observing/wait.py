"""Attach to a job that is running, whoever started it, and learn how it ended. One implementation for all."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from backend.errors import (
    BackendError,
    JobMismatch,
    JournalError,
    NoJob,
    NotAnswering,
    OperationFailed,
    WaitTimeout,
)
from backend.events import ConnectionEvent, EventStream, RecordEvent
from backend.files.dumpfile import DumpTarget
from backend.log import ignored
from backend.model import DomainKey, JobOperation, JobStats
from backend.observing import lookup
from backend.records.journal import Journal
from backend.records.record import JobRecord
from backend.threads import in_thread
from backend.verdicts.attachment import Attachment
from backend.verdicts.observations import (
    FileChecked,
    FileHeld,
    Observation,
    RecordSeen,
    Sampled,
    SampleFailed,
    StateSeen,
)
from backend.verdicts.proofs import tells_of_failed_dump
from backend.verdicts.verdict import Outcome

if TYPE_CHECKING:
    from backend.base import Backend

logger = logging.getLogger(__name__)

SAMPLE_INTERVAL = 0.1
"""Seconds between two looks at the job: nothing tells how far it is."""
CLOSING_INTERVAL = 0.03
"""The same when the end is near: nothing tells that the file is closed either."""
SETTLING_INTERVAL = 0.3
"""Seconds between two looks at a file, or a domain, that the daemon tells nothing of any more."""
HOLD_TRIES = 20
"""How often, at the most, the file of a running dump is looked for."""


async def wait(
    backend: Backend,
    domain: DomainKey,
    operation: JobOperation | None = JobOperation.DUMP,
    timeout: float | None = None,
    on_progress: Callable[[JobStats], None] | None = None,
    record: JobRecord | None = None,
    journal: Journal | None = None,
) -> Outcome:
    """Wait for the end of the domain's current job, or of the dump that `record` describes.

    `operation` is the one that the caller expects, None for any; `timeout` is in seconds, from when the job was
    found. `on_progress` gets every sample. `journal` is this user's own unless another one is given.

    Raises NoJob (with how the last known one ended), JobMismatch, DomainNotRunning and NoSuchDomain at the start, then
    WaitTimeout, and NoConnection where the connection stays lost. Whatever is raised, the job goes on.
    """
    # Listening begins before the first look, so that no end falls between the two.
    async with backend.events() as events:
        if (outcome := await backend.job_result(domain, operation)) is not None:
            return outcome
        attached = await _attach(backend, domain, operation, record, journal)
        if isinstance(attached, Outcome):
            return attached
        try:
            async with asyncio.timeout(timeout):
                return await _Follower(backend, attached, events, on_progress, journal).run()
        except TimeoutError:
            raise WaitTimeout(f"{domain.name}: not over after {timeout:g} s; the job goes on") from None


async def _attach(
    backend: Backend,
    domain: DomainKey,
    operation: JobOperation | None,
    record: JobRecord | None,
    journal: Journal | None,
) -> Attachment | Outcome:
    if record is not None:
        record = await asyncio.to_thread((journal or Journal()).read, record.id) or record
        return Outcome.of_record(record) or Attachment(
            domain, record.operation, record, dump_events=_hears_dumps(backend)
        )
    stats: JobStats | None = None
    trouble: BackendError | None = None
    clock = asyncio.get_running_loop().time
    looked, sent = time.time(), clock()
    try:
        stats = await backend.job(domain)
    except (NotAnswering, OperationFailed) as error:
        trouble = error
    answered = clock()
    failed = trouble is not None and tells_of_failed_dump(trouble)
    known = await lookup.of_domain(backend, domain, journal)
    found = stats.operation if stats is not None else JobOperation.DUMP
    dumps = known if found is JobOperation.DUMP else []
    about = next((one for one in dumps if lookup.is_about(one.record, domain, stats)), None)
    if stats is None and about is None and not failed:
        raise trouble or NoJob(lookup.no_job(domain, known))
    if operation is not None and found != operation:
        raise JobMismatch(operation, found)
    if about is None and found is JobOperation.DUMP:
        # It may have ended between the look at the job and that at the records, or after they were read: a runner that
        # was found dead then has left its result.
        if any(not one.record.over and one.record.key == domain for one in known):
            known = await lookup.of_domain(backend, domain, journal)
        ended = [one for one in known if one.record.key == domain and (one.record.ended or 0) >= looked]
        about = next(iter(ended), None)
        if about is not None and not about.shared and (outcome := Outcome.of_record(about.record)) is not None:
            return outcome
    attachment = Attachment(
        domain, found, about.record if about else None, about is not None and about.shared, _hears_dumps(backend)
    )
    if trouble is not None:
        attachment.observe(SampleFailed(trouble), answered)
    elif stats is not None:
        # This is the job that is waited for: at the next look, there may be another one.
        attachment.observe(Sampled(stats, sent), answered)
    return attachment


def _hears_dumps(backend: Backend) -> bool:
    return backend.capabilities.dump_events is None


class _Follower:
    """The tasks that observe one job, and the queue through which they feed its attachment."""

    def __init__(
        self,
        backend: Backend,
        attachment: Attachment,
        events: EventStream,
        on_progress: Callable[[JobStats], None] | None,
        journal: Journal | None,
    ) -> None:
        self._backend = backend
        self._journal = journal
        self._attachment = attachment
        self._events = events
        self._on_progress = on_progress
        self._observed: asyncio.Queue[Observation] = asyncio.Queue()
        self._look = asyncio.Event()
        self._read_shared = asyncio.Event()
        self._adrift = asyncio.Event()

    async def run(self) -> Outcome:
        try:
            async with asyncio.TaskGroup() as group:
                observers = (self._sample, self._listen, self._read, self._watch_file, self._watch_state)
                tasks = [group.create_task(observer()) for observer in observers]
                try:
                    return await self._decide()
                finally:
                    for task in tasks:
                        task.cancel()
        except BaseExceptionGroup as group_error:
            raise group_error.exceptions[0] from None

    async def _decide(self) -> Outcome:
        clock = asyncio.get_running_loop().time
        attachment = self._attachment
        while (outcome := attachment.outcome(clock())) is None:
            ended = attachment.ended
            try:
                async with asyncio.timeout_at(attachment.due):
                    observation = await self._observed.get()
            except TimeoutError:
                continue
            attachment.observe(observation, clock())
            if attachment.ended and not ended:
                self._read_shared.set()
            if attachment.adrift:
                self._adrift.set()
            else:
                self._adrift.clear()
            last = attachment.last
            if self._on_progress and last and isinstance(observation, Sampled) and observation.stats is last:
                self._on_progress(last)
        return outcome

    @property
    def _interval(self) -> float:
        last = self._attachment.last
        near = self._attachment.ended or (last is not None and (last.closing or last.remaining == 0 < last.total))
        return CLOSING_INTERVAL if near else SAMPLE_INTERVAL

    async def _sample(self) -> None:
        """Look at the job at an interval, and at once when something happened to the domain."""
        clock = asyncio.get_running_loop().time
        while True:
            sent = clock()
            self._look.clear()
            observation: Observation
            try:
                observation = Sampled(await self._backend.job(self._attachment.domain), sent)
            except BackendError as error:
                observation = SampleFailed(error)
            self._observed.put_nowait(observation)
            await _set_within(self._look, self._interval)

    async def _listen(self) -> None:
        """Pass on what the hypervisor tells, and look or read again where it hints at more."""
        try:
            async for event in self._events:
                if isinstance(event, ConnectionEvent):
                    self._read_shared.set()
                elif event.domain.uuid != self._attachment.domain.uuid:
                    continue
                elif isinstance(event, RecordEvent):
                    self._read_shared.set()
                self._observed.put_nowait(event)
                self._look.set()
        except BackendError as error:
            logger.debug("the events of a wait ended: %s", error)
            self._observed.put_nowait(ConnectionEvent(False, error.message))

    async def _read(self) -> None:
        """Read the attached record: the journal's at an interval, the shared one when it is said to have changed."""
        record = self._attachment.record
        while record is not None:
            await self._read_journal(record.id)
            if await _set_within(self._read_shared, self._interval):
                self._read_shared.clear()
                await self._read_from_hypervisor()

    async def _read_journal(self, id: str) -> None:
        alive = self._runner_alive()
        try:
            self._journal = self._journal or Journal()
            found = await asyncio.to_thread(self._journal.read, id)
        except JournalError as error:
            logger.warning("a wait cannot read the journal: %s", error)
            return
        if found is not None:
            self._observed.put_nowait(RecordSeen(found, alive))

    async def _read_from_hypervisor(self) -> None:
        alive = self._runner_alive()
        try:
            found = await self._backend.record(self._attachment.domain)
        except BackendError as error:
            logger.debug("a wait cannot read the shared record: %s", error)
            return
        if found is not None:
            self._observed.put_nowait(RecordSeen(found, alive, shared=True))

    def _runner_alive(self) -> bool | None:
        # To be asked before its record is read: a runner that is dead by then has written all that it ever will.
        return self._attachment.record.runner_alive() if self._attachment.record is not None else None

    async def _watch_file(self) -> None:
        """Hold the dump's own file from before its end, and check it when the job is gone."""
        if self._attachment.operation is not JobOperation.DUMP:
            return
        target = await self._hold_file()
        if target is None:
            return
        self._observed.put_nowait(FileHeld(target.since))
        self._look.set()  # Only while its job goes on, the file is known to be its own.
        while True:
            await self._adrift.wait()
            try:
                checked = await in_thread(partial(_checked, target), "dump file")
            except OperationFailed as error:
                logger.debug("a held file cannot be checked: %s", error)
                return
            self._observed.put_nowait(checked)
            await asyncio.sleep(SETTLING_INTERVAL)

    async def _hold_file(self) -> DumpTarget | None:
        # A dump that has just begun has no file yet, and one that is nearly over has none that can be found.
        for _ in range(HOLD_TRIES):
            try:
                target = await self._backend.dump_target(self._attachment.domain)
            except BackendError as error:
                logger.debug("no file to hold: %s", error)
                target = None
            if target is not None or self._adrift.is_set():
                return target
            await asyncio.sleep(SAMPLE_INTERVAL)
        return None

    async def _watch_state(self) -> None:
        """Where the daemon died and came back without the job: whether the domain is still held for it."""
        while True:
            await self._adrift.wait()
            with ignored(logger, "the domain's state is unknown", BackendError):
                for domain in await self._backend.domains() if self._attachment.orphaned else []:
                    if domain.key.uuid == self._attachment.domain.uuid:
                        self._observed.put_nowait(StateSeen(domain))
            await asyncio.sleep(SETTLING_INTERVAL)


def _checked(target: DumpTarget) -> FileChecked:
    found = target.inspect()
    return FileChecked(found, target.linked, time.time() - target.modified)


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    """Whether `event` was set before `seconds` were over."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
