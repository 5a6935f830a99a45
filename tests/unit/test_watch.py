"""Every begin and end of a job: live, across an outage, and across the seam to what is remembered."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from backend.dump_request import DumpRequest
from backend.errors import JournalWarning
from backend.model import BlockOperation, DiskKey, DomainKey, JobOperation
from backend.observing.histories import JobFeed, Recollection
from backend.observing.job_changes import JobChange
from backend.observing.watch import watch
from backend.outcome import Verdict
from backend.records.entry import JobEntry
from backend.records.history import History, Query
from backend.records.host import HOST_FOLDER
from backend.records.process import process_start
from backend.simulator import SimulatorBackend
from tests.contract.steps import PATIENCE, eventually, job_gone, job_seen
from tests.simulator_hold import HELD, Hold, outage, release_block_job
from tests.unit.test_history import ended, entry

URI = "sim:///watched?domains=0&rate=300"
LOSING = f"{URI}&fail=disconnect"


class Watched:
    """What a watch has told so far."""

    def __init__(self) -> None:
        self.changes: list[JobChange] = []
        self.links: list[bool] = []
        self._news = asyncio.Event()

    async def follow(self, backend: SimulatorBackend, **options: Any) -> None:
        async with aclosing(watch(backend, on_connection=self._link, **options)) as changes:
            async for change in changes:
                self.changes.append(change)
                self._news.set()

    def _link(self, connected: bool, reason: str) -> None:
        assert connected or reason
        self.links.append(connected)
        self._news.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def changed(self, number: int) -> list[JobChange]:
        """The changes, once there are so many."""
        await self.until(lambda: len(self.changes) >= number)
        assert len(self.changes) == number, self.changes
        return self.changes

    @property
    def words(self) -> list[str]:
        """Each change in brief: ``vm dump began``, ``vm dump completed``, ``vm block copy running``."""
        return [f"{change.entry.domain} {change.entry.operation.label} {_word(change)}" for change in self.changes]


def _word(change: JobChange) -> str:
    if change.ended:
        return str(change.entry.verdict)
    return "running" if change.running else "began"


@asynccontextmanager
async def watched(uri: str = URI, **options: Any) -> AsyncIterator[Watched]:
    watched = Watched()
    async with SimulatorBackend(uri) as backend:
        following = asyncio.create_task(watched.follow(backend, **options))
        try:
            yield watched
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)


@pytest.fixture
async def others() -> AsyncIterator[SimulatorBackend]:
    async with SimulatorBackend(URI) as backend:
        yield backend


async def machine(others: SimulatorBackend, name: str = "vm", disk: int | None = None) -> DomainKey:
    return await others.start((await others.define(name, 8 << 20, disk)).key)


async def dump(others: SimulatorBackend, domain: DomainKey, path: Path) -> None:
    await others.begin_dump(DumpRequest(domain, str(path)))
    await job_seen(others, domain)


async def test_each_begin_and_end_is_told_once_and_remembered(others: SimulatorBackend, tmp_path: Path) -> None:
    domain = await machine(others)
    async with watched() as seen:
        for number in (1, 2):
            with Hold(URI, tmp_path / f"core-{number}"):
                await dump(others, domain, tmp_path / f"core-{number}")
                await seen.changed(2 * number - 1)
            await seen.changed(2 * number)
    assert seen.words == ["vm dump began", "vm dump completed"] * 2
    assert [change.entry.path for change in seen.changes if change.ended] == [
        str(tmp_path / "core-1"),
        str(tmp_path / "core-2"),
    ]
    remembered = History().jobs(Query(uris=[URI]))
    assert [job.verdict for job in remembered] == [Verdict.COMPLETED] * 2
    assert all("(watch)" in job.observer for job in remembered)


async def test_what_runs_at_the_start_is_marked(
    others: SimulatorBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backend.observing.watch.SLACK", 0.0)
    domain = await machine(others, disk=64 << 20)
    await others.begin_block_job(DiskKey(domain, "vda"), BlockOperation.PULL, HELD)
    with Hold(URI, tmp_path / "core"):
        await dump(others, domain, tmp_path / "core")
        async with watched() as seen:
            await seen.changed(2)
            assert sorted(seen.words) == ["vm block pull running", "vm dump running"]
            release_block_job(URI, DiskKey(domain, "vda"))
            await seen.changed(3)
            await others.begin_block_job(DiskKey(domain, "vda"), BlockOperation.PULL, HELD)
            await seen.changed(4)
    assert seen.words[2:] == ["vm block pull completed", "vm block pull began"]
    assert [change.running for change in seen.changes[2:]] == [True, False]


async def test_a_job_that_outlives_an_outage_is_the_same_job(others: SimulatorBackend, tmp_path: Path) -> None:
    domain = await machine(others)
    async with watched(LOSING) as seen:
        with Hold(URI, tmp_path / "core"):
            await dump(others, domain, tmp_path / "core")
            await seen.changed(1)
            with outage(URI):
                await seen.until(lambda: seen.links == [False])
            await seen.until(lambda: seen.links == [False, True])
        await seen.changed(2)
    assert seen.words == ["vm dump began", "vm dump completed"]


async def test_one_that_ends_in_it_has_an_end(others: SimulatorBackend, tmp_path: Path) -> None:
    domain = await machine(others)
    async with watched(LOSING) as seen:
        with Hold(URI, tmp_path / "core") as hold:
            await dump(others, domain, tmp_path / "core")
            await seen.changed(1)
            with outage(URI):
                await seen.until(lambda: seen.links == [False])
                hold.release()
                await job_gone(others, domain)
            await seen.changed(2)
    assert seen.words[0] == "vm dump began"
    assert seen.words[1] in ("vm dump completed", "vm dump unproven")


async def test_one_that_begins_in_it_was_running_when_it_was_over(others: SimulatorBackend) -> None:
    domain = await machine(others, disk=64 << 20)
    async with watched(LOSING) as seen:
        with outage(URI):
            await seen.until(lambda: seen.links == [False])
            await others.begin_block_job(DiskKey(domain, "vda"), BlockOperation.PULL, HELD)
        await seen.changed(1)
    assert seen.words == ["vm block pull running"]


async def test_a_domain_that_is_destroyed_has_ended_its_job(others: SimulatorBackend, tmp_path: Path) -> None:
    domain = await machine(others)
    async with watched() as seen:
        with Hold(URI, tmp_path / "core"):
            await dump(others, domain, tmp_path / "core")
            await seen.changed(1)
            await others.destroy(domain)
            await seen.changed(2)
    assert seen.words == ["vm dump began", "vm dump failed"]


async def test_leaving_it_leaves_nothing_behind(others: SimulatorBackend, tmp_path: Path) -> None:
    domain = await machine(others)
    before = asyncio.all_tasks()
    with Hold(URI, tmp_path / "core"):
        await dump(others, domain, tmp_path / "core")
        async with aclosing(watch(others)) as changes:
            async for change in changes:
                assert change.entry.domain == "vm"
                break
    assert asyncio.all_tasks() <= before


# The seam between what is remembered and what is seen.


def remembered(domain: DomainKey, began: float, **values: Any) -> JobEntry:
    """A dump as another observer has it in this user's history; that observer lives as long as this process."""
    pid = os.getpid()
    fields = {"uri": URI, "uuid": domain.uuid, "domain": domain.name, "domain_id": domain.id, "boot": ""}
    fields |= {"pid": pid, "pid_start": process_start(pid)}
    return entry(began, JobOperation.DUMP, **(fields | values))


