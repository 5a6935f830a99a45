"""A domain that does not answer: what was known of it last, marked as such, in words and as plain values for JSON."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from backend.base import Backend
from backend.errors import NotAnswering
from backend.model import Domain, DomainState
from backend.observing.last_known import Silence, known_last
from backend.text import clean
from tui.words import states, units

if TYPE_CHECKING:
    from backend.verdicts.job_sources import SourcedJob


def error(silence: Silence) -> NotAnswering:
    """All of it in one line."""
    return NotAnswering(f"{silence.domain.name}: not answering ({silence.reason}); {last_known(silence)}")


def last_known(silence: Silence) -> str:
    """``last known: paused (dumping), dump since 2026-11-25 03:00:00 by root@hv3 -> /path``."""
    state = [states.label(silence.domain)] if silence.domain.state is not DomainState.NOSTATE else []
    return f"last known: {', '.join([*state, *map(_job, silence.jobs)]) or 'nothing'}"


def cell(silence: Silence) -> str:
    """Its jobs in a table; that which pauses it, if none is remembered."""
    from tui.words.remembered import describe

    jobs = " and ".join(describe(job).name for job in silence.jobs) or silence.domain.paused_by
    return f"{jobs} (last known)" if jobs else ""


def to_json(silence: Silence) -> dict[str, Any]:
    """``last_known`` of the domain. Times are seconds since the epoch."""
    return {
        "state": silence.domain.state.label,
        "reason": silence.domain.reason,
        "jobs": [
            {
                "operation": job.entry.operation.label,
                "disk": job.entry.disk,
                "began": job.requested,
                "ended": None,
                "requester": job.requester,
                "path": job.entry.path,
            }
            for job in silence.jobs
        ],
    }


@asynccontextmanager
async def naming_last_known(backend: Backend, domain: Domain) -> AsyncIterator[None]:
    """If the domain does not answer inside of ``async with``, the error says what was known of it last."""
    try:
        yield
    except NotAnswering as raised:
        raise error(await known_last(backend, domain, raised.message)) from None


def _job(job: SourcedJob) -> str:
    from tui.words.remembered import describe

    by = f" by {clean(job.requester)}" if job.requester else ""
    about = describe(job)
    file = f" -> {about.path}" if about.path else ""
    return f"{about.name} since {units.moment(job.requested)}{by}{file}"
