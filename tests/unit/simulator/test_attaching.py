"""Attaching in the very moment in which something ends."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backend.dump_request import DumpRequest
from backend.errors import WaitTimeout
from backend.job_stats import JobStats
from backend.model import DomainKey
from backend.observing.wait import wait
from backend.outcome import Evidence, Verdict
from backend.records import process
from backend.records.journal import Journal
from backend.records.record import JobRecord, RecordState
from backend.simulator import SimulatorBackend
from tests.unit.simulator.conftest import Clock
from tests.unit.simulator.test_backend import URI, first


class EndsAfterTheFirstLook(Journal):
    """Its one running record gets its result, and loses its runner, when it has been read."""

    def __init__(self, runner: subprocess.Popen[bytes]) -> None:
        super().__init__()
        self.runner = runner

    def history(self, uuid: str | None = None, **options: Any) -> list[JobRecord]:
        found = super().history(uuid, **options)
        if self.runner.poll() is None:
            self.write(process.finished(found[0], RecordState.COMPLETED))
            self.runner.kill()
            self.runner.wait()
        return found


@pytest.fixture
def runner() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process


async def test_a_record_that_gets_its_result_while_someone_attaches_is_the_verdict(
    clock: Clock, tmp_path: Path, runner: subprocess.Popen[bytes]
) -> None:
    journal = EndsAfterTheFirstLook(runner)
    clock.now = time.time()  # As the records have it.
    async with SimulatorBackend(URI, clock=clock) as backend:
        request = DumpRequest((await first(backend)).key, str(tmp_path / "dump"))
        await backend.begin_dump(request)
        record = replace(process.new_record(request, URI), state=RecordState.RUNNING)
        journal.write(replace(record, pid=runner.pid, pid_start=process.process_start(runner.pid)))
        outcome = await asyncio.wait_for(wait(backend, request.domain, timeout=10, journal=journal), 30)
    assert (outcome.verdict, outcome.evidence) == (Verdict.COMPLETED, Evidence.RESULT), outcome


class Silent(SimulatorBackend):
    """Does not answer the first look."""

    async def job(self, domain: DomainKey) -> JobStats | None:
        await asyncio.Event().wait()
        return None


async def test_the_timeout_covers_the_first_look(clock: Clock) -> None:
    async with Silent(URI, clock=clock) as backend:
        key = (await first(backend)).key
        with pytest.raises(WaitTimeout, match="the domain did not answer: nothing is known of its job yet"):
            await asyncio.wait_for(wait(backend, key, timeout=0.05), 30)
