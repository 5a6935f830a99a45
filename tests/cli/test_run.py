"""`run`: the result of any command, whatever becomes of the command, its domain, its output and who started it."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pexpect
import pytest

from backend.records.command import CommandRecord
from backend.records.commands import Commands
from backend.running import command as command_start
from backend.running.output import LIMIT
from tests.cli.command import QUICK, one_line, virt_jobs
from tests.contract.steps import PATIENCE
from tests.eventually import eventually
from tests.hypervisor.disk import small_disk
from tui.cli.exits import Exit

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("here")]

PYTHON = [sys.executable, "-m", "tui", "-c", QUICK]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return virt_jobs("-c", QUICK, "run", "vm-01", *arguments)


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def over() -> bool:
    return all(record.over and not record.following for record in Commands().history())


@pytest.fixture
def gate(here: Path) -> Path:
    """A FIFO that holds whoever reads it, until somebody writes to it."""
    os.mkfifo(here / "gate")
    return here / "gate"


@pytest.mark.parametrize(
    ("script", "code", "line"),
    [
        ("echo done", Exit.COMPLETED, "vm-01: sh completed (evidence: exit status 0) in "),
        ("echo done; exit 42", Exit.FAILED, "vm-01: sh failed (evidence: exit status 42) in "),
        ("echo done; kill -KILL $$", Exit.FAILED, "vm-01: sh failed (evidence: killed by SIGKILL) in "),
    ],
)
def test_its_result_is_the_exit_status_and_stdout_is_the_commands(script: str, code: Exit, line: str) -> None:
    ended = run("--", "sh", "-c", script)
    assert (ended.returncode, ended.stdout) == (code, "done\n")
    assert ended.stderr.startswith(f"virt-jobs: {line}")
    assert one_line(ended.stderr)
    again = run("--last")
    assert (again.returncode, again.stdout, again.stderr) == (code, "done\n", ended.stderr)


def test_a_command_that_is_not_there_is_one_line_and_a_shells_exit_code(here: Path) -> None:
    ended = run("--", "no-such-command")
    assert (ended.returncode, ended.stderr) == (127, "virt-jobs: command not found: no-such-command\n")
    (here / "text").write_text("")
    ended = run("--", "./text")
    assert (ended.returncode, ended.stderr) == (126, "virt-jobs: cannot run ./text: Permission denied\n")
    assert Commands().history() == []


@pytest.mark.parametrize(
    "arguments",
    [[], ["--"], ["--wait", "--", "true"], ["--last", "--detach"], ["true", "--no-such-option"]],
    ids=" ".join,
)
def test_a_command_line_that_means_nothing_is_one_line(arguments: list[str]) -> None:
    ended = run(*arguments)
    assert ended.returncode == Exit.USAGE
    assert one_line(ended.stderr)


def test_without_a_command_there_is_nothing_to_attach_to() -> None:
    for option in ("--wait", "--last"):
        ended = run(option)
        assert (ended.returncode, one_line(ended.stderr)) == (Exit.NO_JOB, True)
    assert virt_jobs("-c", QUICK, "abort", "vm-01", "--run").returncode == Exit.NO_JOB
    run("--", "false")
    ended = run("--wait")
    assert ended.returncode == Exit.NO_JOB
    assert (
        "no command is running for vm-01; the last one: vm-01: false failed (evidence: exit status 1)" in ended.stderr
    )


def test_one_that_hangs_is_detached_from_attached_to_and_stopped(gate: Path) -> None:
    started = run("--detach", "--", "sh", "-c", f"echo before; cat {gate}")
    assert (started.returncode, started.stderr) == (0, "")
    attach = started.stdout.rpartition("attach with: ")[2].strip()
    assert shlex.split(attach) == ["virt-jobs", "-c", QUICK, "run", "vm-01", "--wait"]
    process = subprocess.Popen([*PYTHON, "run", "vm-01", "--wait", "--json"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["text"] == "before\n"
    stopped = virt_jobs("-c", QUICK, "abort", "vm-01", "--run")
    assert stopped.returncode == 0
    assert stopped.stdout.startswith("vm-01: sh was asked to end (SIGTERM to process group ")
    out, _ = process.communicate(timeout=PATIENCE)
    [result] = objects(out)
    assert (result["event"], result["verdict"], result["signal"]) == ("result", "failed", signal.SIGTERM)
    assert process.returncode == Exit.FAILED


@pytest.mark.terminal
def test_ctrl_c_only_detaches_and_says_how_to_go_on(gate: Path) -> None:
    process = pexpect.spawn(
        PYTHON[0], [*PYTHON[1:], "run", "vm-01", "--", "sh", "-c", f"echo began; cat {gate}; exit 6"],
        encoding="utf-8", timeout=PATIENCE, dimensions=(24, 500),
    )  # fmt: skip
    process.expect_exact("began")
    process.sendintr()
    process.expect(pexpect.EOF)
    process.close()
    assert process.exitstatus == Exit.DETACHED
    stop, attach = process.before.splitlines()[-2:]
    assert "detached; the command is still running. Attach again with: virt-jobs -c" in attach
    assert shlex.split(attach.rpartition(" with: ")[2])[3:] == ["run", "vm-01", "--wait"]
    assert shlex.split(stop.rpartition(" it: ")[2])[3:] == ["abort", "vm-01", "--run"]
    gate.write_text("")
    ended = run("--last")
    assert ended.returncode == Exit.FAILED
    assert "exit status 6" in ended.stderr


@pytest.mark.terminal
def test_it_outlives_the_terminal_and_the_login_that_started_it(gate: Path) -> None:
    login = pexpect.spawn("sh", ["-i"], encoding="utf-8", timeout=PATIENCE, dimensions=(24, 500))
    login.sendline(shlex.join([*PYTHON, "run", "vm-01", "--", "sh", "-c", f"echo be''gan; cat {gate}; echo after"]))
    login.expect_exact("began\r\n")
    login.close(force=True)  # Hangs up, and then kills the shell.
    [record] = Commands().history()
    assert not record.over
    gate.write_text("")
    eventually(over)
    ended = run("--last")
    assert (ended.returncode, ended.stdout) == (Exit.COMPLETED, "began\nafter\n")


def test_it_outlives_the_death_of_the_command_that_started_it(gate: Path) -> None:
    command = [*PYTHON, "run", "vm-01", "--", "cat", str(gate)]
    with subprocess.Popen(command) as process, gate.open("w"):  # Once somebody reads, it runs.
        process.kill()
        process.wait()
    eventually(over)
    assert run("--last").returncode == Exit.COMPLETED


def test_a_gigabyte_takes_little_memory_and_disk_and_the_end_is_kept(here: Path) -> None:
    ended = virt_jobs("-c", QUICK, "run", "vm-01", "--detach", "--", "sh", "-c", "yes | head -c 1G; echo the end")
    assert ended.returncode == 0
    [record] = Commands().history()
    folder = Commands().output_of(record)
    largest, memory = 0, 0

    def watched() -> bool:
        nonlocal largest, memory
        sizes = []
        for path in folder.iterdir():
            try:
                sizes.append(path.stat().st_size)
            except FileNotFoundError:
                continue
        largest = max(largest, sum(sizes))
        status = Path(f"/proc/{record.pid}/status")
        if status.exists():
            peaks = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM")]
            memory = max(memory, *map(int, peaks)) if peaks else memory
        return over()

    eventually(watched, 5 * PATIENCE)
    assert largest <= LIMIT + (128 << 10)  # One is removed after the next was begun.
    assert memory < 150 << 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 1 << 20
    ended = run("--last")
    assert ended.returncode == 0
    assert ended.stdout.endswith("y\nthe end\n")
    assert "of output left out" in ended.stderr


def test_its_domain_may_vanish_meanwhile(gate: Path) -> None:
    uri = "sim:///gone?domains=1&jobs=0&memory=1"
    assert virt_jobs("-c", uri, "run", "vm-01", "--detach", "--", "cat", str(gate)).returncode == 0
    virt_jobs("-c", "sim:///gone?domains=0&jobs=0", "list")
    assert virt_jobs("-c", "sim:///gone?domains=0&jobs=0", "info", "vm-01").returncode == Exit.UNREACHABLE
    gate.write_text("")
    eventually(over)
    ended = virt_jobs("-c", uri, "run", "vm-01", "--last")
    assert (ended.returncode, one_line(ended.stderr)) == (Exit.COMPLETED, True)


def test_one_whose_runner_was_killed_is_unproven_and_says_why(gate: Path) -> None:
    assert run("--detach", "--", "sh", "-c", f"echo up; exec cat {gate}").returncode == 0
    [record] = Commands().history()
    command = [*PYTHON, "run", "vm-01", "--wait"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        with gate.open("w"):
            os.kill(record.pid, signal.SIGKILL)
            _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == Exit.UNPROVEN
    assert errors == (
        "virt-jobs: vm-01: sh unproven (evidence: none): the process that held its result is gone; "
        f"the command still runs (pid {record.command_pid})\n"
    )
    result = objects(run("--last", "--json").stdout)[-1]
    assert (result["verdict"], result["evidence"], result["state"]) == ("unproven", "none", "lost")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a small disk")
def test_a_journal_on_a_full_disk_gets_the_result_when_there_is_room(
    gate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk(tmp_path / "small", 2) as folder:
        monkeypatch.setenv("XDG_STATE_HOME", str(folder))
        assert run("--detach", "--", "sh", "-c", f"cat {gate}; yes | head -c 1M; exit 9").returncode == 0
        [record] = Commands().history()
        filler = folder / "filler"
        with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space left"):
            while True:
                file.write(bytes(4096))
        gate.write_text("")
        eventually(lambda: not Path(f"/proc/{record.command_pid}").exists())
        filler.unlink()
        eventually(over)
        assert run("--last").returncode == Exit.FAILED
        [record] = Commands().history()
        assert record.exit_status == 9


@pytest.mark.terminal
def test_nothing_that_it_prints_acts_on_the_terminal_but_a_pipe_gets_it_to_the_letter(here: Path) -> None:
    weird = b"\x1b[31mred \x07\0 \xff\xfe \xe2\x80\xae 10%\r 100%\nlast"
    (here / "weird").write_bytes(weird)
    process = pexpect.spawn(PYTHON[0], [*PYTHON[1:], "run", "vm-01", "--", "cat", "weird"], timeout=PATIENCE)
    process.expect(pexpect.EOF)
    shown = process.before
    assert b"100%" in shown and b" 10%" not in shown and b"last" in shown
    assert b"\x1b[31m" not in shown and b"\x07" not in shown and b"\xe2\x80\xae" not in shown
    piped = subprocess.run([*PYTHON, "run", "vm-01", "--", "cat", "weird"], capture_output=True, check=True)
    assert piped.stdout == weird


def test_bytes_that_are_no_text_reach_the_command_and_the_json(here: Path) -> None:
    ended = subprocess.run(
        [*PYTHON, "run", "vm-01", "--json", "--", "printf", b"%s", b"a\xffb\x1b[0m"], capture_output=True, check=True
    )
    output, result = objects(ended.stdout.decode("ascii"))
    assert output["text"] == "a\\xffb\x1b[0m"
    assert result["argv"] == ["printf", "%s", "a\udcffb\x1b[0m"]
    last = subprocess.run([*PYTHON, "run", "vm-01", "--last"], capture_output=True, check=True)
    assert (last.stdout, b"\x1b" in last.stderr) == (b"a\xffb\x1b[0m", False)


def test_json_tells_the_start_the_output_the_job_and_the_result() -> None:
    slow = "sim:///quick?domains=2&jobs=0&memory=256"
    dump = [sys.executable, "-m", "tui", "dump", "vm-01", "core"]
    ended = virt_jobs("-c", slow, "run", "vm-01", "--json", "--", *dump)
    assert ended.returncode == 0, ended.stderr
    told = objects(ended.stdout)
    events = {one["event"]: one for one in told}
    assert {"output", "outcome", "result"} <= events.keys() <= {"output", "outcome", "result", "progress"}
    assert (events["outcome"]["operation"], events["outcome"]["verdict"]) == ("dump", "completed")
    assert (events["result"]["verdict"], events["result"]["exit_status"]) == ("completed", 0)
    started = objects(virt_jobs("-c", slow, "run", "vm-01", "--detach", "--json", "--", "true").stdout)
    assert started[0]["event"] in ("started", "output", "result")


def test_a_command_that_lies_about_its_job_proves_nothing_of_it() -> None:
    slow = "sim:///lies?domains=2&jobs=0&memory=256&fail=disk-full"
    dump = shlex.join([sys.executable, "-m", "tui", "dump", "vm-01", "core"])
    ended = virt_jobs("-c", slow, "run", "vm-01", "--json", "--", "sh", "-c", f"{dump}; exit 0")
    events = {one["event"]: one for one in objects(ended.stdout)}
    assert (ended.returncode, events["result"]["verdict"]) == (0, "completed")
    assert events["outcome"]["verdict"] == "failed"


def test_on_end_is_run_for_the_command(config: Path, here: Path) -> None:
    variables = "$VIRT_JOBS_DOMAIN|$VIRT_JOBS_OPERATION|$VIRT_JOBS_VERDICT|$VIRT_JOBS_EXIT_STATUS|$VIRT_JOBS_COMMAND"
    config.write_text(f"[notifications]\non_end = 'echo \"{variables}\" > {here}/told'\n")
    run("--", "sh", "-c", "exit 3")
    eventually(lambda: (here / "told").exists() and (here / "told").read_text() != "")
    assert (here / "told").read_text() == "vm-01|run|failed|3|sh -c 'exit 3'\n"
    (here / "told").unlink()
    run("--last")
    assert not (here / "told").exists()


def test_on_end_is_run_for_a_command_that_was_over_at_once(
    config: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = command_start.run_command

    async def started_and_over(*arguments: Any) -> CommandRecord:
        record = await start(*arguments)

        def now() -> CommandRecord:
            return Commands().read(record.id) or record

        await asyncio.to_thread(eventually, lambda: now().over)
        return now()

    monkeypatch.setattr(command_start, "run_command", started_and_over)
    config.write_text(f"[notifications]\non_end = 'echo \"$VIRT_JOBS_VERDICT\" > {here}/told'\n")
    run("--", "true")
    eventually(lambda: (here / "told").exists() and (here / "told").read_text() == "completed\n")


def test_the_history_lists_commands_between_the_jobs_with_their_results() -> None:
    dump = [sys.executable, "-m", "tui", "dump", "vm-01", "core"]
    assert run("--", *dump).returncode == 0
    assert run("--", "sh", "-c", "exit 3 # \x1b[31m").returncode == Exit.FAILED
    listed = objects(virt_jobs("-c", QUICK, "history", "vm-01", "--json").stdout)
    assert [(it["operation"], it["state"], it["verdict"]) for it in listed] == [
        ("run", "failed", "failed"),
        ("dump", "completed", "completed"),
        ("run", "completed", "completed"),
    ]
    assert (listed[0]["exit_status"], listed[0]["argv"][0]) == (3, "sh")
    assert listed[1].keys() <= listed[0].keys()
    failed = virt_jobs("history", "--failed")
    assert (failed.returncode, failed.stderr) == (0, "")
    assert "run sh" in failed.stdout and "exit status 3: sh -c 'exit 3 # \\x1b[31m'" in failed.stdout
    assert "dump" not in failed.stdout
    assert objects(virt_jobs("history", "--operation", "dump", "--json").stdout) == [listed[1]]
    assert objects(virt_jobs("history", "--host", "sim:///elsewhere", "--json").stdout) == []
