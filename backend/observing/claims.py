"""Publishes the jobs that a witness has seen in the metadata of their domains, and reads what others have published.

Whoever may modify a domain can change that. The witness restores it, but not forever: readers are protected by the
rules in `backend.verdicts.witness_claims`, not by the witness.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from backend.base import Backend
from backend.errors import (
    BackendError,
    DomainBusy,
    JournalError,
    NoSuchDomain,
    NotPermitted,
    NotSupported,
    OperationFailed,
)
from backend.event_stream import EventStream
from backend.events import ClaimsEvent
from backend.files.inspect import inspect
from backend.model import DomainKey, JobOperation
from backend.outcome import Verdict
from backend.records.entry import JobEntry, entry_of_record, is_same_job
from backend.records.entry_xml import MOST, from_xml, to_xml
from backend.records.history import History, HostHistory, Query
from backend.threads import in_thread
from backend.verdicts.recorded import recorded_outcome
from backend.verdicts.witness_claims import believable, objection_to_dump, refuted

logger = logging.getLogger(__name__)

FILE_PATIENCE = 20.0
"""Seconds that a look at a dump's file may take."""
TOGETHER = 1.0
"""Seconds in which the ends of a domain's jobs are told together."""
RETRY = 5.0
"""Seconds until it is tried again where the domain has its next job, or the hypervisor does not answer."""
ATTEMPTS = 20
"""How often that is tried for one domain; after that, the end of its next job tells of this one, too."""
REPAIRS, REPAIR_WINDOW = 3, 60.0
"""How often what others have changed is put right within so many seconds, for each domain."""
LAST_WORDS = 2.0
"""Seconds in which what is still to be told is told when the witness ends."""


class ClaimPublisher:
    """Feed it with `tell`, while `run` runs. It belongs to one event loop.

    What was told of a domain's earlier jobs comes from `history`, which only the witness itself can have written.
    """

    def __init__(self, backend: Backend, history: History) -> None:
        self._backend = backend
        self._history = history
        self._published: dict[str, list[JobEntry]] = {}
        """What the metadata of each domain has to say, by its uuid."""
        self._told: dict[str, list[JobEntry]] = {}
        """The latest jobs of each domain that are over: a history may be written to later, or never."""
        self._repairs: dict[str, deque[float]] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._refused = False

    def tell(self, entry: JobEntry) -> None:
        """A job is known to be over, if it is: tell others of it, as soon as its domain can be changed."""
        if entry.over and not self._refused:
            earlier = [other for other in self._told.get(entry.uuid, []) if other.id != entry.id]
            self._told[entry.uuid] = _latest([entry, *earlier])
            self._start(entry.key)

    async def run(self) -> None:
        """Guard what was published until cancelled."""
        try:
            async with self._backend.events() as events:
                await self._guard(events)
        finally:
            untold = list(self._tasks)
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORDS):
                    told = (self._publish(self._told[uuid][0].key) for uuid in untold if uuid in self._told)
                    await asyncio.gather(*told, return_exceptions=True)

    def _start(self, domain: DomainKey, pause: float = TOGETHER) -> None:
        if domain.uuid not in self._tasks:
            task = asyncio.create_task(self._publish_soon(domain, pause))
            self._tasks[domain.uuid] = task
            task.add_done_callback(lambda _: self._tasks.pop(domain.uuid, None))

    async def _publish_soon(self, domain: DomainKey, pause: float) -> None:
        await asyncio.sleep(pause)
        for _ in range(ATTEMPTS):
            try:
                await self._publish(domain)
            except (NotPermitted, NotSupported) as error:
                self._refused = True
                logger.warning("no job is told of in the metadata of its domain: %s", error.message)
            except NoSuchDomain:
                for kept in (self._published, self._told, self._repairs):
                    kept.pop(domain.uuid, None)
            except DomainBusy as error:
                logger.debug("what is known of the jobs of %s is told later: %s", domain.name, error.message)
                await asyncio.sleep(RETRY)
                continue
            except (BackendError, JournalError) as error:
                logger.info("what is known of the jobs of %s is not told: %s", domain.name, error.message)
                await asyncio.sleep(RETRY)
                continue
            return

    async def _publish(self, domain: DomainKey) -> None:
        query = Query(name=domain.uuid, limit=2 * MOST)
        known = await in_thread(partial(self._history.jobs, query), "history")
        told = self._told.get(domain.uuid, [])
        others = [entry for entry in known if not any(is_same_job(entry, other) for other in told)]
        claims = _latest([*told, *others])
        await self._backend.publish_claims(domain, claims)
        self._published[domain.uuid] = from_xml(to_xml(claims))

    async def _guard(self, events: EventStream) -> None:
        async for event in events:
            if isinstance(event, ClaimsEvent) and event.domain.uuid in self._published:
                await self._look_after(event.domain)

    async def _look_after(self, domain: DomainKey) -> None:
        try:
            present = list(await self._backend.claims(domain))
        except BackendError as error:
            logger.debug("what is told of the jobs of %s cannot be read: %s", domain.name, error.message)
            return
        if domain.uuid in self._tasks or present == self._published[domain.uuid]:
            return
        repairs = self._repairs.setdefault(domain.uuid, deque(maxlen=REPAIRS))
        now = asyncio.get_running_loop().time()
        if len(repairs) == REPAIRS and now - repairs[0] < REPAIR_WINDOW:
            logger.debug("what is told of the jobs of %s was changed again, and stays so for now", domain.name)
            return
        repairs.append(now)
        logger.warning("somebody changed what the metadata of %s tell of its jobs; it is put right", domain.name)
        self._start(domain, 0.0)


