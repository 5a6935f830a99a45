"""What was reported of the job before the one that is waited for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import pytest

from backend.base import JobAnswer
from backend.event_stream import EventHub, EventStream
from backend.events import DumpEvent, Event, JobEvent
from backend.job_stats import JobStats, JobType
from backend.model import DomainKey, JobOperation
from backend.observing.wait import wait
from backend.outcome import Verdict
from backend.records.journal import Journal
from backend.simulator import SimulatorBackend

DOMAIN = DomainKey("11111111-2222-3333-4444-555555555555", 7, "vm")


class Following(SimulatorBackend):
    """A hypervisor on which a job has just ended, and another one begun, when it is first looked at; that ends, too."""

    def __init__(self, running: JobStats, earlier: Event) -> None:
        super().__init__("sim:///following?domains=0")
        self._running: JobStats | None = running
        self._earlier = earlier
        self._told = EventHub()

    def events(self) -> EventStream:
        return self._told.stream()

    async def job(self, domain: DomainKey) -> JobStats | None:
        self._told.put(self._earlier)
        return self._running

    async def jobs(
        self, domains: Iterable[DomainKey], on_answer: Callable[[DomainKey, JobAnswer], None] | None = None
    ) -> Mapping[DomainKey, JobAnswer]:
        if on_answer is not None:
            on_answer(DOMAIN, None)
        return {DOMAIN: None}


EARLIER = {
    "a dump that failed": (JobOperation.DUMP, DumpEvent(DOMAIN, False, "disk full")),
    "a backup that succeeded": (
        JobOperation.BACKUP,
        JobEvent(DOMAIN, JobStats(JobType.COMPLETED, JobOperation.BACKUP, 130, success=True)),
    ),
}


@pytest.mark.parametrize(("operation", "earlier"), EARLIER.values(), ids=EARLIER)
async def test_it_proves_nothing_of_this_one(operation: JobOperation, earlier: Event) -> None:
    running = JobStats(JobType.UNBOUNDED, operation, 120, memory_total=1000, memory_remaining=1000)
    async with Following(running, earlier) as backend:
        outcome = await wait(backend, DOMAIN, operation, journal=Journal())
    assert outcome.verdict is Verdict.UNPROVEN, outcome
