"""What was reported while the job that is waited for was looked for: of its own end, or of the end before that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import pytest

from backend.base import JobAnswer
from backend.event_stream import EventHub, EventStream
from backend.events import BlockJobEvent, BlockJobStatus, DumpEvent, Event, JobEvent, Lifecycle, LifecycleEvent
from backend.job_stats import JobStats, JobType
from backend.model import BlockOperation, DiskKey, DomainKey, JobKey, JobOperation, Operation
from backend.observing.wait import wait, wait_until_ready
from backend.outcome import Evidence, Outcome, Verdict
from backend.records.journal import Journal
from backend.simulator import SimulatorBackend
from backend.verdicts import block_attachment, phase

DOMAIN = DomainKey("11111111-2222-3333-4444-555555555555", 7, "vm")
DISK = DiskKey(DOMAIN, "vda")


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that is reported here is reported at once."""
    for module in (phase, block_attachment):
        monkeypatch.setattr(module, "GRACE", 0.05)


class Following(SimulatorBackend):
    """A hypervisor with a job, which is over when it is looked at again, or at the look after that."""

    def __init__(
        self,
        running: JobStats,
        before: Sequence[Event],
        during: Sequence[Event],
        after: Sequence[Event],
        goes_on: bool = False,
    ) -> None:
        """What is reported `before` the first look, `during` that, and `after` it. `goes_on`: at the second one."""
        super().__init__("sim:///following?domains=0")
        self._running = running
        self._before, self._during, self._after = before, during, after
        self._goes_on = goes_on
        self._told = EventHub()

    def events(self) -> EventStream:
        stream = self._told.stream()
        self._tell(self._before)
        return stream

    async def job(self, key: JobKey) -> JobStats | None:
        if isinstance(key, DiskKey) != isinstance(self._running.operation, BlockOperation):
            return None
        self._tell(self._during)
        return self._running

    async def jobs(
        self, keys: Iterable[JobKey], on_answer: Callable[[JobKey, JobAnswer], None] | None = None
    ) -> Mapping[JobKey, JobAnswer]:
        answer = self._running if self._goes_on else None
        answers = dict.fromkeys(keys, answer)
        self._goes_on = False
        self._tell(self._after)
        if on_answer is not None:
            for key in answers:
                on_answer(key, answer)
        return answers

    def _tell(self, events: Iterable[Event]) -> None:
        for event in events:
            self._told.put(event)


def backed_up(success: bool, elapsed: int = 130) -> JobEvent:
    return JobEvent(DOMAIN, JobStats(JobType.COMPLETED, JobOperation.BACKUP, elapsed, success=success))


def copied(status: BlockJobStatus = BlockJobStatus.COMPLETED, disk: str = "vda") -> BlockJobEvent:
    return BlockJobEvent(DOMAIN, disk, BlockOperation.COPY, status)


async def ended(
    operation: Operation,
    before: Sequence[Event] = (),
    during: Sequence[Event] = (),
    after: Sequence[Event] = (),
    goes_on: bool = False,
) -> Outcome:
    if isinstance(operation, BlockOperation):
        running, disk = JobStats.of_block_job(DISK.disk, operation, 20, 100), DISK.disk
    else:
        running, disk = JobStats(JobType.UNBOUNDED, operation, 120, memory_total=1000, memory_remaining=1000), None
    async with Following(running, before, during, after, goes_on) as backend:
        return await wait(backend, DOMAIN, operation, journal=Journal(), disk=disk)


STOPPED = LifecycleEvent(DOMAIN, Lifecycle.STOPPED, "destroyed")
EARLIER: dict[str, tuple[Operation, Event]] = {
    "a dump that failed": (JobOperation.DUMP, DumpEvent(DOMAIN, False, "disk full")),
    "a backup that succeeded": (JobOperation.BACKUP, backed_up(True)),
    "a copy that was completed": (BlockOperation.COPY, copied()),
    "a copy that was aborted": (BlockOperation.COPY, copied(BlockJobStatus.CANCELED)),
    "a run that was over": (JobOperation.SAVE, STOPPED),
    "a run that was over, with a disk": (BlockOperation.COPY, STOPPED),
}


