"""What a watcher shows of domains that do not answer, and of those beside them: nothing that was never so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from backend.base import JobAnswer
from backend.dump_request import DumpRequest
from backend.errors import NotAnswering, OperationFailed, WaitTimeout
from backend.model import BlockOperation, DiskKey, Domain, DomainKey, DomainState, JobKey, JobOperation
from backend.observing import watcher
from backend.observing.views import Changes, DomainView
from backend.observing.wait import wait
from backend.observing.watcher import Watcher
from backend.simulator import SimulatorBackend
from tests.contract.steps import PATIENCE
from tests.simulator_hold import Hold, hanging

URI = "sim:///silence?domains=2&jobs=0&memory=64"


class Seen:
    """All that a watcher has reported."""

    def __init__(self) -> None:
        self.views: list[DomainView] = []
        self._news = asyncio.Event()

    def __call__(self, changes: Changes) -> None:
        self.views += changes.changed
        self._news.set()

    def of(self, name: str) -> list[DomainView]:
        return [view for view in self.views if view.domain.name == name]

    async def until(self, name: str, holds: Callable[[DomainView], bool]) -> DomainView:
        async with asyncio.timeout(PATIENCE):
            while not ((views := self.of(name)) and holds(views[-1])):
                self._news.clear()
                await self._news.wait()
        return self.of(name)[-1]


@pytest.fixture
async def backend(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SimulatorBackend]:
    monkeypatch.setattr(SimulatorBackend, "deadline", 0.1)
    monkeypatch.setattr(watcher, "QUIET_LIST_INTERVAL", 0.1)
    async with SimulatorBackend(URI) as backend:
        yield backend


@pytest.fixture
async def seen(backend: SimulatorBackend) -> AsyncIterator[Seen]:
    seen = Seen()
    watching = asyncio.create_task(Watcher(backend).run(seen))
    await seen.until("vm-02", lambda view: True)
    yield seen
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)


async def dumped(backend: SimulatorBackend, path: Path) -> DomainKey:
    domain = (await backend.find("vm-01")).key
    await backend.begin_dump(DumpRequest(domain, str(path)))
    return domain


def torn(view: DomainView) -> bool:
    """Whether it is paused for a job and said to have none."""
    return view.progress is None and view.job_known and view.domain.answering and view.domain.paused_by != ""


async def test_its_job_stays_the_last_known_one(backend: SimulatorBackend, seen: Seen, tmp_path: Path) -> None:
    before = time.time()
    with Hold(URI):
        domain = await dumped(backend, tmp_path / "core")
        await seen.until("vm-01", lambda view: view.progress is not None)
        with hanging(URI, domain):
            view = await seen.until("vm-01", lambda view: not view.domain.answering)
            assert view.progress is not None and view.progress.stats.operation is JobOperation.DUMP
            assert view.silent_since is not None and view.silent_since >= before
        view = await seen.until("vm-01", lambda view: view.domain.answering)
        assert view.progress is not None and view.silent_since is None
    view = await seen.until("vm-01", lambda view: view.progress is None)
    assert view.domain.state is DomainState.RUNNING
    answering = [key for key, _ in groupby(view.domain.answering for view in seen.of("vm-01"))]
    assert answering == [True, False, True]
    assert not any(map(torn, seen.views))


async def test_an_old_list_does_not_pause_a_domain_again(
    backend: SimulatorBackend, seen: Seen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As when a domain that hangs holds up the list: it tells what was so when it was begun.
    domains, old = backend.domains, list[Domain]()

    async def late() -> list[Domain]:
        return old or await domains()

    monkeypatch.setattr(backend, "domains", late)
    with Hold(URI):
        await dumped(backend, tmp_path / "core")
        await seen.until("vm-01", lambda view: view.progress is not None and view.domain.paused_by == "dump")
        old += await domains()
    view = await seen.until("vm-01", lambda view: view.progress is None)
    assert view.domain.state is DomainState.RUNNING
    asked = asyncio.Event()
    statuses = backend.statuses

    async def told(*arguments: Any) -> Any:
        answers = await statuses(*arguments)
        asked.set()
        return answers

    monkeypatch.setattr(backend, "statuses", told)
    await asyncio.wait_for(asked.wait(), PATIENCE)  # The old list was read, and not believed.
    assert seen.of("vm-01")[-1].domain.state is DomainState.RUNNING
    assert not any(map(torn, seen.views))


async def test_an_error_that_does_not_say_whether_there_is_a_job_ends_none(
    backend: SimulatorBackend, seen: Seen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.Event()

    async def failing(
        keys: Iterable[JobKey], on_answer: Callable[[JobKey, JobAnswer], None] | None = None
    ) -> Mapping[JobKey, JobAnswer]:
        answers: dict[JobKey, JobAnswer] = {key: OperationFailed("query failed") for key in keys}
        for key, answer in answers.items():
            if on_answer is not None:
                on_answer(key, answer)
                asked.set()
        return answers

    with Hold(URI):
        await dumped(backend, tmp_path / "core")
        await seen.until("vm-01", lambda view: view.progress is not None)
        monkeypatch.setattr(backend, "jobs", failing)
        for _ in range(2):
            asked.clear()
            await asyncio.wait_for(asked.wait(), PATIENCE)
        assert seen.of("vm-01")[-1].progress is not None


async def test_a_wait_does_not_call_a_job_running_whose_domain_fell_silent(
    backend: SimulatorBackend, tmp_path: Path
) -> None:
    with Hold(URI):
        domain = await dumped(backend, tmp_path / "core")
        for seconds in (0.5, 5.0, 20.0):  # A busy machine takes longer to get no answer.
            said = await said_after(seconds, backend, domain)
            if "does not answer" in said:
                break
    assert said == f"vm-01: timed out after {seconds:g} s; the domain does not answer; its job may still be running"


async def said_after(seconds: float, backend: SimulatorBackend, domain: DomainKey) -> str:
    """What a wait says whose time is up after its domain fell silent."""
    attached = asyncio.Event()
    waiting = asyncio.create_task(wait(backend, domain, timeout=seconds, on_progress=lambda stats: attached.set()))
    await asyncio.wait([waiting, asyncio.create_task(attached.wait())], return_when=asyncio.FIRST_COMPLETED)
    attached.set()
    with hanging(URI, domain), pytest.raises(WaitTimeout) as raised:
        await waiting
    return raised.value.message


async def test_the_job_of_a_disk_is_the_last_known_one_too(
    backend: SimulatorBackend, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = DiskKey((await backend.find("vm-01")).key, "vda")
    await backend.begin_block_job(disk, BlockOperation.COPY, seconds=1000.0)
    await seen.until("vm-01", lambda view: len(view.block_jobs) == 1)
    jobs, statuses, silent = backend.jobs, backend.statuses, True

    async def no_jobs(keys: Iterable[JobKey], on_answer: Any = None) -> Mapping[JobKey, JobAnswer]:
        if not silent:
            return await jobs(keys, on_answer)
        answers: dict[JobKey, JobAnswer] = {key: NotAnswering("no answer") for key in keys}
        for key, answer in answers.items():
            if on_answer is not None:
                on_answer(key, answer)
        return answers

    async def no_statuses(keys: Iterable[DomainKey], on_answer: Any = None) -> Any:
        return await statuses(keys, on_answer) if not silent else {key: NotAnswering("no answer") for key in keys}

    monkeypatch.setattr(backend, "jobs", no_jobs)
    monkeypatch.setattr(backend, "statuses", no_statuses)
    view = await seen.until("vm-01", lambda view: not view.domain.answering)
    assert len(view.block_jobs) == 1
    silent = False
    view = await seen.until("vm-01", lambda view: view.domain.answering)
    assert len(view.block_jobs) == 1
