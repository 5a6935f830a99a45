"""The process that runs a command keeps its result and follows what it causes."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from pathlib import Path

import pytest

from backend.dump_request import DumpRequest
from backend.errors import CommandNotExecutable, CommandNotFound, InvalidPath, JournalError, NoJob
from backend.model import JobOperation
from backend.outcome import Verdict
from backend.records import command
from backend.records.command import CommandRecord
from backend.records.commands import Commands
from backend.records.history import History
from backend.records.record import RecordState
from backend.running import command_runner, detached, scope
from backend.running.command import run_command, stop_command
from backend.running.command_runner import CommandRun, environment
from backend.running.output import OutputReader
from backend.running.start import start_dump
from backend.uri import open_backend
from tests.contract.steps import PATIENCE, eventually
from tests.simulator_hold import Hold

URI = "sim:///run?domains=2&jobs=0&memory=1"


async def recorded(*argv: str, uri: str = URI, cwd: str = "/") -> CommandRecord:
    async with open_backend(URI) as backend:
        domain = (await backend.find("vm-01")).key
    record = command.new_command(domain, uri, argv, cwd)
    Commands().folder.mkdir(parents=True, exist_ok=True)
    Commands().write(record)
    return record


async def ran(record: CommandRecord, commands: Commands | None = None) -> CommandRecord:
    """The record once it was run in this process."""
    async with asyncio.timeout(PATIENCE):
        await CommandRun(record, commands or Commands()).run()
    kept = Commands().read(record.id)
    assert kept is not None
    return kept


def output(record: CommandRecord) -> bytes:
    return b"".join(piece for piece in OutputReader(Commands().output_of(record)).read() if isinstance(piece, bytes))


@pytest.mark.parametrize(
    ("script", "state", "result"),
    [
        ("exit 0", RecordState.COMPLETED, "exit status 0"),
        ("exit 77", RecordState.FAILED, "exit status 77"),
        ("kill -KILL $$", RecordState.FAILED, "killed by SIGKILL"),
    ],
)
async def test_the_exit_status_is_the_result(script: str, state: RecordState, result: str) -> None:
    record = await ran(await recorded("sh", "-c", script))
    assert (record.state, record.result, record.following, record.trouble) == (state, result, False, "")
    assert record.ended is not None


async def test_it_runs_without_input_in_the_folder_and_environment_of_its_requester(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIBVIRT_DEFAULT_URI", "qemu+ssh://elsewhere/system")
    monkeypatch.setenv("MINE", "kept")
    program = "import json, os, sys; print(json.dumps([sys.stdin.read(), os.getcwd(), dict(os.environ)]))"
    record = await ran(await recorded(sys.executable, "-c", program, cwd=str(tmp_path)))
    read, folder, variables = json.loads(output(record))
    assert (read, folder, variables["MINE"]) == ("", str(tmp_path), "kept")
    assert {variables[f"{name}_DEFAULT_{what}URI"] for name, what in (("LIBVIRT", ""), ("VIRSH", "CONNECT_"))} == {URI}
    assert variables["VIRT_JOBS_UUID"] == record.uuid
    assert environment(record, {})["VIRT_JOBS_DOMAIN"] == "vm-01"


class FullUp(Commands):
    """A journal that takes no result at first."""

    refusals = 3

    def write(self, record: CommandRecord) -> None:
        if record.over and self.refusals:
            self.refusals -= 1
            raise JournalError("its disk is full")
        super().write(record)


async def test_a_result_that_the_journal_refuses_is_written_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detached, "KEEP_INTERVAL", 0.001)
    store = FullUp()
    record = await ran(await recorded("sh", "-c", "exit 5"), store)
    assert (record.exit_status, store.refusals) == (5, 0)


async def test_nothing_is_run_where_the_journal_does_not_take_its_beginning(tmp_path: Path) -> None:
    class Closed(Commands):
        def write(self, record: CommandRecord) -> None:
            raise JournalError("its disk is full")

    record = await recorded("touch", str(tmp_path / "touched"))
    with pytest.raises(JournalError):
        await CommandRun(record, Closed()).run()
    assert not (tmp_path / "touched").exists()


async def test_what_cannot_be_run_has_failed_and_says_why(tmp_path: Path) -> None:
    record = await ran(await recorded("/no/such"))
    assert (record.state, record.error) == (RecordState.FAILED, "cannot run /no/such: No such file or directory")
    record = await ran(await recorded("true", cwd=str(tmp_path / "gone")))
    assert record.error == f"cannot run true in {tmp_path / 'gone'}: No such file or directory"


async def test_a_command_runs_all_the_same_where_its_jobs_cannot_be_followed() -> None:
    record = await ran(await recorded("true", uri="sim:///run?fail=connect"))
    assert record.state is RecordState.COMPLETED
    assert record.trouble


async def test_the_command_starts_in_the_scope_of_its_runner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    moved = []

    def move(pid: int, name: str, what: str) -> None:
        moved.append((pid, (tmp_path / "started").exists()))

    monkeypatch.setattr(scope, "move", move)
    await ran(await recorded("touch", str(tmp_path / "started")))
    assert moved == [(os.getpid(), False)]
    assert (tmp_path / "started").exists()


async def test_the_job_that_it_causes_is_followed_and_remembered(tmp_path: Path) -> None:
    slow = "sim:///run?domains=2&jobs=0&memory=64"
    async with open_backend(slow) as backend:
        domain = (await backend.find("vm-02")).key
        record = command.new_command(
            domain, slow, (sys.executable, "-m", "tui", "dump", "vm-02", str(tmp_path / "core")), os.getcwd()
        )
    Commands().write(record)
    record = await ran(record)
    assert (record.exit_status, output(record)[:21]) == (0, b"vm-02: dump completed")
    [job] = record.jobs
    assert (job.operation, job.verdict, job.domain) == (JobOperation.DUMP, Verdict.COMPLETED, "vm-02")
    assert job.observer.endswith(" (run)")
    assert {entry.operation for entry in History().jobs()} == {JobOperation.DUMP}


async def test_a_job_that_ran_before_is_not_the_commands_nor_that_of_another_domain(tmp_path: Path) -> None:
    held = "sim:///run?domains=2&jobs=0&memory=64"
    with Hold(held) as hold:
        async with open_backend(held) as backend:
            for name in ("vm-01", "vm-02"):
                key = (await backend.find(name)).key
                await start_dump(backend, DumpRequest(key, str(tmp_path / name)))
            record = await recorded("cat", str(tmp_path / "go"), uri=held)
            os.mkfifo(tmp_path / "go")
            running = asyncio.create_task(ran(record))
            # Once somebody reads, the command runs.
            with await asyncio.to_thread(open, tmp_path / "go", "w"):
                hold.release()
            assert (await running).jobs == ()


async def test_asked_to_stop_it_ends_the_commands_whole_group(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "up")
    run = CommandRun(await recorded("sh", "-c", f"sh -c 'echo > {tmp_path}/up; sleep 1000'; exit 3"), Commands())
    running = asyncio.create_task(run.run())
    await asyncio.to_thread((tmp_path / "up").read_bytes)
    run.stop()
    async with asyncio.timeout(PATIENCE):
        await running
    [record] = Commands().history()
    assert record.result == "killed by SIGTERM"


async def test_what_is_left_in_the_background_delays_no_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_runner, "DRAINED", 0.05)
    os.mkfifo(tmp_path / "end")
    record = await recorded("sh", "-c", f"(cat {tmp_path}/end; echo late) & echo early; exit 4")
    running = asyncio.create_task(CommandRun(record, Commands()).run())

    async def result() -> CommandRecord | None:
        kept = Commands().read(record.id)
        return kept if kept is not None and kept.over else None

    async with asyncio.timeout(PATIENCE):
        kept = await eventually(result)
        assert kept is not None
        assert (kept.exit_status, output(kept)) == (4, b"early\n")
        await asyncio.to_thread((tmp_path / "end").write_text, "")
        await running
    assert output(kept) == b"early\nlate\n"


async def test_what_cannot_be_found_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("no program")
    async with open_backend(URI) as backend:
        key = (await backend.find("vm-01")).key
        for name, refusal in {
            "no-such-command": CommandNotFound,
            "": CommandNotFound,
            "./none": CommandNotFound,
            str(tmp_path / "text"): CommandNotExecutable,
            str(tmp_path): CommandNotExecutable,
        }.items():
            with pytest.raises(refusal):
                await run_command(backend, key, [name])
        with pytest.raises(InvalidPath, match="put it into a script"):
            await run_command(backend, key, ["true", "x" * 200_000])
    assert Commands().history() == []


@pytest.mark.process
async def test_old_outputs_are_removed_with_their_records() -> None:
    store = Commands()
    async with open_backend(URI) as backend:
        key = (await backend.find("vm-01")).key
        first = await run_command(backend, key, ["echo", "first"])
        (store.folder / "stray").mkdir()
        second = await run_command(backend, key, ["echo", "second"])
    assert {path.name for path in store.folder.iterdir() if path.is_dir()} == {first.id, second.id}


def test_only_what_runs_can_be_stopped() -> None:
    record = CommandRecord("1", URI, "u", "vm", 1, ("true",), "/", "root@hv3", 0.0, pid=os.getpid())
    for other in (record, command.ended(record, 0), command.lost(record)):
        with pytest.raises(NoJob):
            stop_command(other)


async def test_whoever_is_told_that_the_command_runs_finds_it_running() -> None:
    late, overtaken, landed = threading.Event(), threading.Event(), threading.Event()

    class Late(Commands):
        """Writes what was true before the command ran only after what came later, if that can come at all."""

        def write(self, record: CommandRecord) -> None:
            if record.command_pid:
                super().write(record)
                overtaken.set()
                landed.wait(0.5 if late.is_set() else 0.0)
            elif late.is_set() or record.state is not RecordState.RUNNING:
                super().write(record)
            else:
                late.set()
                overtaken.wait(0.5)
                super().write(record)
                landed.set()

    commands = Late()
    record = await recorded("true")
    found: list[CommandRecord | None] = []
    run = CommandRun(record, commands)
    late.set()  # The first of them is written before anything else is done.
    asyncio.get_running_loop().call_soon(late.clear)
    await run.run(lambda: found.append(commands.read(record.id)))
    [seen] = found
    assert seen is not None
    assert seen.command_pid
