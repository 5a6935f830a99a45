"""Find the job that is to be waited for, and the record of it, if there is one."""

from __future__ import annotations

import asyncio
from functools import partial

from backend.base import Backend
from backend.errors import BackendError, JobMismatch, NoJob, NotAnswering, OperationFailed
from backend.job_stats import JobStats
from backend.model import DomainKey, JobOperation, Operation
from backend.observing import lookup
from backend.observing.lookup import DomainRecord
from backend.outcome import Outcome
from backend.records import process
from backend.records.journal import Journal
from backend.records.machine import boottime
from backend.records.record import JobRecord
from backend.threads import in_thread
from backend.verdicts.attachment import Attachment
from backend.verdicts.observations import Sampled, SampleFailed
from backend.verdicts.proofs import tells_of_failed_dump
from backend.verdicts.recorded import recorded_outcome

LOOKING = 3.0
"""Seconds for which the first look at a job may fail inside the hypervisor."""
LOOK_INTERVAL = 0.1
"""Seconds between two of these looks: nothing reports when they make sense."""
_INTERNAL_ERROR = 1
"""VIR_ERR_INTERNAL_ERROR: what jobStats raises about a backup whose data are not there yet (qemuBackupGetJobInfoStats).
Its message is in the daemon's language."""


async def attach(
    backend: Backend,
    domain: DomainKey,
    operation: Operation | None,
    record: JobRecord | None,
    journal: Journal | None,
) -> Attachment | Outcome:
    """An attachment to the domain's job, or how it ended if that is known by now. Errors as `wait` raises them."""
    if record is not None:
        return await _to_recorded(backend, domain, record, journal)
    stats: JobStats | None = None
    trouble: BackendError | None = None
    clock = asyncio.get_running_loop().time
    looked, sent = boottime(), clock()
    try:
        stats, sent = await _first_look(backend, domain)
    except (NotAnswering, OperationFailed) as error:
        trouble = error
    answered = clock()
    failed = trouble is not None and tells_of_failed_dump(trouble)
    present = stats.operation if stats is not None else JobOperation.DUMP
    # Only dumps have records.
    records = await lookup.find_records(backend, domain, journal) if present is JobOperation.DUMP else []
    about = None
    if present is JobOperation.DUMP:
        about = next((entry for entry in records if lookup.is_about(entry, domain, stats)), None)
    if stats is None and about is None and not failed:
        raise trouble or NoJob(lookup.no_job(domain, records))
    if operation is not None and present != operation:
        raise JobMismatch(operation, present)
    if about is None and present is JobOperation.DUMP:
        about = await _ended_meanwhile(backend, domain, records, looked, journal)
        if about is not None and not about.shared and (outcome := recorded_outcome(about.record)) is not None:
            return outcome
    attachment = Attachment(
        domain,
        present,
        about.record if about else None,
        about is not None and about.shared,
        _hears_dumps(backend),
        presumed=stats is not None,
        runner_alive=process.runner_alive(about.record) if about else None,
    )
    if trouble is not None:
        attachment.observe(SampleFailed(trouble), answered)
    elif stats is not None:
        # This is the job that is waited for: at the next look, there may be another one.
        attachment.observe(Sampled(stats, sent), answered)
    return attachment


async def _first_look(backend: Backend, domain: DomainKey) -> tuple[JobStats | None, float]:
    """The domain's job, and when it was asked for; again where that fails inside the hypervisor, for a while.

    A backup has begun some time before there are data of it.
    """
    clock = asyncio.get_running_loop().time
    until = clock() + LOOKING
    while True:
        sent = clock()
        try:
            return await backend.job(domain), sent
        except OperationFailed as error:
            if error.code != _INTERNAL_ERROR or sent >= until:
                raise
        await asyncio.sleep(LOOK_INTERVAL)


async def _to_recorded(
    backend: Backend, domain: DomainKey, record: JobRecord, journal: Journal | None
) -> Attachment | Outcome:
    record = await in_thread(partial(_latest, record, journal), "journal")
    return recorded_outcome(record) or Attachment(
        domain,
        record.operation,
        record,
        dump_events=_hears_dumps(backend),
        runner_alive=process.runner_alive(record),
    )


def _latest(record: JobRecord, journal: Journal | None) -> JobRecord:
    return (journal or Journal()).read(record.id) or record


async def _ended_meanwhile(
    backend: Backend, domain: DomainKey, records: list[DomainRecord], looked: float, journal: Journal | None
) -> DomainRecord | None:
    """The record of a dump that ended between the look at the job and that at the records, or after they were read.

    In the latter case its runner was dead by then, and has left its result since. `looked` is an uptime.
    """
    if any(not entry.record.over and entry.record.key == domain for entry in records):
        records = await lookup.find_records(backend, domain, journal)
    # Only the uptime of this very kernel can be compared: wall clocks are set, and other hosts' differ.
    ended = (
        entry
        for entry in records
        if entry.record.key == domain and process.is_here(entry.record) and (entry.record.ended_uptime or 0.0) >= looked
    )
    return next(ended, None)


def _hears_dumps(backend: Backend) -> bool:
    return backend.capabilities.dump_events is None
