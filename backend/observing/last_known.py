"""A domain that does not answer, and the jobs that it had when somebody last heard of them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from backend.base import Backend
from backend.model import Domain, DomainKey
from backend.text import clean
from backend.threads import in_thread

if TYPE_CHECKING:  # What is remembered is loaded once a domain is silent.
    from backend.records.entry import JobEntry
    from backend.verdicts.job_sources import SourcedJob

logger = logging.getLogger(__name__)

_LIMIT = 50
"""Jobs of a domain among which those are of which no end is known."""


@dataclass(frozen=True, slots=True)
class Silence:
    """What is known of a domain for which the hypervisor does not answer."""

    domain: Domain
    """Its last known state."""
    reason: str
    """What came instead of an answer, without the domain's name."""
    jobs: Sequence[SourcedJob] = ()
    """Those that are remembered, with no end: they may be over by now."""


async def known_last(backend: Backend, domain: Domain, reason: str) -> Silence:
    """With what this machine remembers of its jobs. `reason`: the message of the error."""
    reason = clean(reason).removeprefix(f"{domain.name}: ")
    return Silence(replace(domain, answering=False), reason, await _jobs(backend, domain.key))


async def _jobs(backend: Backend, domain: DomainKey) -> Sequence[SourcedJob]:
    """The jobs of that very run of the domain of which no end is known, its own one first."""
    from backend.observing.histories import recall
    from backend.records.history import Query

    local = backend.capabilities.local

    def means(job: SourcedJob) -> bool:
        entry = job.entry
        return not entry.over and entry.key == domain and (entry.uri == backend.uri or (local and _is_from_here(entry)))

    remembered = await in_thread(partial(recall, Query(name=domain.uuid, limit=_LIMIT), means), "history")
    for error in remembered.errors.values():
        logger.info("not all is known of the jobs of %s: %s", domain.name, error.message)
    return sorted(remembered.jobs, key=lambda job: job.entry.disk or "")


def _is_from_here(entry: JobEntry) -> bool:
    """Whether it was seen here since this machine was booted: ids of runs begin anew then."""
    from backend.records.machine import this_machine

    return bool(entry.boot) and entry.boot == this_machine().boot
