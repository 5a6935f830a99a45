"""The command as users run it: a process of its own, on every hypervisor that the suite knows."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from backend.base import Backend
from tests.cli.command import HELD
from tests.contract.conftest import harness, pytest_generate_tests
from tests.contract.harness import Harness
from tests.contract.steps import PATIENCE
from tests.simulator_hold import Hold

__all__ = ["harness", "pytest_generate_tests"]


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The JSON objects on its output."""
        return [json.loads(line) for line in self.out.splitlines()]


class VirtJobs:
    """Runs ``virt-jobs -c URI`` for one hypervisor; ends what is still running at the test's end."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._started: list[asyncio.subprocess.Process] = []
        self._read: dict[int, bytes] = defaultdict(bytes)
        """What was read of the output of processes that may not have ended."""

    async def start(self, *arguments: str, **others: Any) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tui",
            "-c",
            self.uri,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            **others,
        )
        self._started.append(process)
        return process

    async def attached(self, process: asyncio.subprocess.Process, *held: Path, jobs: int = 1) -> None:
        """Return once a command that prints JSON follows so many jobs, and holds those files of dumps."""
        assert process.stdout is not None
        lines: Counter[str] = Counter()
        async with asyncio.timeout(PATIENCE):
            # The first line after a file was found may tell of a look before that.
            while len(lines) < jobs or min(lines.values()) < 2:
                line = await process.stdout.readline()
                self._read[process.pid] += line
                assert line, "it ended"
                if {str(path) for path in held} <= _open_files(process.pid):
                    lines[json.loads(line)["domain"]] += 1

    async def ended(self, process: asyncio.subprocess.Process) -> Ended:
        async with asyncio.timeout(PATIENCE):
            out, err = await process.communicate()
        assert process.returncode is not None
        return Ended(process.returncode, (self._read[process.pid] + out).decode(), err.decode())

    async def __call__(self, *arguments: str, **others: Any) -> Ended:
        return await self.ended(await self.start(*arguments, **others))

    async def close(self) -> None:
        for process in self._started:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.communicate()


def _open_files(pid: int) -> set[str]:
    found = set()
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.add(os.readlink(path))
    return found


@pytest.fixture
async def virt_jobs(harness: Harness) -> AsyncIterator[VirtJobs]:
    runner = VirtJobs(harness.uri)
    yield runner
    await runner.close()


@pytest.fixture
async def backend(harness: Harness) -> AsyncIterator[Backend]:
    async with harness.backend() as backend:
        yield backend


@pytest.fixture
def held() -> Iterator[str]:
    """A simulator whose dumps make no headway before the test ends: its URI."""
    with Hold(HELD):
        yield HELD


@pytest.fixture
def config(state_home: Path) -> Path:
    """Where the user's config goes; the folder is there."""
    path = Path(os.environ["XDG_CONFIG_HOME"]) / "virt-jobs" / "config.toml"
    path.parent.mkdir(parents=True)
    return path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, in which commands are run."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder
