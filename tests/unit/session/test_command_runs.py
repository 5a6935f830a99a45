"""The session knows the commands that run for its domains, whoever started them, and how they end."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from backend.outcome import Verdict
from backend.records.command import CommandRecord, verdict
from backend.running.command import run_command, stop_command
from backend.uri import open_backend
from tests.unit.session.observer import session
from tui.session.activity_log import Tone
from tui.session.rows import RowKey

pytestmark = pytest.mark.process

A, B = "sim:///a?domains=1&jobs=0&memory=1", "sim:///b?domains=1&jobs=0&memory=1"


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    os.mkfifo(tmp_path / "gate")
    return tmp_path / "gate"


async def started(uri: str, *argv: str) -> CommandRecord:
    async with open_backend(uri) as backend:
        return await run_command(backend, (await backend.find("vm-01")).key, argv)


async def test_one_that_runs_already_is_attached_to_and_its_end_is_told(gate: Path) -> None:
    record = await started(A, "cat", str(gate))
    other = await started(B, "cat", str(gate))
    async with session(A) as (running, observer):
        entry = ("vm-01", f"attached to the command: cat {gate}")
        await observer.until(lambda: entry in observer.entries)
        assert [shown.id for shown in running.commands.of(RowKey(A, record.uuid))] == [record.id]
        assert len([words for _, words in observer.entries if "command" in words]) == 1
        stop_command(record)
        await observer.until(lambda: bool(observer.commands))
        assert observer.entries[-1][1].startswith("✗ cat failed (killed by SIGTERM) in ")
        assert observer.tones[-1] is Tone.ERROR
        assert running.commands.of(RowKey(A, record.uuid)) == []
    stop_command(other)


async def test_one_that_is_started_elsewhere_shows_at_once(gate: Path) -> None:
    async with session(A) as (_, observer):
        await started(A, "cat", str(gate))
        await observer.until(lambda: ("vm-01", f"command started: cat {gate}") in observer.entries)
        await asyncio.to_thread(gate.write_text, "")
        await observer.until(lambda: bool(observer.commands))
        assert observer.entries[-1][1].startswith("✓ cat completed (exit status 0) in ")


async def test_one_whose_runner_is_killed_is_unproven(gate: Path) -> None:
    record = await started(A, "cat", str(gate))
    async with session(A) as (_, observer):
        await observer.until(lambda: any("attached to the command" in words for _, words in observer.entries))
        with gate.open("w"):
            os.kill(record.pid, signal.SIGKILL)
            await observer.until(lambda: bool(observer.commands))
        [ended] = observer.commands
        assert verdict(ended.state) is Verdict.UNPROVEN
        assert observer.tones[-1] is Tone.WARNING
        assert "? cat unproven (the process that held its result is gone" in observer.entries[-1][1]
