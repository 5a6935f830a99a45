"""What an observer remembers, and what becomes of it when the history cannot be written."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from backend.base import Backend
from backend.errors import JournalError
from backend.job_stats import JobStats, JobType
from backend.model import BlockOperation, DomainKey, JobOperation
from backend.observing import memory as memories
from backend.observing.memory import Memory
from backend.outcome import Evidence, Outcome, Verdict
from backend.records.entry import EntryState, JobEntry
from backend.records.history import History
from backend.records.process import entry_state

URI = "sim:///memory"
DOMAIN = DomainKey("6d8e6f3c-27e2-4f6c-9f2e-0a5a3d7b1c11", 7, "web-01")
STATS = JobStats(JobType.UNBOUNDED, JobOperation.SAVE, time_elapsed=1500, memory_total=10, memory_processed=4)
SAVED = Outcome(DOMAIN, JobOperation.SAVE, Verdict.COMPLETED, Evidence.LIFECYCLE, "It was saved.", time_elapsed=2000)


class Somewhere:
    uri = URI


BACKEND = cast(Backend, Somewhere())


class Unwritable(History):
    """A history that fails as often as there are errors."""

    def __init__(self, path: Path, *errors: Exception) -> None:
        super().__init__(path)
        self.errors = list(errors)

    def keep(self, entry: JobEntry) -> JobEntry:
        if self.errors:
            raise self.errors.pop(0)
        return super().keep(entry)


@pytest.fixture
def told() -> list[JobEntry]:
    return []


@pytest.fixture
def history(tmp_path: Path) -> Unwritable:
    return Unwritable(tmp_path / "history.db")


@pytest.fixture
async def memory(history: History, told: list[JobEntry]) -> AsyncIterator[Memory]:
    with closing(Memory(history, "test", told.append)) as memory:
        yield memory


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memories, "RETRY", 0.0)


async def test_a_job_is_told_and_kept_when_it_is_seen_and_when_it_is_over(
    memory: Memory, history: History, told: list[JobEntry]
) -> None:
    job = memory.job(BACKEND, DOMAIN, JobOperation.SAVE)
    job.seen(STATS)
    job.seen(replace(STATS, time_elapsed=1800))
    await memory.settle()
    [running] = history.open()
    job.ended(SAVED, 0.0, STATS)
    await memory.settle()
    [over] = history.jobs()
    assert [entry.over for entry in told] == [False, True]
    assert (over.id, over.verdict, over.bytes) == (running.id, Verdict.COMPLETED, 4)
    assert over.seconds == pytest.approx(1.5, abs=1)
    assert (entry_state(running), entry_state(over)) == (EntryState.RUNNING, EntryState.ENDED)


async def test_the_size_of_a_dump_s_file_counts_more_than_what_was_seen_last(memory: Memory, history: History) -> None:
    job = memory.job(BACKEND, DOMAIN, JobOperation.DUMP)
    job.seen(STATS)
    outcome = Outcome(DOMAIN, JobOperation.DUMP, Verdict.COMPLETED, Evidence.FILE, "Complete.", bytes=64 << 20)
    job.ended(outcome, 0.0, STATS)
    await memory.settle()
    assert [entry.bytes for entry in history.jobs()] == [64 << 20]


async def test_of_a_job_that_was_missed_its_begin_is_told_too(memory: Memory, told: list[JobEntry]) -> None:
    memory.job(BACKEND, DOMAIN, JobOperation.SAVE).ended(SAVED, 0.0)
    assert [(entry.over, entry.id) for entry in told] == [(False, told[0].id), (True, told[0].id)]


@pytest.mark.parametrize("early", [True, False])
async def test_who_seems_to_have_requested_a_job_is_kept_with_it(memory: Memory, history: History, early: bool) -> None:
    job = memory.job(BACKEND, DOMAIN, JobOperation.SAVE)
    if not early:
        job.seen(STATS)
    job.requested_by("virsh save (pid 7, root) (claimed)")
    job.seen(STATS)
    await memory.settle()
    assert [entry.requester for entry in history.jobs()] == ["virsh save (pid 7, root) (claimed)"]
    job.ended(replace(SAVED, requester="libvirt (watchdog)"), 0.0)
    await memory.settle()
    assert [entry.requester for entry in history.jobs()] == ["libvirt (watchdog)"], "the end knows better"


async def test_two_waits_for_one_job_remember_one(memory: Memory, history: History) -> None:
    one, other = (memory.job(BACKEND, DOMAIN, JobOperation.SAVE) for _ in range(2))
    for job in (one, other):
        job.seen(STATS)
    other.ended(replace(SAVED, verdict=Verdict.UNPROVEN, evidence=Evidence.NONE), 0.0)
    one.ended(SAVED, 0.0)
    await memory.settle()
    assert [entry.verdict for entry in history.jobs()] == [Verdict.COMPLETED]


async def test_what_cannot_be_written_is_written_later(
    memory: Memory, history: Unwritable, caplog: pytest.LogCaptureFixture
) -> None:
    history.errors = [JournalError("its disk is full")] * 3
    memory.job(BACKEND, DOMAIN, JobOperation.SAVE).ended(SAVED, 0.0)
    await memory.settle()
    assert (len(history.jobs()), memory.trouble) == (1, "")
    assert [record.message for record in caplog.records if record.levelname == "WARNING"] == [
        "what was seen of web-01 is not stored yet: its disk is full"
    ]


async def test_what_can_never_be_written_keeps_nothing_else_from_it(
    memory: Memory, history: Unwritable, caplog: pytest.LogCaptureFixture
) -> None:
    history.errors = [ValueError("a bug")]
    memory.job(BACKEND, DOMAIN, JobOperation.SAVE).ended(SAVED, 0.0)
    memory.job(BACKEND, replace(DOMAIN, uuid="other"), JobOperation.SAVE).ended(SAVED, 0.0)
    await memory.settle()
    assert [entry.uuid for entry in history.jobs()] == ["other"]
    assert "what was seen of web-01 is lost" in caplog.text


async def test_what_waits_to_be_written_is_bounded(
    memory: Memory, history: Unwritable, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(memories, "MOST_UNWRITTEN", 2)
    for name in ("a", "b", "c"):
        memory.job(BACKEND, DomainKey(name, 1, name), JobOperation.SAVE).ended(SAVED, 0.0)
    await memory.settle()
    assert {entry.domain for entry in history.jobs()} == {"b", "c"}
    assert "what was seen of a is lost" in caplog.text


async def test_a_job_keeps_the_name_that_an_earlier_observer_gave_it(
    memory: Memory, history: History, told: list[JobEntry], tmp_path: Path
) -> None:
    with closing(Memory(History(history.path), "other")) as other:
        other.job(BACKEND, DOMAIN, JobOperation.SAVE).seen(STATS)
        await other.settle()
    [first] = history.open()
    job = memory.job(BACKEND, DOMAIN, JobOperation.SAVE)
    job.seen(STATS)
    await memory.settle()
    job.ended(SAVED, 0.0)
    await memory.settle()
    assert told[-1].id == first.id
    assert [entry.id for entry in history.jobs()] == [first.id]


async def left_behind(
    memory: Memory, history: History, operation: JobOperation | BlockOperation, disk: str | None
) -> JobEntry:
    """What an observer left that is gone."""
    job = memory.job(BACKEND, DOMAIN, operation, disk)
    job.seen(replace(STATS, operation=operation))
    await memory.settle()
    with closing(sqlite3.connect(history.path)) as db, db:
        db.execute("UPDATE jobs SET pid_start = boot || ':1'")
    [entry] = history.open()
    assert entry_state(entry) is EntryState.UNSEEN
    return entry


async def test_only_what_nobody_follows_any_more_is_unfinished(tmp_path: Path) -> None:
    history = History(tmp_path / "history.db")
    with closing(Memory(history, "gone")) as gone, closing(Memory(history, "own")) as own:
        left = await left_behind(gone, history, JobOperation.SAVE, None)
        own.job(BACKEND, DomainKey("own", 1, "own"), JobOperation.SAVE).seen(STATS)
        await own.settle()
        assert [entry.uuid for entry in await own.unfinished(URI)] == [left.uuid, "own"]
        assert await own.unfinished("sim:///elsewhere") == []


async def test_what_another_living_process_follows_is_unfinished_only_where_there_can_be_none(tmp_path: Path) -> None:
    history = History(tmp_path / "history.db")
    with closing(Memory(history, "one")) as one, closing(Memory(history, "only", alone=True)) as only:
        one.job(BACKEND, DOMAIN, JobOperation.SAVE).seen(STATS)
        await one.settle()
        with closing(sqlite3.connect(history.path)) as db, db:
            db.execute("UPDATE jobs SET pid = 1, pid_start = ?", (init_start(),))
        assert await one.unfinished(URI) == []
        assert [entry.uuid for entry in await only.unfinished(URI)] == [DOMAIN.uuid]


def init_start() -> str:
    from backend.records.process import process_start

    return process_start(1)


async def test_an_end_that_waits_to_be_written_is_an_end(memory: Memory, history: Unwritable) -> None:
    job = memory.job(BACKEND, DOMAIN, JobOperation.SAVE)
    job.seen(STATS)
    await memory.settle()
    history.errors = [JournalError("full")] * 10**6
    job.ended(SAVED, 0.0)
    await asyncio.sleep(0)
    assert await memory.unfinished(URI) == []


async def test_the_job_of_a_disk_is_not_taken_for_one_that_lost_its_observer(tmp_path: Path) -> None:
    history = History(tmp_path / "history.db")
    with closing(Memory(history, "gone")) as gone, closing(Memory(history, "own")) as own:
        left = await left_behind(gone, history, BlockOperation.COPY, "vda")
        own.job(BACKEND, DOMAIN, BlockOperation.COPY, "vda").seen(replace(STATS, operation=BlockOperation.COPY))
        await own.settle()
        [first, second] = history.open()
        assert (first.id, second.id != left.id) == (left.id, True)


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level("INFO"):
        yield
