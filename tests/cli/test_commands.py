"""The whole path from the command line: list, dump, watch, attach, abort."""

from __future__ import annotations

import signal

import pytest

from backend.base import Backend
from backend.model import JobOperation
from backend.observing.wait import wait
from backend.outcome import Verdict
from backend.records.journal import Journal
from tests.cli.conftest import VirtJobs
from tests.contract.harness import LONG_MIB, Harness
from tests.contract.steps import job_seen

NAME = "we[ir]d [bold] ünïcode"


def one_line(text: str) -> bool:
    return text.startswith("virt-jobs: ") and text.count("\n") == 1 and "Traceback" not in text


async def test_list_shows_every_domain_and_the_job_that_another_program_started(
    harness: Harness, virt_jobs: VirtJobs, backend: Backend
) -> None:
    busy = await harness.running(NAME)
    await harness.running("idle")
    async with harness.held(harness.folder / "dump"):
        await harness.foreign_dump(busy, harness.folder / "dump")
        await job_seen(backend, busy)
        ended = await virt_jobs("list")
    assert ended.code == 0
    [line] = [line for line in ended.out.splitlines() if NAME in line]
    assert "dump" in line
    assert "MiB" in line
    assert any("idle" in line for line in ended.out.splitlines())


async def test_list_as_json_has_one_object_a_domain(harness: Harness, virt_jobs: VirtJobs, backend: Backend) -> None:
    busy = await harness.running(NAME)
    async with harness.held(harness.folder / "dump"):
        await harness.foreign_dump(busy, harness.folder / "dump")
        await job_seen(backend, busy)
        ended = await virt_jobs("list", "--json")
    [domain] = [domain for domain in ended.objects if domain["name"] == NAME]
    assert (domain["uri"], domain["uuid"], domain["id"], domain["state"]) == (harness.uri, busy.uuid, busy.id, "paused")
    assert domain["job"]["operation"] == "dump"
    assert domain["job"]["memory_processed"] + domain["job"]["memory_remaining"] == domain["job"]["memory_total"]


async def test_info_has_virshs_labels(harness: Harness, virt_jobs: VirtJobs, backend: Backend) -> None:
    busy = await harness.running(NAME)
    async with harness.held(harness.folder / "dump"):
        await harness.foreign_dump(busy, harness.folder / "dump")
        await job_seen(backend, busy)
        ended = await virt_jobs("info", NAME)
    assert ended.out.startswith("Job type:         Unbounded   \nOperation:        Dump        \nTime elapsed:     ")


@pytest.mark.parametrize("format", ["elf", "kdump-zlib", "raw"])
async def test_dump_follows_to_the_end(harness: Harness, virt_jobs: VirtJobs, format: str) -> None:
    await harness.running(NAME)
    path = harness.folder / "dump"
    ended = await virt_jobs("dump", NAME, str(path), "--format", format, "--json")
    assert ended.code == 0, ended
    outcome = ended.objects[-1]
    assert (outcome["event"], outcome["verdict"], outcome["evidence"]) == ("outcome", "completed", "result")
    assert (outcome["path"], outcome["format"]) == (str(path), format)
    assert harness.is_dump(path, format)


async def test_progress_advances_while_it_is_followed(harness: Harness, virt_jobs: VirtJobs) -> None:
    await harness.running(NAME, LONG_MIB)
    async with harness.held(harness.folder / "dump") as release:
        process = await virt_jobs.start("dump", NAME, str(harness.folder / "dump"), "--json")
        await virt_jobs.attached(process)
        await release()
        ended = await virt_jobs.ended(process)
    processed = [line["memory_processed"] for line in ended.objects if line["event"] == "progress"]
    assert len(processed) > 1
    assert processed == sorted(processed)
    assert processed[0] < processed[-1]


@pytest.mark.parametrize(
    "attach", [["wait", NAME], ["dump", NAME, "--wait"], ["wait", NAME, "--operation", "any"]], ids=" ".join
)
async def test_another_process_follows_the_same_dump(
    harness: Harness, virt_jobs: VirtJobs, backend: Backend, attach: list[str]
) -> None:
    domain = await harness.running(NAME)
    async with harness.held(harness.folder / "dump") as release:
        first = await virt_jobs.start("dump", NAME, str(harness.folder / "dump"))
        await job_seen(backend, domain)
        following = await virt_jobs.start(*attach, "--json")
        await virt_jobs.attached(following)
        await release()
        second = await virt_jobs.ended(following)
        ended = await virt_jobs.ended(first)
    outcome = second.objects[-1]
    assert (second.code, outcome["verdict"], outcome["evidence"]) == (0, "completed", "result"), second
    assert (ended.code, "completed (evidence: result)" in ended.out) == (0, True), ended


