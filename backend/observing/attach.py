"""Find the job that is to be waited for, and the record of it, if there is one."""

from __future__ import annotations

import asyncio
import time
from functools import partial

from backend.base import Backend
from backend.errors import BackendError, JobMismatch, NoJob, NotAnswering, OperationFailed
from backend.model import DomainKey, JobOperation, JobStats
from backend.observing import lookup
from backend.observing.lookup import DomainRecord
from backend.records import process
from backend.records.journal import Journal
from backend.records.record import JobRecord
from backend.threads import in_thread
from backend.verdicts.attachment import Attachment
from backend.verdicts.observations import Sampled, SampleFailed
from backend.verdicts.proofs import tells_of_failed_dump
from backend.verdicts.verdict import Outcome


async def attach(
    backend: Backend,
    domain: DomainKey,
    operation: JobOperation | None,
    record: JobRecord | None,
    journal: Journal | None,
) -> Attachment | Outcome:
    """An attachment to the domain's job, or how it ended if that is known by now. Errors as `wait` raises them."""
    if record is not None:
        return await _to_recorded(backend, domain, record, journal)
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
    records = await lookup.find_records(backend, domain, journal)
    present = stats.operation if stats is not None else JobOperation.DUMP
    about = None
    if present is JobOperation.DUMP:
        about = next((entry for entry in records if lookup.is_about(entry.record, domain, stats)), None)
    if stats is None and about is None and not failed:
        raise trouble or NoJob(lookup.no_job(domain, records))
    if operation is not None and present != operation:
        raise JobMismatch(operation, present)
    if about is None and present is JobOperation.DUMP:
        about = await _ended_meanwhile(backend, domain, records, looked, journal)
        if about is not None and not about.shared and (outcome := Outcome.of_record(about.record)) is not None:
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


async def _to_recorded(
    backend: Backend, domain: DomainKey, record: JobRecord, journal: Journal | None
) -> Attachment | Outcome:
    record = await in_thread(partial(_latest, record, journal), "journal")
    return Outcome.of_record(record) or Attachment(
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

    In the latter case its runner was found dead, and has left its result since.
    """
    if any(not entry.record.over and entry.record.key == domain for entry in records):
        records = await lookup.find_records(backend, domain, journal)
    ended = (entry for entry in records if entry.record.key == domain and (entry.record.ended or 0) >= looked)
    return next(ended, None)


def _hears_dumps(backend: Backend) -> bool:
    return backend.capabilities.dump_events is None
