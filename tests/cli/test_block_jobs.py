"""The jobs of disks on the command line: listed, shown, waited for, aborted and pivoted."""

from __future__ import annotations

import asyncio
import shlex
import signal

import pytest

from backend.base import Backend
from backend.model import BlockOperation, DiskKey
from tests.cli.command import one_line
from tests.cli.conftest import VirtJobs
from tests.contract.harness import DISK, DISK_MIB, Harness
from tests.contract.steps import PATIENCE, eventually

COPY, PULL = BlockOperation.COPY, BlockOperation.PULL
KINDS = [COPY, PULL, BlockOperation.COMMIT, BlockOperation.ACTIVE_COMMIT]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name.lower())


@pytest.fixture
async def disk(harness: Harness) -> DiskKey:
    if reason := harness.lacks("block jobs"):
        pytest.skip(reason)
    return DiskKey(await harness.with_disk("db-01"), DISK)


async def became_ready(backend: Backend, disk: DiskKey) -> None:
    async def probe() -> bool:
        stats = await backend.job(disk)
        return stats is not None and stats.ready is True

    await eventually(probe)


async def first_line(process: asyncio.subprocess.Process) -> str:
    """What a command that prints JSON prints as soon as it has found the job."""
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        return (await process.stdout.readline()).decode()


@every_kind
async def test_list_has_a_line_for_it(
    harness: Harness, virt_jobs: VirtJobs, disk: DiskKey, kind: BlockOperation
) -> None:
    async with harness.block_job(disk.domain, kind):
        listed = await virt_jobs("list")
        objects = (await virt_jobs("list", "--json")).objects
    [line] = [line for line in listed.out.splitlines() if "db-01" in line]
    assert f" {kind.label} vda " in line
    [domain] = [domain for domain in objects if domain["name"] == "db-01"]
    [job] = domain["block_jobs"]
    assert domain["job"] is None
    assert (job["operation"], job["disk"], job["phase"]) == (kind.label, "vda", "running")
    assert job.get("ready") == (False if kind.becomes_ready else None)
    assert 0 < job["disk_processed"] < job["disk_total"]


async def test_an_idle_domain_has_a_line_and_no_block_jobs(virt_jobs: VirtJobs, disk: DiskKey) -> None:
    listed = await virt_jobs("list")
    assert [line.split()[1:] for line in listed.out.splitlines() if "db-01" in line] == [["db-01", "running"]]
    objects = (await virt_jobs("list", "--json")).objects
    assert [domain["block_jobs"] for domain in objects if domain["name"] == "db-01"] == [[]]


async def test_ready_is_listed_and_shown(
    harness: Harness, virt_jobs: VirtJobs, backend: Backend, disk: DiskKey
) -> None:
    async with harness.block_job(disk.domain, COPY) as release:
        await release()
        await became_ready(backend, disk)
        listed = await virt_jobs("list")
        shown = await virt_jobs("info", "db-01", "--disk", "vda")
        [object] = (await virt_jobs("info", "db-01", "--disk", "vda", "--json")).objects
    assert "block copy vda (ready)   100 %" in listed.out
    assert shown.out.splitlines()[:4] == [
        *("Job type:         Unbounded   ", "Operation:        Block copy  "),
        *("Disk:             vda", "Ready:            yes"),
    ]
    assert (object["job"]["ready"], object["job"]["phase"]) == (True, "ready")


async def test_info_of_the_domain_is_still_that_of_virsh_domjobinfo(
    harness: Harness, virt_jobs: VirtJobs, disk: DiskKey
) -> None:
    async with harness.block_job(disk.domain, COPY):
        shown = await virt_jobs("info", "db-01")
        [object] = (await virt_jobs("info", "db-01", "--json")).objects
        raw = await virt_jobs("info", "db-01", "--disk", "vda", "--rawstats")
    assert shown.out == "Job type:         None        \n\n"
    assert "on its disks (block copy of vda): choose one of them, as in: " in shown.err
    assert shown.err.endswith(" --disk vda\n")
    assert (object["job"], object["block_jobs"][0]["disk"]) == (None, "vda")
    assert f"\ndisk_total: {DISK_MIB << 20}\n" in raw.out
    assert raw.out.startswith("Job type: 2\n\noperation: 2\n")


async def test_info_follows_it_to_its_end(harness: Harness, virt_jobs: VirtJobs, disk: DiskKey) -> None:
    async with harness.block_job(disk.domain, PULL) as release:
        process = await virt_jobs.start("info", "db-01", "--disk", "vda", "--follow", "--json")
        assert '"disk": "vda"' in await first_line(process)
        await release()
        ended = await virt_jobs.ended(process)
    assert (ended.code, ended.objects[-1]["job"]) == (0, None)


@pytest.mark.parametrize(
    "options", [["--disk", "vda"], ["--operation", "block-pull"], ["--operation", "any"]], ids=" ".join
)
async def test_wait_tells_how_it_ended(
    harness: Harness, virt_jobs: VirtJobs, disk: DiskKey, options: list[str]
) -> None:
    async with harness.block_job(disk.domain, PULL) as release:
        process = await virt_jobs.start("wait", "db-01", *options, "--json")
        assert '"event": "progress"' in await first_line(process)
        await release()
        ended = await virt_jobs.ended(process)
    outcome = ended.objects[-1]
    assert (ended.code, outcome["event"], outcome["verdict"]) == (0, "outcome", "completed"), ended
    assert (outcome["operation"], outcome["disk"]) == ("block pull", "vda")


async def test_progress_has_the_fields_of_its_kind(harness: Harness, virt_jobs: VirtJobs, disk: DiskKey) -> None:
    async with harness.block_job(disk.domain, COPY) as release:
        process = await virt_jobs.start("wait", "db-01", "--ready", "--json")
        await virt_jobs.attached(process)
        await release()
        ended = await virt_jobs.ended(process)
    progress = next(line for line in ended.objects if line["event"] == "progress")
    assert progress["disk_processed"] + progress["disk_remaining"] == progress["disk_total"]
    assert (progress["disk"], progress["ready"], progress["phase"]) == ("vda", False, "running")
    assert progress["memory_total"] == progress["memory_processed"] == progress["memory_remaining"] == 0
    assert ended.objects[-1] == {
        "v": 1,
        "event": "ready",
        "uri": harness.uri,
        "domain": "db-01",
        "operation": "block copy",
        "disk": "vda",
    }


async def test_wait_ready_returns_at_once_if_it_is_ready_already(
    harness: Harness, virt_jobs: VirtJobs, backend: Backend, disk: DiskKey
) -> None:
    async with harness.block_job(disk.domain, COPY) as release:
        await release()
        await became_ready(backend, disk)
        ended = await virt_jobs("-r", "wait", "db-01", "--ready", "--disk", "vda")
        assert (ended.code, ended.out, ended.err) == (0, "db-01: block copy of vda is ready\n", "")
        assert await backend.job(disk) is not None


async def test_wait_ready_tells_of_an_end_before_that(harness: Harness, virt_jobs: VirtJobs, disk: DiskKey) -> None:
    async with harness.block_job(disk.domain, COPY):
        process = await virt_jobs.start("wait", "db-01", "--ready", "--json")
        await first_line(process)
        assert (await virt_jobs("abort", "db-01", "--disk", "vda")).out == (
            "db-01: abort requested (block copy of vda)\n"
        )
        ended = await virt_jobs.ended(process)
    assert (ended.code, ended.objects[-1]["verdict"]) == (5, "cancelled"), ended


async def test_what_never_becomes_ready_is_a_mismatch(harness: Harness, virt_jobs: VirtJobs, disk: DiskKey) -> None:
    async with harness.block_job(disk.domain, PULL):
        for command in (["wait", "--ready", "db-01"], ["abort", "--pivot", "db-01"]):
            ended = await virt_jobs(*command)
            assert (ended.code, ended.err) == (4, "virt-jobs: job mismatch: want block copy, have block pull\n")