async def claimed_jobs(
    backend: Backend, domain: DomainKey, known: Sequence[JobEntry], *, trusted: bool
) -> list[JobEntry]:
    """The domain's jobs of which only its metadata tells, the last one first, as claims (Evidence.SHARED).

    `known`: those that this user's own journal and history, or the host's, know of. `trusted`: the host's history is
    there and is trusted (see `is_witnessed`): what it does not know of is not believed.
    """
    if trusted:
        return []
    try:
        claims, running = await backend.claims(domain), None
        if claims and domain.id is not None:
            running = await backend.job(domain)
    except BackendError as error:
        logger.debug("what is told of the jobs of %s cannot be read: %s", domain.name, error.message)
        return []
    found = believable(claims, domain, known, running, time.time())
    shared = await _shared_record(backend, domain) if found else None
    return [replace(await _weighed(backend, claim, shared), uri=backend.uri) for claim in found]


async def _weighed(backend: Backend, claim: JobEntry, shared: JobEntry | None) -> JobEntry:
    """The claim, which is unproven where the record of the dump's own requester or its file says something else."""
    if claim.operation is not JobOperation.DUMP:
        return claim
    if shared is not None and is_same_job(claim, shared) and shared.verdict is not claim.verdict:
        return refuted(claim, f"The record of {shared.requester} says {shared.verdict}.")
    try:
        async with asyncio.timeout(FILE_PATIENCE) as limit:
            objection = await in_thread(partial(_objection, claim, backend.capabilities.local), "dump file")
    except TimeoutError:
        if not limit.expired():
            raise
        objection = "Its file does not answer."
    return claim if objection is None else refuted(claim, objection)


async def _shared_record(backend: Backend, domain: DomainKey) -> JobEntry | None:
    """The domain's shared record, if it has a result."""
    try:
        record = await backend.record(domain)
    except BackendError:
        return None
    if record is None or record.uuid != domain.uuid or (outcome := recorded_outcome(record, shared=True)) is None:
        return None
    return entry_of_record(record, outcome)


def _objection(claim: JobEntry, local: bool) -> str | None:
    """What this machine says against the claim about a dump; None: nothing."""
    file = None
    if local and claim.path:
        try:
            os.stat(claim.path)
            file = inspect(claim.path)
        except FileNotFoundError:
            if claim.verdict is Verdict.COMPLETED:
                return "Its file does not exist."
        except (OSError, ValueError, OperationFailed) as error:
            logger.debug("the file that a domain's metadata names: %s", error)
    return objection_to_dump(claim, file)


def is_witnessed(backend: Backend) -> bool:
    """Whether this host's own history, which only root can have written, knows the jobs of this hypervisor. Blocks."""
    try:
        return backend.capabilities.local and bool(HostHistory().jobs(Query(uris=(backend.uri,), limit=1)))
    except JournalError:
        return False


def _latest(entries: Iterable[JobEntry]) -> list[JobEntry]:
    """Those that are over, the last one first."""
    over = [entry for entry in entries if entry.over]
    return sorted(over, key=lambda entry: entry.ended or 0.0, reverse=True)[:MOST]