async def test_what_is_remembered_comes_first_in_the_order_of_time(others: SimulatorBackend, tmp_path: Path) -> None:
    domain, other = await machine(others), await machine(others, "other")
    now = time.time()
    for job in (remembered(domain, now - 50.0), remembered(other, now - 45.0), remembered(domain, now - 9000.0)):
        History().keep(ended(job, after=35.0))
    async with watched(since=now - 3600.0) as seen:
        await seen.changed(4)
        with Hold(URI, tmp_path / "core"):
            await dump(others, domain, tmp_path / "core")
            await seen.changed(5)
        await seen.changed(6)
    assert seen.words == [
        *("vm dump began", "other dump began", "vm dump completed", "other dump completed"),
        *("vm dump began", "vm dump completed"),
    ]
    assert [change.replayed for change in seen.changes] == [True] * 4 + [False] * 2
    assert [change.at for change in seen.changes] == sorted(change.at for change in seen.changes)


async def test_a_job_that_runs_at_the_seam_is_told_once(others: SimulatorBackend, tmp_path: Path) -> None:
    domain = await machine(others)
    async with watched() as first:
        with Hold(URI, tmp_path / "core"):
            await dump(others, domain, tmp_path / "core")
            await first.changed(1)
            await stored(1)
            async with watched(since=0.0) as second:
                await second.changed(1)
                assert second.words == ["vm dump running"]
        await first.changed(2)
    assert first.words == ["vm dump began", "vm dump completed"]


async def test_so_is_one_that_ends_while_it_is_read(
    others: SimulatorBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    domain, loop = await machine(others), asyncio.get_running_loop()
    path, recall = tmp_path / "core", JobFeed.recall
    hold = Hold(URI, path)

    async def ended_and_stored() -> None:
        hold.release()
        await stored(1, over=True)

    def late(feed: JobFeed) -> Recollection:
        # Everything was subscribed to by now, and its end is remembered when the reading begins.
        asyncio.run_coroutine_threadsafe(ended_and_stored(), loop).result(PATIENCE)
        return recall(feed)

    monkeypatch.setattr(JobFeed, "recall", late)
    with hold:
        await dump(others, domain, path)
        async with watched() as first:
            await first.changed(1)
            async with watched(since=0.0) as second:
                await first.changed(2)
                await second.changed(2)
                await others.begin_dump(DumpRequest(domain, str(tmp_path / "next")))
                await second.changed(4)
    assert second.words[1:] == ["vm dump completed", "vm dump began", "vm dump completed"]


async def test_one_whose_observer_has_yet_to_tell_its_end_gets_it(others: SimulatorBackend) -> None:
    domain = await machine(others)
    job = History().keep(remembered(domain, time.time() - 20.0))
    async with watched(since=0.0) as seen:
        await seen.changed(1)
        History().keep(ended(job))
        await seen.changed(2)
    assert seen.words == ["vm dump began", "vm dump completed"]
    assert [change.running for change in seen.changes] == [False, False]


async def test_one_whose_observer_is_gone_is_unproven(others: SimulatorBackend) -> None:
    domain = await machine(others)
    History().keep(remembered(domain, time.time() - 20.0, pid=0, pid_start=""))
    async with watched(since=0.0) as seen:
        await seen.changed(2)
    assert seen.words == ["vm dump began", "vm dump unproven"]
    assert seen.changes[1].entry.ended is None


async def test_a_history_that_cannot_be_read_hides_nothing_that_happens(
    others: SimulatorBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "host"
    folder.mkdir()
    (folder / "history.db").write_bytes(b"no database" * 100)
    monkeypatch.setenv(HOST_FOLDER, str(folder))
    domain = await machine(others)
    with pytest.warns(JournalWarning, match="the host's history"), Hold(URI, tmp_path / "core"):
        async with watched(since=0.0) as seen:
            await dump(others, domain, tmp_path / "core")
            await seen.changed(1)


async def stored(number: int, over: bool = False) -> None:
    """Return once this user's history has so many jobs, or so many that are over."""

    async def probe() -> bool:
        jobs = History().jobs(Query(uris=[URI]))
        return len([job for job in jobs if job.over or not over]) == number

    await eventually(probe)
