"""`wait --any` and `--next`, and without names: the first job that ends, the next that begins, all that run."""

from __future__ import annotations

import asyncio
import json
import shlex
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from backend.base import Backend
from backend.model import BlockOperation, DomainKey
from tests.cli.command import one_line
from tests.cli.conftest import Ended, VirtJobs
from tests.contract.harness import Harness, Release
from tests.contract.steps import PATIENCE, job_gone, job_seen
from tui.cli.exits import Exit


@asynccontextmanager
async def dumped(harness: Harness, backend: Backend, name: str) -> AsyncIterator[tuple[Path, Release]]:
    """A domain with a held dump of somebody else's."""
    path = harness.folder / name
    async with harness.held(path) as release:
        domain = await harness.running(name)
        await harness.foreign_dump(domain, path)
        await job_seen(backend, domain)
        yield path, release


@asynccontextmanager
async def two_dumps(harness: Harness, backend: Backend) -> AsyncIterator[list[tuple[Path, Release]]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(dumped(harness, backend, name)) for name in ("one", "two")]


def outcomes(ended: Ended) -> list[tuple[str, str]]:
    return [(line["domain"], line["verdict"]) for line in ended.objects if line["event"] == "outcome"]


async def waiting(process: asyncio.subprocess.Process) -> None:
    """Return once the command notices every job that begins."""
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        line = json.loads(await process.stdout.readline())
    assert line["event"] == "waiting"


@pytest.mark.parametrize("named", [True, False], ids=["named", "without names"])
async def test_any_returns_with_the_first_that_ends(
    harness: Harness, virt_jobs: VirtJobs, backend: Backend, named: bool
) -> None:
    async with two_dumps(harness, backend) as dumps:
        names = ["one", "two", "--operation", "dump"] if named else ["--operation", "dump"]
        process = await virt_jobs.start("wait", *names, "--any", "--json")
        await virt_jobs.attached(process, *(path for path, _ in dumps), jobs=2)
        _, release_second = dumps[1]
        await release_second()
        ended = await virt_jobs.ended(process)
        assert (ended.code, outcomes(ended)) == (0, [("two", "completed")]), ended
        assert await backend.job((await backend.find("one")).key) is not None


async def test_any_goes_on_after_an_error_with_one_of_them(
    harness: Harness, virt_jobs: VirtJobs, backend: Backend
) -> None:
    await harness.running("idle")
    async with dumped(harness, backend, "one") as (path, release):
        process = await virt_jobs.start("wait", "idle", "one", "--any", "--json")
        await virt_jobs.attached(process, path)
        await release()
        ended = await virt_jobs.ended(process)
    assert (ended.code, outcomes(ended)) == (0, [("one", "completed")])
    assert one_line(ended.err)


async def test_without_names_all_running_jobs_are_waited_for(
    harness: Harness, virt_jobs: VirtJobs, backend: Backend
) -> None:
    async with two_dumps(harness, backend) as dumps:
        process = await virt_jobs.start("wait", "--operation", "dump", "--json")
        await virt_jobs.attached(process, *(path for path, _ in dumps), jobs=2)
        for _, release in dumps:
            await release()
        ended = await virt_jobs.ended(process)
    assert ended.code == 0, ended
    assert {("one", "completed"), ("two", "completed")} <= set(outcomes(ended))


async def test_next_is_the_job_that_begins_and_not_one_that_runs(
    harness: Harness, virt_jobs: VirtJobs, backend: Backend
) -> None:
    async with dumped(harness, backend, "one"):
        new = await harness.running("new")
        process = await virt_jobs.start("wait", "--next", "--operation", "dump", "--json")
        await waiting(process)
        path = harness.folder / "new"
        async with harness.held(path):
            await harness.foreign_dump(new, path)
            await job_seen(backend, new)
        ended = await virt_jobs.ended(process)
    assert [name for name, _ in outcomes(ended)] == ["new"], ended
    assert ended.code == Exit[outcomes(ended)[0][1].upper()]


