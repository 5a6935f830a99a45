"""The process that holds the result keeps it for as long as it must."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from backend.capabilities import Capabilities
from backend.dump_request import DumpRequest
from backend.errors import JournalError
from backend.records import database, process
from backend.records.folder import is_missing
from backend.records.journal import Journal
from backend.records.record import JobRecord, RecordState
from backend.running import detached, runner
from backend.running.start import start_dump
from backend.simulator import SimulatorBackend
from backend.uri import open_backend
from tests.contract.steps import PATIENCE

URI = "sim:///runner?domains=1&jobs=0&memory=1"


class FullUp(Journal):
    """A journal that takes no result at first."""

    refusals = 3

    def write(self, record: JobRecord) -> None:
        if record.over and self.refusals:
            self.refusals -= 1
            raise JournalError("its disk is full")
        super().write(record)


async def started(path: Path) -> JobRecord:
    async with open_backend(URI) as backend:
        domain = await backend.find("vm-01")
    record = process.new_record(DumpRequest(domain.key, str(path)), URI)
    Journal().write(record)
    return record


async def test_a_result_that_the_journal_refuses_is_shared_and_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detached, "KEEP_INTERVAL", 0.001)
    record = await started(tmp_path / "core")
    journal = FullUp()
    await runner.run(record.id, journal)
    kept = Journal().read(record.id)
    assert kept is not None
    assert (kept.state, journal.refusals) == (RecordState.COMPLETED, 0)
    async with open_backend(URI) as backend:
        shared = await backend.record(record.key)
    assert shared is not None and shared.state is RecordState.COMPLETED


async def test_a_runner_whose_journal_was_taken_away_with_its_folder_ends(
    tmp_path: Path, state_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detached, "KEEP_INTERVAL", PATIENCE * 2)
    record = await started(tmp_path / "core")

    class TakenAway(Journal):
        def write(self, record: JobRecord) -> None:
            if record.over:
                shutil.rmtree(state_home, ignore_errors=True)
            super().write(record)

    async with asyncio.timeout(PATIENCE):
        await runner.run(record.id, TakenAway())
    assert not os.access(state_home, os.F_OK)


class Elsewhere(SimulatorBackend):
    """A hypervisor on another host."""

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, local=False)


@pytest.mark.parametrize(("backend", "seen"), [(SimulatorBackend, True), (Elsewhere, False)])
async def test_the_size_of_another_hosts_file_is_not_read_off_the_file_that_has_its_path_here(
    backend: type[SimulatorBackend], seen: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "open_backend", backend)
    record = await started(tmp_path / "core")
    await runner.run(record.id, Journal())
    kept = Journal().read(record.id)
    assert kept is not None
    assert kept.bytes == ((tmp_path / "core").stat().st_size if seen else None)


async def test_no_dump_is_asked_for_where_the_journal_does_not_take_its_beginning(tmp_path: Path) -> None:
    record = await started(tmp_path / "core")

    class Closed(Journal):
        def write(self, record: JobRecord) -> None:
            raise JournalError("its disk is full")

    with pytest.raises(JournalError):
        await runner.run(record.id, Closed())
    assert not (tmp_path / "core").exists()


async def test_its_arguments_tell_nothing_but_its_number(tmp_path: Path) -> None:
    slow = "sim:///slow?domains=1&jobs=0&memory=64&rate=32"
    async with open_backend(slow) as backend:
        domain = await backend.find("vm-01")
        record = await start_dump(backend, DumpRequest(domain.key, str(tmp_path / "secret")))
        line = await asyncio.to_thread(Path(f"/proc/{record.pid}/cmdline").read_bytes)
    assert line.split(b"\0")[1:-1] == [b"-P", b"-m", b"backend.running.runner", record.id.encode()]


async def test_a_journal_that_another_process_holds_stops_a_dump_before_anything_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "PATIENCE", 0.05)
    journal = Journal()
    journal.pending()
    with closing(sqlite3.connect(journal.path)) as other:
        other.execute("BEGIN IMMEDIATE")
        async with open_backend(URI) as backend:
            domain = await backend.find("vm-01")
            with pytest.raises(JournalError, match="another process has held its lock"):
                await start_dump(backend, DumpRequest(domain.key, str(tmp_path / "core")))
            assert await backend.job(domain.key) is None
    assert not (tmp_path / "core").exists()


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENOTDIR])
def test_a_folder_that_cannot_be_looked_at_is_not_taken_for_removed(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not is_missing(tmp_path)
    assert is_missing(tmp_path / "none")

    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as failing:
        failing.setattr(os, "stat", fail)
        missing = is_missing(tmp_path)
    assert not missing