@pytest.mark.parametrize("options", [["--pivot"], ["--pivot", "--disk", "vda"]], ids=" ".join)
async def test_pivot_ends_it_on_the_copy(
    harness: Harness, virt_jobs: VirtJobs, backend: Backend, disk: DiskKey, options: list[str]
) -> None:
    before = await backend.disk_source(disk)
    async with harness.block_job(disk.domain, COPY) as release:
        await release()
        await became_ready(backend, disk)
        waiting = await virt_jobs.start("wait", "db-01", "--operation", "any", "--json")
        await first_line(waiting)
        assert (await virt_jobs("abort", "db-01", *options)).out == "db-01: pivot requested (block copy of vda)\n"
        assert (await virt_jobs.ended(waiting)).code == 0
    assert await backend.disk_source(disk) != before


async def test_a_pivot_before_it_is_ready_is_refused_in_one_line(
    harness: Harness, virt_jobs: VirtJobs, backend: Backend, disk: DiskKey
) -> None:
    async with harness.block_job(disk.domain, COPY):
        ended = await virt_jobs("abort", "db-01", "--pivot")
        assert (ended.code, one_line(ended.err)) == (1, True), ended
        assert await backend.job(disk) is not None


async def test_abort_without_a_disk_says_which_ones_to_name(
    harness: Harness, virt_jobs: VirtJobs, backend: Backend, disk: DiskKey
) -> None:
    async with harness.block_job(disk.domain, COPY):
        for command in (["abort", "db-01"], ["wait", "db-01"]):
            ended = await virt_jobs(*command)
            assert ended.code == 3
            assert ended.err == (
                "virt-jobs: db-01 has no job of its own, but on its disks (block copy of vda): "
                f"choose one of them, as in: {shlex.join(['virt-jobs', '-c', virt_jobs.uri, *command])} --disk vda\n"
            )
        assert await backend.job(disk) is not None


@pytest.mark.parametrize(
    "command",
    [
        ["abort", "db-01", "--disk", "vdz"],
        ["abort", "db-01", "--pivot"],
        ["abort", "db-01", "--pivot", "--disk", "vda"],
        ["wait", "db-01", "--disk", "vda"],
        ["wait", "db-01", "--ready"],
        ["wait", "db-01", "--operation", "block-copy"],
        ["abort", "db-01", "--postcopy"],
    ],
    ids=" ".join,
)
async def test_without_such_a_job_a_command_exits_3(virt_jobs: VirtJobs, disk: DiskKey, command: list[str]) -> None:
    ended = await virt_jobs(*command)
    assert (ended.code, one_line(ended.err)) == (3, True), ended


async def test_a_read_only_connection_may_neither_abort_nor_pivot(
    harness: Harness, virt_jobs: VirtJobs, disk: DiskKey
) -> None:
    async with harness.block_job(disk.domain, COPY):
        for options in (["--disk", "vda"], ["--pivot"]):
            ended = await virt_jobs("-r", "abort", "db-01", *options)
            assert (ended.code, one_line(ended.err)) == (7, True), ended


async def test_ctrl_c_names_the_same_job_to_attach_to_again(
    harness: Harness, virt_jobs: VirtJobs, disk: DiskKey
) -> None:
    async with harness.block_job(disk.domain, COPY):
        process = await virt_jobs.start("wait", "db-01", "--disk", "vda", "--ready", "--json")
        await first_line(process)
        process.send_signal(signal.SIGINT)
        ended = await virt_jobs.ended(process)
    assert (ended.code, one_line(ended.err)) == (130, True)
    assert ended.err.endswith(" wait db-01 --operation any --disk vda --ready\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["wait", "x", "--disk", "vda", "--operation", "dump"],
        ["wait", "x", "--ready", "--operation", "block-pull"],
        ["wait", "x", "--ready", "--operation", "save"],
        ["wait", "x", "--ready", "--last"],
        ["abort", "x", "--postcopy", "--pivot"],
        ["abort", "x", "--postcopy", "--disk", "vda"],
        ["info", "x", "--keep-completed"],
        ["info", "x", "--disk", "vda", "--completed"],
        ["info", "x", "--rawstats", "--json"],
    ],
    ids=" ".join,
)
async def test_what_cannot_be_combined_is_refused(arguments: list[str]) -> None:
    ended = await VirtJobs("sim:///never")(*arguments)
    assert (ended.code, one_line(ended.err)) == (2, True), ended