async def test_next_of_a_named_domain_is_no_other_domain_s(
    harness: Harness, virt_jobs: VirtJobs, backend: Backend
) -> None:
    await harness.running("mine")
    other = await harness.running("other")
    process = await virt_jobs.start("wait", "mine", "--next", "--json")
    await waiting(process)
    await harness.foreign_dump(other, harness.folder / "other")
    await job_gone(backend, other)
    ended = await virt_jobs("dump", "mine", str(harness.folder / "mine"))
    assert ended.code == 0
    ended = await virt_jobs.ended(process)
    assert (ended.code, outcomes(ended)) == (0, [("mine", "completed")]), ended


async def test_next_and_all_is_the_next_job_of_each(harness: Harness, virt_jobs: VirtJobs) -> None:
    for name in ("one", "two"):
        await harness.running(name)
    process = await virt_jobs.start("wait", "one", "two", "--next", "--all", "--json")
    await waiting(process)
    for name in ("two", "one"):
        assert (await virt_jobs("dump", name, str(harness.folder / name))).code == 0
    ended = await virt_jobs.ended(process)
    assert ended.code == 0, ended
    assert sorted(outcomes(ended)) == [("one", "completed"), ("two", "completed")]


async def test_next_finds_the_job_of_a_domain_that_was_not_there(harness: Harness, virt_jobs: VirtJobs) -> None:
    process = await virt_jobs.start("wait", "--next", "--operation", "dump", "--json")
    await waiting(process)
    await harness.running("late")
    await virt_jobs("dump", "late", str(harness.folder / "late"))
    ended = await virt_jobs.ended(process)
    assert (ended.code, outcomes(ended)) == (0, [("late", "completed")]), ended


async def test_ctrl_c_while_nothing_has_begun_names_the_same_wait(harness: Harness, virt_jobs: VirtJobs) -> None:
    process = await virt_jobs.start("wait", "--next", "--operation", "save", "--json")
    await waiting(process)
    process.send_signal(signal.SIGINT)
    ended = await virt_jobs.ended(process)
    assert (ended.code, one_line(ended.err)) == (130, True)
    assert "no job is affected" in ended.err
    assert ended.err.endswith(f" -c {shlex.quote(harness.uri)} wait --operation save --next\n")


@pytest.fixture
async def copied(harness: Harness, virt_jobs: VirtJobs) -> DomainKey:
    """A domain whose disk's copy this user saw being aborted."""
    if reason := harness.lacks("block jobs"):
        pytest.skip(reason)
    domain = await harness.with_disk("db-01")
    async with harness.block_job(domain, BlockOperation.PULL):
        process = await virt_jobs.start("wait", "db-01", "--disk", "vda", "--json")
        assert process.stdout is not None
        assert json.loads(await process.stdout.readline())["event"] == "progress"
        assert (await virt_jobs("abort", "db-01", "--disk", "vda")).code == 0
        assert (await virt_jobs.ended(process)).code == Exit.CANCELLED
    return domain


@pytest.mark.usefixtures("copied")
@pytest.mark.parametrize(
    "how", [["--disk", "vda"], ["--operation", "any"], ["--operation", "block-pull"]], ids=" ".join
)
async def test_last_tells_of_the_job_of_a_disk(harness: Harness, virt_jobs: VirtJobs, how: list[str]) -> None:
    ended = await virt_jobs("wait", "db-01", "--last", *how, "--json")
    [outcome] = ended.objects
    assert (ended.code, outcome["verdict"], outcome["disk"]) == (Exit.CANCELLED, "cancelled", "vda"), ended
    assert outcome["ended"] > 0
    assert (await virt_jobs("wait", "db-01", "--last")).code == Exit.NO_JOB, "no dump was seen"


async def test_last_tells_of_a_domain_that_is_off(harness: Harness, virt_jobs: VirtJobs, backend: Backend) -> None:
    domain = await harness.running("vm")
    await virt_jobs("dump", "vm", str(harness.folder / "dump"))
    await harness.destroy(domain)
    ended = await virt_jobs("wait", "vm", "--last")
    assert (ended.code, "(ended 2" in ended.out) == (0, True), ended
