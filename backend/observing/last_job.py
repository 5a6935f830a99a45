"""How a domain's last job ended, from all that this machine remembers and from what others have shared of it.

The result of an own call is certain. What was seen, by this user's programs or by the host's witness, is a verdict with
its evidence. The shared record is a claim: about a job that somebody saw it proves nothing against that.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from backend.base import Backend
from backend.errors import BackendError, JournalError
from backend.model import DomainKey, JobOperation, Operation
from backend.observing.claims import claimed_jobs, is_witnessed
from backend.observing.histories import recall
from backend.observing.lookup import weigh_by_file
from backend.outcome import Outcome
from backend.records.entry import JobEntry, combined, entry_of_record
from backend.records.history import Query
from backend.records.record import JobRecord
from backend.threads import in_thread
from backend.verdicts.job_sources import SOON, Source, SourcedJob
from backend.verdicts.recorded import recorded_outcome

logger = logging.getLogger(__name__)

_HOSTS_SLACK = 300.0
"""Seconds by which the clocks of two hosts may disagree."""
_READ = 200
"""Jobs of a domain among which the last one is looked for."""


@dataclass(frozen=True, slots=True)
class LastJob:
    """A job that is over."""

    outcome: Outcome
    uri: str
    """The hypervisor, as it was named where the job is remembered."""
    ended: float | None
    """When, in seconds since the epoch; None: nobody saw that."""
    began: float | None = None
    """When it was requested, or else began."""
    bytes: int | None = None
    """As of its entry."""


@dataclass(frozen=True, slots=True)
class JobChoice:
    """Which jobs of a domain count."""

    operation: Operation | None = JobOperation.DUMP
    """None: any."""
    disk: str | None = None
    """Whose job it is; None: it may be the domain's own, or that of any disk."""
    since: float | None = None
    """Those that began later; seconds since the epoch."""

    def __contains__(self, job: SourcedJob) -> bool:
        entry = job.entry
        return (
            job.outcome_if_over is not None
            and self.operation in (None, entry.operation)
            and self.disk in (None, entry.disk)
            and (self.since is None or entry.began >= self.since)
        )


Errors = Mapping[Source, JournalError]
"""Why some source could not be read."""


async def last_job(backend: Backend, domain: DomainKey, choice: JobChoice) -> tuple[LastJob | None, Errors]:
    """How the last job of the domain ended, in any of its runs; None if nobody remembers one."""
    jobs, errors = await _recall(domain.uuid, (), choice, backend.capabilities.local)
    last = await _last_known(backend, domain, choice, jobs)
    # Only what nobody here knows of is taken from what a witness tells there.
    trusted = await in_thread(partial(is_witnessed, backend), "history")
    known = [job.entry for job in jobs]
    claims = await claimed_jobs(backend, domain, known, trusted=trusted)
    for claim in claims:
        fits = choice.operation in (None, claim.operation) and choice.disk in (None, claim.disk)
        newer = last is None or (last.ended or 0.0) < (claim.ended or 0.0)
        if fits and newer and (choice.since is None or claim.began >= choice.since):
            return _of_entry(claim, _outcome(claim), backend.uri), errors
    return last, errors


async def _last_known(
    backend: Backend, domain: DomainKey, choice: JobChoice, jobs: Sequence[SourcedJob]
) -> LastJob | None:
    """The last of `jobs`, or of the dump that the shared record is about."""
    claim = await _claim(backend, domain, choice)
    last = _latest(jobs)
    if claim is None or any(claim.id in job.ids for job in jobs):
        return _told(last)
    entry = entry_of_record(claim, recorded_outcome(claim, shared=True))
    claimed = next((job for job in jobs if Source.CALL not in job.sources and _is_about(entry, job.entry)), None)
    if last is None or (claimed is None and _is_newer(entry, last)):
        outcome = await weigh_by_file(claim, _outcome(entry), backend.capabilities.local)
        return _of_entry(entry, outcome, backend.uri)
    if last is not claimed:
        return _told(last)
    if not last.entry.proven:
        # Nothing that was seen tells of its end, but its file may.
        weighed = await weigh_by_file(claim, _outcome(entry), backend.capabilities.local)
        entry = replace(entry, verdict=weighed.verdict, detail=weighed.detail)
    known = combined(last.entry, entry)
    return _of_entry(known, _outcome(known), backend.uri)


async def last_job_called(
    name: str, uris: Sequence[str], choice: JobChoice, host: bool
) -> tuple[LastJob | None, Errors]:
    """The same of a domain that is no more, by its name or uuid, on one of those hypervisors.

    `host`: whether one of them is this machine's, of which the host's history tells.
    """
    jobs, errors = await _recall(name, uris, choice, host)
    return _told(_latest(jobs)), errors


async def job_seen_as(entry: JobEntry, host: bool) -> tuple[SourcedJob | None, Errors]:
    """The job that an observer has entered, as all sources know it; None if they do not have it."""
    query = Query(name=entry.uuid, operation=entry.operation, limit=_READ)
    found = await in_thread(partial(recall, query, lambda job: job.is_seen_as(entry), host), "history")
    return next(iter(found.jobs), None), found.errors


async def _recall(name: str, uris: Sequence[str], choice: JobChoice, host: bool) -> tuple[list[SourcedJob], Errors]:
    query = Query(name=name, uris=uris, limit=_READ)
    found = await in_thread(partial(recall, query, choice.__contains__, host), "history")
    return found.jobs, found.errors


async def _claim(backend: Backend, domain: DomainKey, choice: JobChoice) -> JobRecord | None:
    """The result of a dump that the shared record claims."""
    if choice.operation not in (None, JobOperation.DUMP) or choice.disk is not None:
        return None
    try:
        claim = await backend.record(domain)
    except BackendError as error:
        logger.debug("no shared record of %s: %s", domain.name, error)
        return None
    # Anyone who may modify the metadata can name any domain in it.
    if claim is None or claim.uuid != domain.uuid or recorded_outcome(claim, shared=True) is None:
        return None
    return claim if choice.since is None or claim.started >= choice.since else None


def _latest(jobs: Sequence[SourcedJob]) -> SourcedJob | None:
    """The one that ended last. A domain's own jobs, and those of a disk, end in the order in which they began."""
    latest = None
    for job in jobs:
        if latest is None or (
            job.entry.disk != latest.entry.disk and (job.entry.ended or 0) > (latest.entry.ended or 0)
        ):
            latest = job
    return latest


def _told(job: SourcedJob | None) -> LastJob | None:
    if job is None or (outcome := job.outcome_if_over) is None:
        return None
    return replace(_of_entry(job.entry, outcome, job.entry.uri), began=job.requested)


def _of_entry(entry: JobEntry, outcome: Outcome, uri: str) -> LastJob:
    return LastJob(outcome, uri, entry.ended, entry.began, entry.bytes)


def _outcome(entry: JobEntry) -> Outcome:
    outcome = entry.outcome
    assert outcome is not None
    return outcome


def _is_about(claim: JobEntry, seen: JobEntry) -> bool:
    """Whether the dump whose result is claimed may be the job that was seen.

    In doubt it is: a claim about a job that was seen can prove nothing against that.
    """
    if (claim.uuid, claim.domain_id, claim.operation) != (seen.uuid, seen.domain_id, seen.operation):
        return False
    same_clock = claim.boot == seen.boot != ""
    slack = SOON if same_clock else _HOSTS_SLACK
    requested, returned = (claim.began_uptime, claim.ended_uptime) if same_clock else (claim.began, claim.ended)
    began, ended = (seen.began_uptime, seen.ended_uptime) if same_clock else (seen.began, seen.ended)
    if returned is None:
        returned = requested
    late = ended is not None and returned > ended + slack
    return not late and requested <= (ended if ended is not None else requested) + slack and returned >= began - slack


def _is_newer(claim: JobEntry, job: SourcedJob) -> bool:
    """Whether the dump whose result is claimed was requested after the job."""
    if claim.boot and claim.boot == job.entry.boot:
        return claim.began_uptime > job.entry.began_uptime
    return claim.began > job.requested
