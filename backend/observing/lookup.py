"""What is on record of a domain's dumps: this user's own journal, and what others have shared through the domain.

The journal is private to this user and trusted. Anyone who may modify the domain can write the shared record.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import time
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from backend.errors import BackendError, JournalError, OperationFailed
from backend.files.inspect import inspect
from backend.job_stats import JobStats
from backend.model import DomainKey
from backend.outcome import Outcome, Verdict
from backend.records import process
from backend.records.journal import Journal
from backend.records.machine import boottime
from backend.records.record import JobRecord, RecordState, newest_first
from backend.threads import in_thread
from backend.verdicts.claims import NO_ABORT, objection_by_file

if TYPE_CHECKING:
    from backend.base import Backend

logger = logging.getLogger(__name__)

_START_SLACK = 2.0
"""Seconds by which a record's start and its job's may disagree on one host."""
_HOSTS_SLACK = 300.0
"""The same between two hosts."""
_CALL_LAG = 90.0
"""Seconds in which a job begins after others say that they have requested it: to share the record and to begin, each
may wait 30 s for the domain's lock, after which libvirt gives up."""
_FILE_PATIENCE = 20.0
"""Seconds that a look at a dump's file may take."""


@dataclass(frozen=True, slots=True)
class DomainRecord:
    """A record of a domain's dump."""

    record: JobRecord
    shared: bool
    """Whether it comes from the domain's metadata, not from this user's journal."""


async def find_records(
    backend: Backend, domain: DomainKey, journal: Journal | None = None, limit: int = 20
) -> list[DomainRecord]:
    """The records of the domain's dumps, running ones first, then the newest: up to `limit` of `journal`, and the
    shared one. `journal` is this user's own by default. A source that cannot be read has none."""
    try:
        own = await in_thread(partial(_own, domain, journal, limit), "journal")
    except JournalError as error:
        logger.warning("no records of this user's own dumps: %s", error)
        own = []
    try:
        shared = await backend.record(domain)
    except BackendError as error:
        logger.debug("no shared record of %s: %s", domain.name, error)
        shared = None
    # Anyone who may modify the metadata can name any domain in it.
    if shared is not None and (shared.uuid != domain.uuid or shared.id in {record.id for record in own}):
        shared = None
    records = own if shared is None else _insert(shared, own)
    return [DomainRecord(record, record is shared) for record in sorted(records, key=lambda record: record.over)]


def _insert(shared: JobRecord, own: list[JobRecord]) -> list[JobRecord]:
    """This user's own records, in the order of the journal, and the shared one before those that are older."""
    newer = sum(newest_first([record, shared])[0] is record for record in own)
    return [*own[:newer], shared, *own[newer:]]


def _own(domain: DomainKey, journal: Journal | None, limit: int) -> list[JobRecord]:
    journal = journal or Journal()
    # A running dump is among them, however many were refused since it began.
    records = [*journal.pending(domain.uuid), *journal.history(domain.uuid, limit=limit)]
    return list({record.id: record for record in records}.values())[:limit]


def is_about(entry: DomainRecord, domain: DomainKey, stats: JobStats | None) -> bool:
    """Whether the record is that of the job with `stats`, or, without one, of a dump that is just starting."""
    record = entry.record
    if record.over or record.key != domain or (alive := process.runner_alive(record)) is False:
        return False
    if stats is None:
        return bool(alive)
    elapsed = stats.time_elapsed / 1000
    lag = time.time() - elapsed - record.started
    same_clock = process.is_here(record)
    if same_clock and record.started_uptime is not None:
        # libvirt measures by the wall clock, which may have been set since the job began, and others by one that
        # nobody sets: the job began after the request if either of them says so.
        lag = max(lag, boottime() - elapsed - record.started_uptime)
    if not (alive or same_clock):
        return abs(lag) <= _HOSTS_SLACK
    # One's own call may wait for its turn and for the domain's lock; others can claim to be waiting for ever.
    longest = math.inf if alive and not entry.shared else _CALL_LAG if alive else _HOSTS_SLACK
    return -_START_SLACK <= lag <= longest


def no_job(domain: DomainKey, records: list[DomainRecord]) -> str:
    """The error that there is no job to wait for, with the result of the last recorded dump."""
    ended = [item for item in records if item.record.over]
    if not ended:
        return f"{domain.name} has no job to wait for"
    last = ended[0].record
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(last.ended or last.started))
    source = f", says the shared record of {last.user}" if ended[0].shared else ""
    reason = f": {last.error}" if last.error else ""
    how = f"the last known {last.operation.label} {last.state} at {when}{source}{reason}"
    return f"{domain.name} has no job to wait for; {how}"


async def weigh_by_file(claim: JobRecord, outcome: Outcome, local: bool) -> Outcome:
    """The verdict that the shared record claims, checked against the file if that is on this machine."""
    try:
        async with asyncio.timeout(_FILE_PATIENCE) as limit:
            objection = await in_thread(partial(_objection, claim, local), "dump file")
    except TimeoutError:
        if not limit.expired():
            raise
        objection = "Its file does not answer."
    if objection is None:
        return outcome
    return replace(outcome, verdict=Verdict.UNPROVEN, detail=f"{outcome.detail} But: {objection}")


def _objection(claim: JobRecord, local: bool) -> str | None:
    """What contradicts the claim; None if nothing does, or nothing can be observed."""
    if claim.state == RecordState.CANCELLED:
        return objection_by_file(claim) or NO_ABORT
    file = None
    if local:
        try:
            os.stat(claim.path)
            file = inspect(claim.path)
        except (FileNotFoundError, NotADirectoryError):
            return "Its file does not exist." if claim.state == RecordState.COMPLETED else objection_by_file(claim)
        except (OSError, ValueError, OperationFailed) as error:
            logger.debug("the file of the shared record: %s", error)
    return objection_by_file(claim, file)
