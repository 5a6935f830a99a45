"""Jobs of which only the metadata of their domain tells: a host's witness saw them, and its history is out of reach."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from functools import partial
from urllib.parse import urlsplit

from backend.base import Backend
from backend.errors import BackendError
from backend.model import DomainKey
from backend.observing.claims import claimed_jobs, is_witnessed
from backend.observing.histories import Wanted, answers
from backend.observing.remembered import Remembered
from backend.records.history import Query
from backend.threads import in_thread
from backend.uri import open_backend
from backend.verdicts.job_sources import Source, SourcedJob

logger = logging.getLogger(__name__)

TOGETHER = 20
"""Domains that are asked about at a time."""


def is_elsewhere(uri: str) -> bool:
    """Whether `uri` names another host, whose history this one cannot read."""
    try:
        return bool(urlsplit(uri).hostname)
    except ValueError:
        return False


async def told_jobs(backend: Backend, domain: DomainKey, known: Iterable[Remembered]) -> list[SourcedJob]:
    """The jobs of the domain that only its metadata tells of, the last one first; `known` are the others. None where
    there is no connection."""
    try:
        trusted = await in_thread(partial(is_witnessed, backend), "history")
    except BackendError as error:
        logger.debug("what is told of the jobs of %s is not known: %s", domain.name, error.message)
        return []
    entries = [item.entry for item in known if isinstance(item, SourcedJob) and item.entry.uuid == domain.uuid]
    claims = await claimed_jobs(backend, domain, entries, trusted=trusted)
    return [SourcedJob(((Source.CLAIM, claim),), claim) for claim in claims]


async def told_by_hosts(
    uris: Iterable[str], query: Query, wanted: Wanted | None, known: Iterable[Remembered]
) -> tuple[list[SourcedJob], dict[str, BackendError]]:
    """What the domains of these hypervisors tell that the query is about, and the errors of those that do not answer,
    by their URIs."""
    known, uris = list(known), list(uris)
    found = await asyncio.gather(*(_told_by(uri, query, known) for uri in uris), return_exceptions=True)
    jobs: list[SourcedJob] = []
    errors: dict[str, BackendError] = {}
    for uri, told in zip(uris, found, strict=True):
        if isinstance(told, BackendError):
            errors[uri] = told
        elif isinstance(told, BaseException):
            raise told
        else:
            jobs += told
    return [job for job in jobs if answers(job, query) and (wanted is None or wanted(job))], errors


async def _told_by(uri: str, query: Query, known: list[Remembered]) -> list[SourcedJob]:
    asked = asyncio.Semaphore(TOGETHER)

    async def ask(domain: DomainKey) -> list[SourcedJob]:
        async with asked:
            return await told_jobs(backend, domain, known)

    async with open_backend(uri, readonly=True) as backend:
        keys = [domain.key for domain in await backend.domains()]
        meant = [key for key in keys if query.names(key.name, key.uuid)]
        return [job for told in await asyncio.gather(*map(ask, meant)) for job in told]
