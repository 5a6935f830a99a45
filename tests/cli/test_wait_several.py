"""`wait A B C`: several domains in one command, at once; the worst of their ends is the command's."""

from __future__ import annotations

import asyncio
import io
import itertools
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pexpect
import pytest

from backend.base import Backend
from tests.cli.command import TIMEOUTS, UNKNOWN
from tests.cli.conftest import Ended, VirtJobs
from tests.contract.harness import Harness, Release
from tests.contract.steps import PATIENCE, job_seen
from tests.simulator_hold import Hold
from tui.cli import exits
from tui.cli.exits import Exit


@asynccontextmanager
async def dumped(harness: Harness, backend: Backend, *names: str) -> AsyncIterator[tuple[list[Path], Release]]:
    """Domains of those names, each with a held dump of somebody else's under way; the files, and what lets them go."""
    paths = [harness.folder / name for name in names]
    async with AsyncExitStack() as stack:
        releases = [await stack.enter_async_context(harness.held(path)) for path in paths]

        async def release(closing: bool = False) -> None:
            for release_one in releases:
                await release_one(closing)

        domains = await asyncio.gather(*map(harness.running, names))
        await asyncio.gather(*map(harness.foreign_dump, domains, paths))
        for domain in domains:
            await job_seen(backend, domain)
        yield paths, release


async def waited_for(virt_jobs: VirtJobs, dumps: tuple[list[Path], Release], *arguments: str) -> Ended:
    """How ``wait`` ended whose dumps went on once it was attached to all of them."""
    paths, release = dumps
    process = await virt_jobs.start("wait", *arguments, "--json")
    await virt_jobs.attached(process, *paths, jobs=len(paths))
    await release()
    return await virt_jobs.ended(process)


async def test_each_domain_has_its_own_lines(harness: Harness, virt_jobs: VirtJobs, backend: Backend) -> None:
    async with dumped(harness, backend, "one", "two") as dumps:
        ended = await waited_for(virt_jobs, dumps, "one", "two")
    assert ended.code == 0, ended
    for name in ("one", "two"):
        lines = [line["event"] for line in ended.objects if line["domain"] == name]
        assert lines[-1] == "outcome"
        assert set(lines[:-1]) == {"progress"}


async def test_they_are_waited_for_at_once(harness: Harness, virt_jobs: VirtJobs, backend: Backend) -> None:
    async with dumped(harness, backend, "one", "two") as dumps:
        ended = await waited_for(virt_jobs, dumps, "one", "two")
    events = [(line["event"], line["domain"]) for line in ended.objects]
    first_outcome = next(index for index, (event, _) in enumerate(events) if event == "outcome")
    assert {domain for event, domain in events[:first_outcome] if event == "progress"} == {"one", "two"}


async def test_an_error_with_one_does_not_stop_the_others(
    harness: Harness, virt_jobs: VirtJobs, backend: Backend
) -> None:
    await harness.running("idle")
    async with dumped(harness, backend, "one") as dumps:
        ended = await waited_for(virt_jobs, dumps, "idle", "nobody", "one")
    assert ended.code == 7
    assert [line["verdict"] for line in ended.objects if line["event"] == "outcome"] == ["completed"]
    complaints = sorted(ended.err.splitlines())
    assert len(complaints) == 2
    assert "idle has no job" in complaints[0]
    assert "nobody" in complaints[1]


async def test_an_error_names_its_domain(harness: Harness, virt_jobs: VirtJobs, backend: Backend) -> None:
    async with dumped(harness, backend, "one", "two"):
        ended = await virt_jobs("wait", "one", "two", "--operation", "save")
    assert ended.code == 4
    mismatch = "job mismatch: want save, have dump"
    assert sorted(ended.err.splitlines()) == [f"virt-jobs: one: {mismatch}", f"virt-jobs: two: {mismatch}"]


async def test_the_last_recorded_ends_are_told_of_each(harness: Harness, virt_jobs: VirtJobs) -> None:
    await harness.running("good")
    await harness.running("idle")
    await virt_jobs("dump", "good", str(harness.folder / "dump"))
    ended = await virt_jobs("wait", "good", "idle", "--last", "--json")
    assert ended.code == 3
    [outcome] = ended.objects
    assert (outcome["domain"], outcome["verdict"]) == ("good", "completed")


async def test_a_domain_that_is_named_twice_is_waited_for_once(
    harness: Harness, virt_jobs: VirtJobs, backend: Backend
) -> None:
    async with dumped(harness, backend, "one") as dumps:
        ended = await waited_for(virt_jobs, dumps, "one", "one")
    assert [line["event"] for line in ended.objects].count("outcome") == 1


async def test_a_timeout_is_each_domains_own(harness: Harness, virt_jobs: VirtJobs, backend: Backend) -> None:
    await harness.running("idle")
    async with dumped(harness, backend, "one"):
        for timeout in TIMEOUTS:
            ended = await virt_jobs("wait", "one", "idle", "--timeout", timeout)
            if UNKNOWN not in ended.err:
                break
    assert ended.code == 3
    assert "the job is still running" in ended.err


def test_the_worst_code_wins() -> None:
    order = [Exit.FAILED, Exit.CANCELLED, Exit.UNPROVEN, Exit.UNREACHABLE, Exit.MISMATCH, Exit.NO_JOB, Exit.TIMEOUT]
    for worse, better in itertools.combinations([*order, Exit.COMPLETED], 2):
        assert exits.worst([better, worse, better]) is worse


@pytest.mark.terminal
@pytest.mark.parametrize("width", [80, 200])
def test_one_line_shows_where_all_of_them_stand(width: int) -> None:
    simulator = "sim:///several?domains=3&jobs=3"
    names = ["vm-01", "vm-02", "vm-03"]
    command = ["-m", "tui", "-c", simulator, "wait", "--operation", "any", *names]
    shown = io.StringIO()
    with Hold(simulator):
        terminal = pexpect.spawn(
            sys.executable,
            command,
            dimensions=(24, width),
            encoding="utf-8",
            env={**os.environ, "TERM": "xterm"},
            echo=False,
            timeout=PATIENCE,
        )
        terminal.logfile_read = shown
        terminal.expect("3 jobs" + "".join(rf"(?=[^\r]*{name})" for name in names))
        terminal.sendintr()
        terminal.expect(pexpect.EOF)
        terminal.close()
    painted = [line for line in re.split(r"\r\x1b\[K", shown.getvalue()) if line.startswith("3 jobs")]
    assert any(all(name in line for name in names) for line in painted)
    assert all(len(line) < width and "\n" not in line for line in painted)
