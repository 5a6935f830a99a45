"""What a witness makes of jobs that it follows, that it missed, and that others left without an end."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from backend.base import Backend, JobAnswer
from backend.dump_request import DumpRequest
from backend.errors import BackendError, DomainNotRunning, NotAnswering
from backend.events import (
    BlockJobEvent,
    BlockJobStatus,
    ConnectionEvent,
    DumpEvent,
    JobBegan,
    JobEvent,
    Lifecycle,
    LifecycleEvent,
)
from backend.files.simulated import END, MAGIC
from backend.files.target import DumpTarget
from backend.job_stats import JobStats, JobType
from backend.model import BlockOperation, DiskKey, DomainKey, JobKey, JobOperation, Operation
from backend.observing import missed
from backend.observing.memory import Memory
from backend.observing.missed import Reports
from backend.observing.unfinished import Unfinished
from backend.observing.witness import watch_and_witness
from backend.outcome import Evidence, Verdict
from backend.records.entry import JobEntry, is_same_job
from backend.records.history import History
from backend.records.machine import boottime, this_machine
from backend.simulator import SimulatorBackend
from tests.contract.steps import PATIENCE, eventually
from tests.simulator_hold import Hold

RUN = DomainKey("6d8e6f3c-27e2-4f6c-9f2e-0a5a3d7b1c11", 7, "web-01")
STOPPED = replace(RUN, id=None)
SAVED = LifecycleEvent(STOPPED, Lifecycle.STOPPED, "saved")
BACKED_UP = JobEvent(
    RUN,
    JobStats(JobType.COMPLETED, JobOperation.BACKUP, time_elapsed=300, success=True, disk_total=9, disk_processed=9),
)
DUMPED = DumpEvent(RUN, True, "")
RAW_WRITTEN = JobEvent(RUN, JobStats(JobType.COMPLETED, JobOperation.DUMP, time_elapsed=300))
DISK = DiskKey(RUN, "vda")
COPIED = BlockJobEvent(RUN, "vda", BlockOperation.COPY, BlockJobStatus.COMPLETED)


class Stub:
    """A hypervisor with at most one job."""

    uri = "stub:///"

    def __init__(self) -> None:
        self.answer: JobAnswer = None
        self.target: DumpTarget | None = None
        """The file of the last dump."""

    async def last_dump_target(self, domain: DomainKey) -> DumpTarget | None:
        return self.target

    async def job(self, key: JobKey) -> JobStats | None:
        if isinstance(self.answer, BackendError):
            raise self.answer
        return self.answer


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history.db")


@pytest.fixture
async def memory(history: History) -> AsyncIterator[Memory]:
    with closing(Memory(history, "test", alone=True)) as memory:
        yield memory


@pytest.fixture
def stub() -> Stub:
    return Stub()


def now() -> float:
    return asyncio.get_running_loop().time()


class Missed:
    """Reports of jobs, of which one may be followed."""

    def __init__(self, stub: Stub, memory: Memory, history: History) -> None:
        self.followed: dict[JobKey, float] = {}
        self.reports = Reports(cast(Backend, stub), memory, self.followed.get)
        self.reports.know(RUN)
        self._memory = memory
        self._history = history

    async def remembered(self) -> list[tuple[Operation, Verdict | None, Evidence | None]]:
        """All that is remembered in the end, oldest first."""
        while tasks := self.reports.pending:
            await asyncio.wait(tasks)
        await self._memory.settle(PATIENCE)
        jobs = reversed(self._history.jobs())
        return [(entry.operation, entry.verdict, entry.evidence) for entry in jobs]


@pytest.fixture
async def seen(stub: Stub, memory: Memory, history: History, monkeypatch: pytest.MonkeyPatch) -> Missed:
    monkeypatch.setattr(missed, "GATHERING", 0.02)
    return Missed(stub, memory, history)


PROVEN = {
    SAVED: (JobOperation.SAVE, Verdict.COMPLETED, Evidence.LIFECYCLE),
    LifecycleEvent(STOPPED, Lifecycle.STOPPED, "migrated"): (
        JobOperation.MIGRATION_OUT,
        Verdict.COMPLETED,
        Evidence.LIFECYCLE,
    ),
    LifecycleEvent(RUN, Lifecycle.RESUMED, "migrated"): (
        JobOperation.MIGRATION_IN,
        Verdict.COMPLETED,
        Evidence.LIFECYCLE,
    ),
    BACKED_UP: (JobOperation.BACKUP, Verdict.COMPLETED, Evidence.JOB_EVENT),
    COPIED: (BlockOperation.COPY, Verdict.COMPLETED, Evidence.JOB_EVENT),
    # QEMU's own word precedes the end of the call.
    DUMPED: (JobOperation.DUMP, Verdict.UNPROVEN, Evidence.HYPERVISOR),
}


@pytest.mark.parametrize(("event", "expected"), PROVEN.items(), ids=[str(found[0].label) for found in PROVEN.values()])
async def test_a_job_that_nobody_saw_ended_as_it_was_reported(
    seen: Missed, event: LifecycleEvent | JobEvent | BlockJobEvent | DumpEvent, expected: tuple[object, ...]
) -> None:
    seen.reports.take(event)
    assert await seen.remembered() == [expected]


async def test_its_length_is_that_of_its_report(seen: Missed, history: History) -> None:
    seen.reports.take(BACKED_UP)
    await seen.remembered()
    [job] = history.jobs()
    assert (job.time_elapsed, job.bytes, job.exact) == (300, 9, True)
    assert job.seconds == pytest.approx(0.3, abs=0.05)
    assert job.began <= time.time() - 0.3


async def test_two_reports_of_one_end_are_of_one_job(seen: Missed) -> None:
    seen.reports.take(JobEvent(RUN, JobStats(JobType.COMPLETED, JobOperation.SAVE, time_elapsed=300)))
    seen.reports.take(SAVED)
    assert await seen.remembered() == [PROVEN[SAVED]]


SAVE_WRITTEN = JobEvent(RUN, JobStats(JobType.COMPLETED, JobOperation.SAVE, time_elapsed=300))


async def test_a_run_that_nobody_has_listed_is_known_by_its_reports(seen: Missed, stub: Stub, history: History) -> None:
    stub.answer = DomainNotRunning("web-01 is not running any more")
    seen.reports._forget(RUN.uuid, RUN)
    seen.reports.take(SAVE_WRITTEN)
    seen.reports.take(SAVED)
    assert await seen.remembered() == [PROVEN[SAVED]]
    assert [job.domain_id for job in history.jobs()] == [RUN.id]


async def test_a_save_is_one_job_however_long_its_domain_takes_to_stop(seen: Missed, stub: Stub) -> None:
    stub.answer = DomainNotRunning("web-01 is not running any more")
    seen.reports.take(SAVE_WRITTEN)
    await asyncio.sleep(5 * missed.GATHERING)
    seen.reports.take(SAVED)
    assert await seen.remembered() == [PROVEN[SAVED]]


async def test_the_reports_of_two_jobs_are_not_mixed(seen: Missed) -> None:
    for event in (DUMPED, DumpEvent(RUN, False, "No space left"), SAVED):
        seen.reports.take(event)
        await asyncio.sleep(0.002)  # For the clock to tell them apart.
    assert await seen.remembered() == [
        (JobOperation.DUMP, Verdict.UNPROVEN, Evidence.HYPERVISOR),
        (JobOperation.DUMP, Verdict.FAILED, Evidence.HYPERVISOR),
        PROVEN[SAVED],
    ]


async def test_the_end_of_a_job_that_is_followed_is_left_to_its_wait(seen: Missed) -> None:
    seen.followed[RUN] = now() - 1
    seen.reports.take(BACKED_UP)
    assert await seen.remembered() == []


@pytest.mark.parametrize("event", [BACKED_UP, DUMPED], ids=["backup", "dump"])
async def test_what_was_reported_before_the_followed_job_began_is_about_another_one(
    seen: Missed, stub: Stub, memory: Memory, event: JobEvent | DumpEvent
) -> None:
    seen.reports.take(event)
    await asyncio.sleep(0.002)  # For the clock to tell them apart.
    expected = PROVEN[event]
    stub.answer = following = JobStats(JobType.UNBOUNDED, cast(JobOperation, expected[0]))
    seen.followed[RUN] = now() + 1
    memory.job(cast(Backend, stub), RUN, following.operation).seen(following)
    assert sorted(await seen.remembered(), key=str) == sorted([expected, (following.operation, None, None)], key=str)


async def test_a_job_that_goes_on_is_not_over(seen: Missed, stub: Stub) -> None:
    stub.answer = JobStats(JobType.COMPLETED, JobOperation.DUMP, time_elapsed=900)
    seen.reports.take(JobEvent(RUN, replace(stub.answer, time_elapsed=890)))
    assert await seen.remembered() == []


async def test_a_job_that_was_over_before_it_could_be_followed(seen: Missed, stub: Stub) -> None:
    stats = JobStats(JobType.UNBOUNDED, JobOperation.BACKUP, time_elapsed=10)
    seen.followed[RUN] = began = now() - 0.01
    seen.reports.take(replace(BACKED_UP, stats=replace(BACKED_UP.stats, time_elapsed=12)))
    seen.reports.ended_unseen(RUN, stats, began)
    assert await seen.remembered() == [PROVEN[BACKED_UP]]


async def test_the_report_of_its_end_may_come_after_that(seen: Missed) -> None:
    stats = JobStats(JobType.UNBOUNDED, JobOperation.BACKUP, time_elapsed=10)
    seen.followed[RUN] = began = now() - 0.01
    seen.reports.ended_unseen(RUN, stats, began)
    await asyncio.sleep(0)
    seen.reports.take(replace(BACKED_UP, stats=replace(BACKED_UP.stats, time_elapsed=12)))
    assert await seen.remembered() == [PROVEN[BACKED_UP]]


@pytest.mark.parametrize("event", [SAVED, BACKED_UP], ids=["save", "backup"])
async def test_the_success_of_an_earlier_job_is_not_that_of_one_that_was_over_at_once(
    seen: Missed, event: LifecycleEvent | JobEvent
) -> None:
    operation = JobOperation.SAVE if event is SAVED else JobOperation.BACKUP
    seen.followed[RUN] = now() - 5
    seen.reports.take(event)
    stats = JobStats(JobType.UNBOUNDED, operation, time_elapsed=10)
    seen.reports.ended_unseen(RUN, stats, now() + 1)
    [(_, verdict, _)] = await seen.remembered()
    assert verdict is not Verdict.COMPLETED


@pytest.mark.parametrize("known", [False, True], ids=["reported first", "followed"])
async def test_a_save_is_one_job_however_late_the_look_is_taken_in_that_found_it(
    seen: Missed, stub: Stub, known: bool
) -> None:
    stub.answer = DomainNotRunning("web-01 is not running any more")
    if known:
        seen.followed[RUN] = now() + 0.2
    seen.reports.take(SAVED)
    seen.followed[RUN] = began = now() + 0.2
    seen.reports.ended_unseen(RUN, JobStats(JobType.UNBOUNDED, JobOperation.SAVE, time_elapsed=10), began)
    assert await seen.remembered() == [PROVEN[SAVED]]


async def test_why_its_domain_stopped_may_be_reported_much_later(seen: Missed, stub: Stub) -> None:
    stub.answer = DomainNotRunning("web-01 is not running any more")
    stats = JobStats(JobType.UNBOUNDED, JobOperation.SAVE, time_elapsed=10)
    seen.followed[RUN] = began = now() - 0.01
    seen.reports.ended_unseen(RUN, stats, began, stopped=True)
    await asyncio.sleep(5 * missed.GATHERING)
    seen.followed.clear()  # It is not lingered on any more.
    seen.reports.take(SAVED)
    assert await seen.remembered() == [PROVEN[SAVED]]


async def test_the_stop_of_a_run_is_not_that_of_one_of_a_restarted_daemon(seen: Missed, stub: Stub) -> None:
    stub.answer = DomainNotRunning("web-01 is not running any more")
    seen.followed[RUN] = began = now()
    seen.reports.take(SAVED)
    seen.reports.take(ConnectionEvent(False, "the daemon is gone"))
    seen.reports.ended_unseen(RUN, JobStats(JobType.UNBOUNDED, JobOperation.SAVE, time_elapsed=10), began)
    [(_, verdict, _)] = await seen.remembered()
    assert verdict is Verdict.UNPROVEN


def test_a_save_that_two_have_entered_is_one() -> None:
    here, evidence = this_machine(), Evidence.LIFECYCLE
    first, second = (
        left(
            JobOperation.SAVE,
            began_uptime=100.0 + number,
            exact=exact,
            boot=here.boot,
            ended=200.5 + number,
            ended_uptime=100.5 + number,
            verdict=Verdict.COMPLETED,
            evidence=evidence,
        )
        for number, exact in ((0, True), (1, False))
    )
    assert is_same_job(first, second)
    assert not is_same_job(replace(first, verdict=Verdict.UNPROVEN), second)
    assert not is_same_job(first, replace(second, domain_id=8))


# Dumps that nobody looked at, whose file was held all the same.


def held(path: Path, first: float, last: float) -> DumpTarget:
    """A whole file, that was written to between those two times."""
    path.write_bytes(MAGIC + b"1" + END)
    target = DumpTarget.open(path)
    target.first_seen, target.last_seen = first, last
    return target


async def test_the_file_of_a_dump_that_nobody_looked_at_proves_it(seen: Missed, stub: Stub, tmp_path: Path) -> None:
    began = now()
    await asyncio.sleep(0.002)  # For the clock to tell the times apart.
    seen.reports.take(DUMPED)
    stub.target = held(tmp_path / "core", began, now())
    assert await seen.remembered() == [(JobOperation.DUMP, Verdict.COMPLETED, Evidence.FILE)]


@pytest.mark.parametrize(("looked", "proven"), [(0.001, True), (-0.001, False)], ids=["since", "before"])
async def test_so_does_that_of_one_that_was_looked_at_since_it_was_written(
    seen: Missed, stub: Stub, tmp_path: Path, looked: float, proven: bool
) -> None:
    written = now()
    await asyncio.sleep(0.002)
    seen.followed[RUN] = written - 1
    seen.reports.take(DUMPED)
    stub.target = held(tmp_path / "core", written, written)
    seen.reports.ended_unseen(
        RUN, JobStats(JobType.COMPLETED, JobOperation.DUMP, time_elapsed=9), written + looked - 0.009
    )
    [(_, verdict, evidence)] = await seen.remembered()
    expected = (Verdict.COMPLETED, Evidence.FILE) if proven else (Verdict.UNPROVEN, Evidence.HYPERVISOR)
    assert (verdict, evidence) == expected


async def test_one_that_was_removed_is_no_proof(seen: Missed, stub: Stub, tmp_path: Path) -> None:
    began = now()
    await asyncio.sleep(0.002)
    seen.reports.take(DUMPED)
    stub.target = held(tmp_path / "core", began, now())
    (tmp_path / "core").unlink()
    [(_, verdict, _)] = await seen.remembered()
    assert verdict is not Verdict.COMPLETED


@pytest.mark.parametrize(
    "other", [DUMPED, replace(DUMPED, completed=False), RAW_WRITTEN], ids=["whole", "failed", "raw"]
)
@pytest.mark.parametrize("first", [False, True], ids=["last", "first"])
async def test_where_two_ends_were_reported_a_file_is_nobody_s(
    seen: Missed, stub: Stub, tmp_path: Path, other: DumpEvent | JobEvent, first: bool
) -> None:
    began = now()
    await asyncio.sleep(0.002)
    for event in (other, DUMPED) if first else (DUMPED, other):
        seen.reports.take(event)
    stub.target = held(tmp_path / "core", began, now())
    assert Evidence.FILE not in [evidence for _, _, evidence in await seen.remembered()]


NOT_THEN = {"begun later": (1.0, 2.0), "over long ago": (-9.0, -8.0), "begun unheard": (-1.0, 1.0)}


@pytest.mark.parametrize(("first", "last"), NOT_THEN.values(), ids=NOT_THEN)
async def test_a_file_that_was_not_written_then_proves_nothing(
    seen: Missed, stub: Stub, tmp_path: Path, first: float, last: float
) -> None:
    stub.target = held(tmp_path / "core", now() + first, now() + last)
    seen.reports.take(DUMPED)
    assert await seen.remembered() == [PROVEN[DUMPED]]


async def test_a_dump_that_goes_on_is_not_proven_by_its_file(seen: Missed, stub: Stub, tmp_path: Path) -> None:
    began = now()
    await asyncio.sleep(0.002)
    seen.reports.take(DUMPED)
    stub.target = held(tmp_path / "core", began, now())
    stub.answer = JobStats(JobType.COMPLETED, JobOperation.DUMP, time_elapsed=9)
    assert await seen.remembered() == []


@pytest.mark.parametrize("next_one", [False, True])
async def test_the_end_of_a_disk_s_job_may_be_reported_just_before_it_is_seen(seen: Missed, next_one: bool) -> None:
    stats = JobStats.of_block_job("vda", BlockOperation.COPY, 0, 10)
    seen.followed[DISK] = now() - 5
    seen.reports.take(COPIED)
    if next_one:
        await asyncio.sleep(0.001)  # For the clock to tell the two apart.
        seen.reports.take(JobBegan(RUN, block=True))
    seen.reports.ended_unseen(DISK, stats, now() + 0.1)
    [(_, verdict, _)] = await seen.remembered()
    assert verdict is (Verdict.UNPROVEN if next_one else Verdict.COMPLETED)


# Jobs that others left without an end.


async def nothing_open(history: History) -> bool:
    return not history.open()


async def something_open(history: History) -> bool:
    return bool(history.open())


def left(operation: Operation = JobOperation.DUMP, disk: str | None = None, **values: object) -> JobEntry:
    """A job that began ten seconds ago, whose observer is gone."""
    machine = this_machine()
    fields: dict[str, object] = {
        "id": "left",
        "uri": Stub.uri,
        "uuid": RUN.uuid,
        "domain": RUN.name,
        "domain_id": RUN.id,
        "operation": operation,
        "disk": disk,
        "began": time.time() - 10,
        "exact": disk is None,
        "observer": "root@hv1 (witness)",
        "machine": machine.id,
        "boot": machine.boot,
        "began_uptime": boottime() - 10,
        "pid": 1,
        "pid_start": f"{machine.boot}:1",
    }
    return JobEntry(**fields | values)  # type: ignore[arg-type]


@contextmanager
def looking(stub: Stub, memory: Memory, follow: Callable[[JobKey, JobStats], None]) -> Iterator[Unfinished]:
    unfinished = Unfinished(cast(Backend, stub), memory, lambda key: False, follow)
    task = asyncio.create_task(unfinished.run())
    unfinished.look_soon()
    yield unfinished
    task.cancel()


def running(operation: Operation = JobOperation.DUMP, elapsed: int = 10_000) -> JobStats:
    if isinstance(operation, BlockOperation):
        return JobStats.of_block_job("vda", operation, 1, 10)
    return JobStats(JobType.UNBOUNDED, operation, time_elapsed=elapsed)


UNSEEN = {
    "gone": (left(), None, "not there when it ended"),
    "another operation": (left(), running(JobOperation.SAVE), "not there when it ended"),
    "one that began later": (left(), running(elapsed=500), "not there when it ended"),
    "before a reboot": (left(boot="another", pid_start="another:1", began=1.0), running(), "not there when it ended"),
    "one that is being closed": (left(), replace(running(elapsed=9000), type=JobType.COMPLETED), "is unknown"),
    "that of a disk": (left(BlockOperation.COPY, "vda"), running(BlockOperation.COPY), "is unknown"),
}


@pytest.mark.parametrize(("entry", "stats", "detail"), UNSEEN.values(), ids=UNSEEN)
async def test_of_a_job_whose_end_nobody_saw_nothing_is_claimed(
    entry: JobEntry, stats: JobStats | None, detail: str, stub: Stub, memory: Memory, history: History
) -> None:
    # The times are those of this moment, not those of the collection of the tests.
    if entry.began > 1:
        entry = replace(entry, began=time.time() - 10, began_uptime=boottime() - 10)
    history.keep(entry)
    stub.answer = stats
    followed: list[JobKey] = []
    with looking(stub, memory, lambda key, _: followed.append(key)):
        await eventually(lambda: nothing_open(history))
    [job] = history.jobs()
    assert (job.verdict, job.evidence, followed) == (Verdict.UNPROVEN, Evidence.NONE, [])
    assert detail in job.detail


@pytest.mark.parametrize("operation", [JobOperation.DUMP, JobOperation.MIGRATION_IN])
async def test_a_job_that_still_runs_is_followed_further(
    operation: JobOperation, stub: Stub, memory: Memory, history: History
) -> None:
    history.keep(left(operation, exact=operation is JobOperation.DUMP))
    stub.answer = running(operation, 10_000 if operation is JobOperation.DUMP else 0)
    followed: asyncio.Queue[JobKey] = asyncio.Queue()
    with looking(stub, memory, lambda key, _: followed.put_nowait(key)):
        assert await asyncio.wait_for(followed.get(), PATIENCE) == RUN
    assert len(history.open()) == 1


async def test_while_its_hypervisor_does_not_answer_nothing_is_said(
    stub: Stub, memory: Memory, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.observing.unfinished.AGAIN", 0.0)
    history.keep(left())
    stub.answer = NotAnswering("hung")
    with looking(stub, memory, lambda *_: None):
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert len(history.open()) == 1
        stub.answer = None
        await eventually(lambda: nothing_open(history))


async def test_a_dump_on_the_simulator_is_followed_from_begin_to_end(
    memory: Memory, history: History, tmp_path: Path
) -> None:
    uri, path = "sim:///witnessed?domains=2&jobs=0&memory=16", tmp_path / "core"
    async with SimulatorBackend(uri) as backend, Hold(uri, path) as hold:
        key = (await backend.domains())[0].key
        witness = asyncio.create_task(watch_and_witness(backend, memory))
        dump = asyncio.create_task(backend.call_dump(DumpRequest(key, str(path))))
        await eventually(lambda: something_open(history))
        hold.release()
        await dump
        await eventually(lambda: nothing_open(history))
        witness.cancel()
        await asyncio.gather(witness, return_exceptions=True)
    [job] = history.jobs()
    assert (job.operation, job.verdict, job.evidence, job.path) == (
        JobOperation.DUMP,
        Verdict.COMPLETED,
        Evidence.FILE,
        str(path),
    )


async def test_a_job_whose_domain_stops_answering_before_it_is_followed_is_remembered_and_followed_later(
    memory: Memory, history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri, path = "sim:///late?domains=1&jobs=0&memory=16", tmp_path / "core"
    async with SimulatorBackend(uri) as backend, Hold(uri, path) as hold:
        key = (await backend.domains())[0].key
        answers, asked, job = False, asyncio.Event(), backend.job

        async def silent(key: JobKey) -> JobStats | None:
            if not answers:
                asked.set()
                raise NotAnswering("no answer")
            return await job(key)

        monkeypatch.setattr(backend, "job", silent)
        witness = asyncio.create_task(watch_and_witness(backend, memory))
        dump = asyncio.create_task(backend.call_dump(DumpRequest(key, str(path))))
        await eventually(lambda: something_open(history))
        asked.clear()
        await asyncio.wait_for(asked.wait(), PATIENCE)  # It is looked for again.
        answers = True
        await eventually(lambda: asyncio.to_thread(is_held, path))
        hold.release()
        await dump
        await eventually(lambda: nothing_open(history))
        witness.cancel()
        await asyncio.gather(witness, return_exceptions=True)
    [entry] = history.jobs()
    assert (entry.operation, entry.verdict) == (JobOperation.DUMP, Verdict.COMPLETED)


def is_held(path: Path) -> bool:
    """Whether this process holds the dump's file: its job is followed."""
    return any(os.path.realpath(file) == str(path) for file in Path("/proc/self/fd").iterdir())
