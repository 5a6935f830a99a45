"""Wait for a running job, no matter who started it, and learn how it ended. One implementation for all backends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from backend.base import Backend
from backend.errors import WaitTimeout
from backend.model import DomainKey, JobOperation, JobStats, Operation
from backend.observing import lookup
from backend.observing.attach import attach
from backend.observing.observers import Observers
from backend.records.journal import Journal
from backend.records.record import JobRecord
from backend.verdicts.attachment import Attachment
from backend.verdicts.observations import Sampled
from backend.verdicts.verdict import Evidence, Outcome, Verdict


async def wait(
    backend: Backend,
    domain: DomainKey,
    operation: Operation | None = JobOperation.DUMP,
    timeout: float | None = None,
    on_progress: Callable[[JobStats], None] | None = None,
    record: JobRecord | None = None,
    journal: Journal | None = None,
) -> Outcome:
    """How the domain's current job ended, or the dump that `record` describes, once it has.

    `operation` is the one that the caller expects, None for any; `timeout` is in seconds and covers everything.
    `on_progress` gets every sample. `journal` is this user's own unless another one is given.

    Raises NoJob (with how the last known one ended), JobMismatch, DomainNotRunning and NoSuchDomain at the start, then
    WaitTimeout, and NoConnection where the connection stays lost. None of them affects the job.
    """
    attached: Attachment | Outcome | None = None
    try:
        # Listening begins before the first look, so that no end falls between the two.
        async with asyncio.timeout(timeout) as limit, backend.events() as events:
            events.narrow(domain.uuid)
            if (outcome := await backend.job_result(domain, operation)) is not None:
                return outcome
            attached = await attach(backend, domain, operation, record, journal)
            if isinstance(attached, Outcome):
                return attached
            outcome = await _verdict(attached, Observers(backend, attached, events, journal), on_progress)
            claim = attached.unchecked_claim
            if claim is not None and outcome.evidence is Evidence.SHARED and outcome.verdict is not Verdict.UNPROVEN:
                # Its file was not found while it was written to; what the record names may be there.
                return await lookup.weigh_by_file(claim, outcome, backend.capabilities.local)
            return outcome
    except TimeoutError:
        if not limit.expired():
            raise
        state = "the job is still running" if attached is not None else "nothing is known of its job yet"
        raise WaitTimeout(f"{domain.name}: timed out after {timeout:g} s; {state}") from None


async def _verdict(
    attachment: Attachment, observers: Observers, on_progress: Callable[[JobStats], None] | None
) -> Outcome:
    """Feed the attachment with observations until it has a verdict."""
    clock = asyncio.get_running_loop().time
    async with observers:
        while (outcome := attachment.outcome(clock())) is None:
            observation = await observers.next(attachment.due)
            if observation is None:
                continue
            attachment.observe(observation, clock())
            observers.adapt()
            last = attachment.last
            if on_progress and last and isinstance(observation, Sampled) and observation.stats is last:
                on_progress(last)
    return outcome
