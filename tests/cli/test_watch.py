"""`watch` as users run it: in a terminal or a script, on one host or several, until it is told to end."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from backend.model import BlockOperation
from backend.records.history import History
from tests.cli.command import HELD, QUICK, one_line, virt_jobs, virt_jobs_process
from tests.cli.conftest import VirtJobs
from tests.contract.harness import DISK, LONG_MIB, Harness
from tests.contract.steps import PATIENCE
from tests.eventually import eventually
from tests.simulator_hold import Hold, outage
from tui.cli.exits import Exit

HOSTILE = "we[ir]d [x] ünïcode \u202e[@click=app.quit]"

pytestmark = pytest.mark.process


async def next_line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        line = await process.stdout.readline()
    assert line, "it ended"
    return line.decode().removesuffix("\n")


async def next_object(process: asyncio.subprocess.Process) -> dict[str, Any]:
    object = json.loads(await next_line(process))
    assert isinstance(object, dict)
    return object


async def until(process: asyncio.subprocess.Process, domain: str, event: str) -> dict[str, Any]:
    """The next line of JSON that is about that: others use the same daemon."""
    while True:
        change = await next_object(process)
        if (change["domain"], change["event"]) == (domain, event):
            return change


async def test_a_foreign_dump_has_a_line_when_it_begins_and_one_when_it_ends(
    harness: Harness, virt_jobs: VirtJobs
) -> None:
    domain, path = await harness.running("db-01", LONG_MIB), harness.folder / "core"
    process = await virt_jobs.start("watch")
    async with harness.held(path) as release:
        await harness.foreign_dump(domain, path)
        begun = await line_about(process, "db-01")
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  db-01: dump (began|is running)", begun)
        await release()
        ended = await line_about(process, "db-01")
    took = r"(\d\.\d s|\d+:\d\d)"
    requested = r"(, requested by virsh dump \(pid \d+, \w+\) \(claimed\))?"
    words = rf"  db-01: dump completed \(evidence: file\) -> {re.escape(str(path))} \(.+\) in {took}{requested}"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d" + words, ended)
    process.send_signal(signal.SIGINT)
    end = await virt_jobs.ended(process)
    assert (end.code, end.err) == (Exit.DETACHED, "")


async def line_about(process: asyncio.subprocess.Process, domain: str) -> str:
    while f"  {domain}: " not in (line := await next_line(process)):
        pass
    return line


async def test_its_json_has_the_whole_story(harness: Harness, virt_jobs: VirtJobs) -> None:
    domain, path = await harness.running("db-01", LONG_MIB), harness.folder / "core"
    process = await virt_jobs.start("watch", "--json")
    async with harness.held(path) as release:
        await harness.foreign_dump(domain, path)
        begun = await until(process, "db-01", "began")
        await release()
        ended = await until(process, "db-01", "ended")
    assert (begun["uri"], begun["uuid"], begun["domain_id"]) == (harness.uri, domain.uuid, domain.id)
    assert (begun["operation"], begun["disk"], begun["verdict"], begun["ended"]) == ("dump", None, None, None)
    assert (ended["id"], ended["began"]) == (begun["id"], begun["began"])
    assert (ended["verdict"], ended["evidence"], ended["path"]) == ("completed", "file", str(path))
    assert ended["ended"] > ended["began"]
    assert (begun["replayed"], ended["replayed"], "running" in begun, "running" in ended) == (False, False, True, False)
    process.send_signal(signal.SIGTERM)
    assert (await virt_jobs.ended(process)).code == Exit.DETACHED
    assert [job.verdict for job in History().jobs() if job.domain == "db-01"] == ["completed"]


async def test_a_read_only_connection_sees_jobs_of_disks(harness: Harness, virt_jobs: VirtJobs) -> None:
    if reason := harness.lacks("block jobs"):
        pytest.skip(reason)
    domain = await harness.with_disk("db-01")
    process = await virt_jobs.start("-r", "watch", "--json")
    async with harness.block_job(domain, BlockOperation.PULL) as release:
        begun = await until(process, "db-01", "began")
        await release()
        ended = await until(process, "db-01", "ended")
    assert (begun["operation"], begun["disk"]) == ("block pull", DISK)
    assert (ended["verdict"], ended["evidence"]) == ("completed", "job event")


async def test_a_hostile_name_is_text(harness: Harness, virt_jobs: VirtJobs) -> None:
    if reason := harness.lacks("hostile names"):
        pytest.skip(reason)
    domain, path = await harness.running(HOSTILE, LONG_MIB), harness.folder / "core"
    process = await virt_jobs.start("watch")
    async with harness.held(path):
        await harness.foreign_dump(domain, path)
        line = await line_about(process, domain.name)
    assert line.isprintable()
    assert "\\u202e" in line


def lines_of(process: subprocess.Popen[str], number: int) -> list[str]:
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(number)]
    assert all(lines), f"it ended: {lines}"
    return [line.removesuffix("\n") for line in lines]


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The command, which is ended with the block, and where it has nothing to say for long."""
    with subprocess.Popen(
        [sys.executable, "-m", "tui", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        limit = threading.Timer(PATIENCE, process.kill)
        limit.start()
        try:
            yield process
        finally:
            limit.cancel()
            process.kill()


A, B = "sim:///a?domains=1&jobs=0&memory=64", "sim:///b?domains=1&jobs=0&memory=64"


def test_several_hosts_are_watched_at_once_and_each_line_names_its_own(tmp_path: Path) -> None:
    with Hold(A), Hold(B), started("-c", A, "-c", B, "watch") as process:
        for uri in (A, B):
            virt_jobs("-c", uri, "dump", "vm-01", f"{tmp_path}/{uri[7]}", "--detach")
        lines = lines_of(process, 2)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE)
    assert {line.split("  ")[1] for line in lines} == {"sim:///a", "sim:///b"}
    assert all(line.split("  ")[2].startswith("vm-01: dump ") for line in lines)
    assert (process.returncode, out, err) == (Exit.DETACHED, "", "")


def test_an_own_dump_is_told_with_who_requested_it(tmp_path: Path) -> None:
    with Hold(HELD) as hold, started("-c", HELD, "watch", "--json") as process:
        assert virt_jobs("-c", HELD, "dump", "vm-01", f"{tmp_path}/core", "--detach").returncode == 0
        [begun] = map(json.loads, lines_of(process, 1))
        hold.release()
        [ended] = map(json.loads, lines_of(process, 1))
    assert (begun["event"], ended["event"]) == ("began", "ended")
    assert (ended["verdict"], ended["evidence"]) == ("completed", "result")
    assert ended["requester"].endswith(f"@{os.uname().nodename}")


def test_a_reader_that_goes_away_ends_it_without_a_word_even_if_nothing_happens() -> None:
    with started("-c", QUICK, "watch") as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""
        assert process.wait(PATIENCE) == Exit.DETACHED


def test_a_reader_that_takes_one_line_gets_one(tmp_path: Path) -> None:
    with Hold(HELD):
        virt_jobs("-c", HELD, "dump", "vm-01", f"{tmp_path}/core", "--detach")
        ours = f"'{sys.executable}' -m tui -c '{HELD}' watch | head -n 1; exit ${{PIPESTATUS[0]}}"
        ended = subprocess.run(["bash", "-c", ours], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (ended.returncode, ended.stderr) == (Exit.DETACHED, "")
    assert ended.stdout.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
def test_a_reader_that_has_stopped_does_not_keep_it_from_ending(number: signal.Signals) -> None:
    uri = "sim:///stuck?domains=40&jobs=40"
    with started("-c", uri, "watch", "--json") as process:
        assert process.stdout is not None
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
        eventually(lambda: len(History().jobs()) >= 30, PATIENCE)  # Far more than the pipe holds.
        process.send_signal(number)
        assert process.wait(PATIENCE) == Exit.DETACHED


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    with Hold(HELD):
        virt_jobs("-c", HELD, "dump", "vm-01", f"{tmp_path}/core", "--detach")
        with open("/dev/full", "w") as full:
            ended = subprocess.run(
                [sys.executable, "-m", "tui", "-c", HELD, "watch"],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                timeout=PATIENCE,
            )
    assert (ended.returncode, ended.stderr) == (
        *(Exit.FAILED, "virt-jobs: cannot write the output: No space left on device\n"),
    )


def test_an_outage_is_told_once_and_a_job_that_outlives_it_has_one_begin(tmp_path: Path) -> None:
    uri = f"{HELD}&fail=disconnect"
    with Hold(HELD) as hold:
        virt_jobs("-c", HELD, "dump", "vm-01", f"{tmp_path}/core", "--detach")
        with started("-c", uri, "watch", "--json") as process:
            assert process.stderr is not None
            [begun] = lines_of(process, 1)
            with outage(HELD):
                lost = process.stderr.readline()
            back = process.stderr.readline()
            hold.release()
            [ended] = lines_of(process, 1)
            process.terminate()
            out, err = process.communicate(timeout=PATIENCE)
    assert "the simulated connection was lost; watching again once it is back\n" in lost
    assert back == "virt-jobs: sim:///held: connected again\n"
    assert (json.loads(begun)["event"], json.loads(ended)["event"]) == ("began", "ended")
    assert json.loads(begun)["id"] == json.loads(ended)["id"]
    assert (out, err) == ("", "")


@pytest.mark.parametrize("others", [[], ["-c", QUICK]], ids=["alone", "among others"])
def test_an_invalid_uri_is_a_mistake_on_the_command_line(others: list[str]) -> None:
    ended = virt_jobs_process(*others, "-c", "sim:///x?domains=none", "watch")
    assert (ended.returncode, ended.stdout, one_line(ended.stderr)) == (Exit.USAGE, "", True)


@pytest.mark.binding
def test_a_host_that_does_not_answer_keeps_no_other_from_being_watched(tmp_path: Path) -> None:
    dead = f"qemu+unix:///system?socket={tmp_path}/none"
    with Hold(A), started("-c", dead, "-c", A, "watch") as process:
        assert process.stderr is not None
        told = process.stderr.readline()
        virt_jobs("-c", A, "dump", "vm-01", f"{tmp_path}/core", "--detach")
        [line] = lines_of(process, 1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE)
    assert dead in told
    assert told.endswith("; trying again until it answers\n")
    assert "  sim:///a  vm-01: " in line
    assert (process.returncode, err) == (Exit.DETACHED, "")


def test_since_first_tells_what_is_remembered_then_what_happens(tmp_path: Path) -> None:
    assert virt_jobs("-c", HELD, "dump", "vm-01", f"{tmp_path}/first").returncode == 0
    with Hold(HELD) as hold:
        assert virt_jobs("-c", HELD, "dump", "vm-02", f"{tmp_path}/second", "--detach").returncode == 0
        with started("-c", HELD, "watch", "--since", "1h", "--json") as process:
            replayed = [json.loads(line) for line in lines_of(process, 3)]
            hold.release()
            [ended] = map(json.loads, lines_of(process, 1))
            process.terminate()
            out, err = process.communicate(timeout=PATIENCE)
    assert [(change["domain"], change["event"], change.get("running")) for change in replayed] == [
        ("vm-01", "began", False),
        ("vm-01", "ended", None),
        ("vm-02", "began", True),
    ]
    assert {change["replayed"] for change in replayed} == {True}
    assert (replayed[1]["verdict"], replayed[1]["evidence"]) == ("completed", "result")
    assert (ended["domain"], ended["event"], ended["replayed"], ended["verdict"]) == (
        "vm-02",
        "ended",
        False,
        "completed",
    )
    assert ended["id"] == replayed[2]["id"]
    assert (out, err) == ("", "")


def test_a_time_that_is_none_is_one_line() -> None:
    ended = virt_jobs("-c", QUICK, "watch", "--since", "yesterdayish")
    assert (ended.returncode, ended.stdout, one_line(ended.stderr)) == (Exit.USAGE, "", True)