@pytest.mark.parametrize(("operation", "earlier"), EARLIER.values(), ids=EARLIER)
async def test_what_was_reported_before_proves_nothing_of_this_one(operation: Operation, earlier: Event) -> None:
    outcome = await ended(operation, before=[earlier])
    without = await ended(operation)
    assert (outcome.verdict, outcome.evidence) == (without.verdict, without.evidence)


async def test_a_dump_that_failed_meanwhile_may_be_the_one_before() -> None:
    outcome = await ended(JobOperation.DUMP, during=[DumpEvent(DOMAIN, False, "disk full")])
    assert outcome.verdict is Verdict.UNPROVEN, outcome


MEANWHILE: dict[str, tuple[Operation, Event, Event, Verdict]] = {
    "backups": (JobOperation.BACKUP, backed_up(True), backed_up(False), Verdict.FAILED),
    "copies": (BlockOperation.COPY, copied(), copied(BlockJobStatus.FAILED), Verdict.FAILED),
    "copies, aborted": (BlockOperation.COPY, copied(BlockJobStatus.CANCELED), copied(), Verdict.COMPLETED),
}


@pytest.mark.parametrize(("operation", "earlier", "own", "verdict"), MEANWHILE.values(), ids=MEANWHILE)
async def test_of_two_reports_the_second_one_is_its_own(
    operation: Operation, earlier: Event, own: Event, verdict: Verdict
) -> None:
    outcome = await ended(operation, during=[earlier], after=[own])
    assert (outcome.verdict, outcome.evidence) == (verdict, Evidence.JOB_EVENT)


OWN = {
    "a backup": (JobOperation.BACKUP, backed_up(True), Verdict.COMPLETED),
    "a copy": (BlockOperation.COPY, copied(), Verdict.COMPLETED),
    "a copy, aborted": (BlockOperation.COPY, copied(BlockJobStatus.CANCELED), Verdict.CANCELLED),
}


@pytest.mark.parametrize(("operation", "only", "verdict"), OWN.values(), ids=OWN)
async def test_the_only_report_is_its_own_as_each_job_leaves_one(
    operation: Operation, only: Event, verdict: Verdict
) -> None:
    outcome = await ended(operation, during=[only])
    assert (outcome.verdict, outcome.evidence) == (verdict, Evidence.JOB_EVENT)


@pytest.mark.parametrize(("operation", "earlier", "_"), OWN.values(), ids=OWN)
async def test_but_not_of_one_that_was_cut(operation: Operation, earlier: Event, _: Verdict) -> None:
    outcome = await ended(operation, during=[earlier], after=[STOPPED])
    assert outcome.verdict in (Verdict.FAILED, Verdict.UNPROVEN), outcome


@pytest.mark.parametrize(("operation", "earlier", "_"), OWN.values(), ids=OWN)
async def test_nor_of_one_that_was_seen_to_go_on(operation: Operation, earlier: Event, _: Verdict) -> None:
    outcome = await ended(operation, during=[earlier], goes_on=True)
    assert outcome.verdict is Verdict.UNPROVEN, outcome


async def test_nor_is_the_job_of_another_disk_meant() -> None:
    outcome = await ended(BlockOperation.COPY, during=[copied(disk="vdb")])
    assert outcome.verdict is Verdict.UNPROVEN, outcome


async def test_the_readiness_of_an_earlier_copy_is_not_that_of_this_one() -> None:
    running = JobStats.of_block_job("vda", BlockOperation.COPY, 20, 100)
    async with Following(running, [copied(BlockJobStatus.READY)], [], [copied(BlockJobStatus.FAILED)]) as backend:
        outcome = await wait_until_ready(backend, DISK)
    assert outcome is not None
    assert outcome.verdict is Verdict.FAILED