async def test_a_read_only_waiter_learns_the_result(harness: Harness, virt_jobs: VirtJobs, backend: Backend) -> None:
    await harness.running(NAME)
    async with harness.held(harness.folder / "dump") as release:
        assert (await virt_jobs("dump", NAME, str(harness.folder / "dump"), "--detach")).code == 0
        process = await virt_jobs.start("-r", "wait", NAME, "--json")
        await virt_jobs.attached(process)
        await release()
        ended = await virt_jobs.ended(process)
    assert (ended.code, ended.objects[-1]["evidence"]) == (0, "result")


async def test_killing_the_first_process_changes_nothing(
    harness: Harness, virt_jobs: VirtJobs, backend: Backend
) -> None:
    domain = await harness.running(NAME)
    async with harness.held(harness.folder / "dump") as release:
        first = await virt_jobs.start("dump", NAME, str(harness.folder / "dump"))
        await job_seen(backend, domain)
        first.kill()
        second = await virt_jobs.start("wait", NAME, "--json")
        await virt_jobs.attached(second)
        await release()
        assert (await virt_jobs.ended(second)).code == 0
    [record] = (await virt_jobs("history", NAME, "--json")).objects
    assert (record["state"], record["path"]) == ("completed", str(harness.folder / "dump"))


async def test_ctrl_c_detaches_and_says_how_to_attach_again(
    harness: Harness, virt_jobs: VirtJobs, backend: Backend
) -> None:
    await harness.running(NAME)
    async with harness.held(harness.folder / "dump") as release:
        process = await virt_jobs.start("dump", NAME, str(harness.folder / "dump"), "--json")
        await virt_jobs.attached(process)
        process.send_signal(signal.SIGINT)
        ended = await virt_jobs.ended(process)
        assert ended.code == 130
        assert one_line(ended.err)
        assert "virt-jobs -c" in ended.err
        process = await virt_jobs.start("wait", NAME, "--json")
        await virt_jobs.attached(process)
        await release()
        assert (await virt_jobs.ended(process)).code == 0


async def test_the_wrong_operation_exits_4_and_names_both(
    harness: Harness, virt_jobs: VirtJobs, backend: Backend
) -> None:
    domain = await harness.running(NAME)
    async with harness.held(harness.folder / "dump"):
        await harness.foreign_dump(domain, harness.folder / "dump")
        await job_seen(backend, domain)
        ended = await virt_jobs("wait", NAME, "--operation", "save")
    assert ended.code == 4
    assert ended.err == "virt-jobs: job mismatch: want save, have dump\n"


async def test_a_wait_that_takes_too_long_exits_124_and_the_job_goes_on(
    harness: Harness, virt_jobs: VirtJobs, backend: Backend
) -> None:
    domain = await harness.running(NAME)
    async with harness.held(harness.folder / "dump"):
        await virt_jobs("dump", NAME, str(harness.folder / "dump"), "--detach")
        ended = await virt_jobs("wait", NAME, "--timeout", "0.2")
        assert ended.code == 124
        assert one_line(ended.err)
        job = await backend.job(domain)
        assert job is not None
        assert job.operation is JobOperation.DUMP
    [record] = Journal().history(uuid=domain.uuid)
    assert (await wait(backend, domain, record=record)).verdict is Verdict.COMPLETED


async def test_nothing_to_wait_for_exits_3_and_tells_how_the_last_one_ended(
    harness: Harness, virt_jobs: VirtJobs
) -> None:
    await harness.running(NAME)
    ended = await virt_jobs("wait", NAME)
    assert (ended.code, one_line(ended.err)) == (3, True)
    await virt_jobs("dump", NAME, str(harness.folder / "dump"))
    ended = await virt_jobs("wait", NAME)
    assert ended.code == 3
    assert "the last known dump completed at" in ended.err


async def test_last_gives_the_verdict_of_the_last_recorded_dump(harness: Harness, virt_jobs: VirtJobs) -> None:
    await harness.running(NAME)
    await virt_jobs("dump", NAME, str(harness.folder / "dump"))
    ended = await virt_jobs("wait", NAME, "--last", "--json")
    assert (ended.code, ended.objects[-1]["verdict"]) == (0, "completed")


async def test_a_domain_that_does_not_run_exits_3(harness: Harness, virt_jobs: VirtJobs) -> None:
    await harness.shut_off(NAME)
    ended = await virt_jobs("wait", NAME)
    assert (ended.code, one_line(ended.err)) == (3, True)


