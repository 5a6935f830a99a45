"""Answers that were under way at the same time, of which the older one is taken in last."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from backend.dump_request import DumpRequest
from backend.job_stats import JobStats, JobType
from backend.model import Domain, DomainKey, DomainState, JobOperation
from backend.observing.memory import Memory
from backend.observing.views import Changes, DomainView, Views
from backend.observing.witness import Witness, watch_and_witness
from backend.records.history import History
from backend.simulator import SimulatorBackend
from backend.status import Status, StatusAnswer
from tests.contract.steps import PATIENCE
from tests.simulator_hold import Hold

KEY = DomainKey("6d8e6f3c-27e2-4f6c-9f2e-0a5a3d7b1c11", 7, "web-01")
VIEW = DomainView(Domain(KEY, DomainState.PAUSED))
RUNNING = JobStats(JobType.UNBOUNDED, JobOperation.DUMP, time_elapsed=900)
CLOSING = replace(RUNNING, type=JobType.COMPLETED)


def shown(*answers: tuple[JobStats, float]) -> list[JobStats]:
    """What is shown after each answer, which was asked for so many seconds from now."""
    views, now = Views(lambda: 0.0), asyncio.get_running_loop().time()
    found = [views.show_job(VIEW, stats, now + asked).progress for stats, asked in answers]
    return [progress.stats for progress in found if progress is not None]


@pytest.mark.parametrize("later", [replace(RUNNING, time_elapsed=905), CLOSING], ids=["it runs", "it is closed"])
async def test_what_is_known_is_not_undone_by_what_was_asked_before(later: JobStats) -> None:
    assert shown((later, -0.1), (RUNNING, -0.05)) == [later, later]


FOLLOWING = {
    "one that began since": replace(RUNNING, time_elapsed=5),
    "another operation": replace(RUNNING, operation=JobOperation.SAVE),
}


@pytest.mark.parametrize("following", FOLLOWING.values(), ids=FOLLOWING)
async def test_a_job_that_follows_is_shown(following: JobStats) -> None:
    asked = PATIENCE if following.operation is JobOperation.DUMP else -0.05
    assert shown((RUNNING, -0.1), (following, asked)) == [RUNNING, following]


class Late(SimulatorBackend):
    """Tells the state of a domain with a job only once its job was looked at, and what it was before."""

    def __init__(self, uri: str) -> None:
        super().__init__(uri)
        self.looked = asyncio.Event()

    async def jobs(self, keys: Iterable[DomainKey], on_answer: object = None) -> Mapping[DomainKey, object]:  # type: ignore[override]
        answers = await super().jobs(keys, on_answer)  # type: ignore[arg-type]
        if any(isinstance(answer, JobStats) for answer in answers.values()):
            self.looked.set()
        return answers

    async def statuses(
        self, domains: Iterable[DomainKey], on_answer: Callable[[DomainKey, StatusAnswer], None] | None = None
    ) -> Mapping[DomainKey, StatusAnswer]:
        answers = dict(await super().statuses(domains))
        for key, answer in answers.items():
            if isinstance(answer, Status) and isinstance(answer.job, JobStats):
                self.looked.clear()
                await self.looked.wait()
                answers[key] = replace(answer, job=replace(answer.job, time_elapsed=0))
        for key, answer in answers.items():
            if on_answer is not None:
                on_answer(key, answer)
        return answers


async def test_a_witness_follows_a_job_once(tmp_path: Path) -> None:
    uri, path = "sim:///late?domains=0", tmp_path / "core"
    following: asyncio.Queue[int] = asyncio.Queue()

    def report(witness: Witness, changes: Changes) -> None:
        if any(view.progress is not None for view in changes.changed):
            following.put_nowait(witness.following)

    memory = Memory(History(tmp_path / "history.db"), "test", alone=True)
    with Hold(uri, path):
        async with SimulatorBackend(uri) as others, Late(uri) as backend:
            domain = await others.start((await others.define("vm", 8 << 20)).key)
            watching = asyncio.create_task(watch_and_witness(backend, memory, report))
            try:
                await others.begin_dump(DumpRequest(domain, str(path)))
                async with asyncio.timeout(PATIENCE):
                    assert [await following.get() for _ in range(5)] == [1] * 5
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
    memory.close()