@pytest.mark.parametrize(
    "arguments",
    [["wait", "nobody"], ["info", "nobody"], ["abort", "nobody"], ["resume", "nobody"], ["dump", "nobody", "/tmp/x"]],
    ids=" ".join,
)
async def test_an_unknown_domain_exits_7(harness: Harness, virt_jobs: VirtJobs, arguments: list[str]) -> None:
    ended = await virt_jobs(*arguments)
    assert (ended.code, one_line(ended.err)) == (7, True)
    assert "nobody" in ended.err


async def test_a_full_disk_exits_1_with_the_hypervisors_reason(harness: Harness, virt_jobs: VirtJobs) -> None:
    uri, path = await harness.full_disk()
    await harness.running(NAME)
    full = VirtJobs(uri)
    ended = await full("dump", NAME, str(path))
    assert (ended.code, one_line(ended.err)) == (1, True), ended
    assert "No space left on device" in ended.err


async def test_an_existing_file_is_refused_before_anything_is_paused(
    harness: Harness, virt_jobs: VirtJobs, backend: Backend
) -> None:
    domain = await harness.running(NAME)
    path = harness.folder / "dump"
    path.write_text("precious")
    ended = await virt_jobs("dump", NAME, str(path))
    assert (ended.code, one_line(ended.err)) == (2, True)
    assert "--overwrite" in ended.err
    assert path.read_text() == "precious"
    assert (await virt_jobs("history", NAME, "--json")).out == ""
    assert (await backend.find(NAME)).key == domain


async def test_overwrite_replaces_an_existing_file(harness: Harness, virt_jobs: VirtJobs) -> None:
    await harness.running(NAME)
    path = harness.folder / "dump"
    path.write_text("old")
    assert (await virt_jobs("dump", NAME, str(path), "--overwrite")).code == 0
    assert harness.is_dump(path, "elf")


async def test_abort_ends_a_raw_dump_as_cancelled(harness: Harness, virt_jobs: VirtJobs, backend: Backend) -> None:
    domain = await harness.running(NAME, filled=True)
    async with harness.held(harness.folder / "dump") as release:
        process = await virt_jobs.start("dump", NAME, str(harness.folder / "dump"), "--format", "raw")
        await job_seen(backend, domain)
        assert (await virt_jobs("abort", NAME)).code == 0
        await release()
        ended = await virt_jobs.ended(process)
    assert (ended.code, one_line(ended.err)) == (5, True), ended


async def test_a_memory_only_dump_cannot_be_aborted(harness: Harness, virt_jobs: VirtJobs, backend: Backend) -> None:
    domain = await harness.running(NAME)
    async with harness.held(harness.folder / "dump") as release:
        await virt_jobs("dump", NAME, str(harness.folder / "dump"), "--detach")
        await job_seen(backend, domain)
        ended = await virt_jobs("abort", NAME)
        assert (ended.code, one_line(ended.err)) == (1, True)
        assert "cannot abort memory-only dump" in ended.err
        process = await virt_jobs.start("wait", NAME, "--json")
        await virt_jobs.attached(process)
        await release()
        assert (await virt_jobs.ended(process)).code == 0


async def test_abort_without_a_job_exits_3(harness: Harness, virt_jobs: VirtJobs) -> None:
    await harness.running(NAME)
    ended = await virt_jobs("abort", NAME)
    assert (ended.code, one_line(ended.err)) == (3, True)


async def test_resume_lets_a_paused_domain_run(harness: Harness, virt_jobs: VirtJobs, backend: Backend) -> None:
    await harness.running(NAME, paused=True)
    assert (await virt_jobs("resume", NAME)).code == 0
    assert (await backend.find(NAME)).state.label == "running"


@pytest.mark.parametrize("arguments", [["abort", NAME], ["resume", NAME], ["dump", NAME, "/tmp/never"]], ids=" ".join)
async def test_a_read_only_connection_may_not(harness: Harness, virt_jobs: VirtJobs, arguments: list[str]) -> None:
    await harness.running(NAME)
    ended = await virt_jobs("-r", *arguments)
    assert (ended.code, one_line(ended.err)) == (7, True)


async def test_inspect_tells_that_a_dump_is_whole(harness: Harness, virt_jobs: VirtJobs) -> None:
    await harness.running(NAME)
    path = harness.folder / "dump"
    await virt_jobs("dump", NAME, str(path))
    ended = await virt_jobs("inspect", str(path), "--json")
    assert (ended.code, ended.objects[0]["whole"]) == (0, True)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 1)
    assert (await virt_jobs("inspect", str(path))).code == 1
