"""What is remembered of jobs, from all sources."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import click
import pexpect
import pytest

from backend.model import BlockOperation, JobOperation
from backend.outcome import Verdict
from backend.records import command
from backend.records import process as processes
from backend.records.commands import Commands
from backend.records.dump_queue import DumpQueue
from backend.records.history import History
from backend.records.host import HOST_FOLDER
from backend.records.journal import Journal
from backend.records.record import RecordState
from tests.cli.command import one_line, virt_jobs
from tests.unit.test_commands import JOB
from tests.unit.test_commands import new as new_command
from tests.unit.test_dump_queue import queued
from tests.unit.test_history import ended, entry
from tests.unit.test_journal import keep
from tests.unit.test_record import new
from tui.cli import completion
from tui.cli.tables import cells_of

A, B = "sim:///a", "sim:///b"


def history(*arguments: str) -> list[tuple[str, str]]:
    ended = virt_jobs(*arguments, "--json")
    assert (ended.returncode, ended.stderr) == (0, "")
    return [(it["uri"], it["domain"]) for it in map(json.loads, ended.stdout.splitlines())]


def test_a_domain_and_a_host_are_found_however_much_came_after_them() -> None:
    over = {"state": RecordState.COMPLETED, "ended": 5.0}
    others = (new(uuid="other", domain="other", uri=B, started=10.0 + number, **over) for number in range(1100))
    keep(
        Journal(),
        new(uuid="u", domain="before", uri=A, started=1.0, **over),
        new(uuid="u", domain="after", uri=B, started=2.0, **over),
        *others,
    )
    assert history("history", "before") == history("history", "after") == [(B, "after"), (A, "before")]
    assert history("history", "u") == [(B, "after"), (A, "before")]
    assert history("-c", A, "history") == [(A, "before")]
    assert history("-c", B, "history", "before") == [(B, "after")]
    assert len(history("history")) == 1000
    context = click.Context(click.Command("history"))
    assert [item.value for item in completion.recorded(context, "b")] == ["before"]


SAVE = JobOperation.SAVE
COPY = BlockOperation.COPY


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    """The history of this host's witness."""
    folder = tmp_path / "host"
    folder.mkdir(mode=0o755)
    monkeypatch.setenv(HOST_FOLDER, str(folder))
    return History(folder / "history.db")


@pytest.fixture
def jobs(host: History) -> None:
    """A dump of this user's, a failed save that somebody saw, and the block copy and the dump that the witness saw."""
    now = time.time()
    keep(
        Journal(),
        new(id="mine", uuid="u", domain="web-01", uri=A, started=now - 50, ended=now - 40, state=RecordState.COMPLETED),
    )
    History().keep(ended(entry(now - 7000, SAVE, id="seen", uuid="v", domain="db-01", uri=B), Verdict.FAILED))
    copy = entry(now - 100_000, COPY, id="copy", uuid="w", domain="mail-01", disk="vda", requester="root@hv3", uri=A)
    host.keep(ended(copy, after=60.0))


def ids(*arguments: str) -> list[str]:
    done = virt_jobs("history", *arguments, "--json")
    assert (done.returncode, done.stderr) == (0, ""), done
    return [json.loads(line)["id"] for line in done.stdout.splitlines()]


@pytest.mark.usefixtures("jobs")
@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ("", ["mine", "seen", "copy"]),
        ("--since 24h", ["mine", "seen"]),
        ("--since 1d6h", ["mine", "seen", "copy"]),
        ("--since 2026-01-01", ["mine", "seen", "copy"]),
        ("--since '2999-01-01 03:00'", []),
        ("--failed", ["seen"]),
        ("--operation block-copy", ["copy"]),
        ("--operation dump", ["mine"]),
        ("--host sim:///b", ["seen"]),
        ("--host hv1", ["seen", "copy"]),
        ("--host elsewhere", []),
        ("mail-01", ["copy"]),
        ("mail-01 --failed", []),
    ],
)
def test_the_jobs_of_all_sources_are_found_by_what_is_asked(arguments: str, found: list[str]) -> None:
    assert ids(*shlex.split(arguments)) == found


@pytest.mark.usefixtures("jobs")
def test_a_host_is_named_by_its_alias(config: Path) -> None:
    config.write_text(f'[connections.lab]\nuri = "{B}"\n')
    assert ids("--host", "lab") == ["seen"]


@pytest.mark.parametrize("time", ["soon", "", "3", "2026-13-01", "0001-01-01T00:00:00 x"])
def test_a_time_that_is_none_is_a_usage_error_with_examples(time: str) -> None:
    done = virt_jobs("history", "--since", time)
    assert (done.returncode, one_line(done.stderr)) == (2, True)
    assert "neither a duration (90m, 24h, 7d) nor a local time (2026-11-25, '2026-11-25 03:00')" in done.stderr


@pytest.mark.usefixtures("jobs")
def test_a_job_that_somebody_saw_has_the_keys_of_a_record_and_more() -> None:
    done = [json.loads(line) for line in virt_jobs("history", "--json").stdout.splitlines()]
    mine, seen, copy = done
    assert mine.keys() == seen.keys() == copy.keys()
    assert (mine["state"], mine["verdict"], mine["evidence"], mine["sources"]) == (
        "completed",
        "completed",
        "result",
        ["own call"],
    )
    assert (copy["operation"], copy["disk"], copy["user"]) == ("block copy", "vda", "root@hv3")
    assert (copy["verdict"], copy["seconds"], copy["sources"]) == ("completed", 60.0, ["host"])
    assert (seen["state"], seen["flags"], seen["code"], seen["sources"]) == ("failed", [], None, ["own observation"])


@pytest.mark.usefixtures("jobs")
def test_a_pipe_gets_all_of_it() -> None:
    heading, rule, *rows = virt_jobs("history").stdout.splitlines()
    assert heading.split() == ["Host", "Began", "Domain", "Job", "Format", "Result", "Took", "File", "Details", "By"]
    assert set(rule) == {"-"}
    assert ["block copy of vda" in row and "root@hv3" in row for row in rows] == [False, False, True]


@pytest.mark.parametrize("broken", ["journal", "history", "host"])
@pytest.mark.usefixtures("jobs")
def test_a_source_that_cannot_be_read_is_named_and_hides_no_other(broken: str, host: History) -> None:
    path = {"journal": Journal().path, "history": History().path, "host": host.path}[broken]
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA user_version = 99")
    done = virt_jobs("history", "--json")
    assert one_line(done.stderr)
    assert str(path) in done.stderr
    left = {"journal": ["seen", "copy"], "history": ["mine", "copy"], "host": ["mine", "seen"]}[broken]
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == left
    # The host's history may not be this user's to read.
    assert done.returncode == (0 if broken == "host" else 1)


def test_follow_prints_each_begin_and_end_of_every_source_once(host: History) -> None:
    keep(Journal(), new(id="old", uuid="u", domain="old", started=1.0, ended=2.0, state=RecordState.COMPLETED))
    command = [sys.executable, "-m", "tui", "history", "--follow", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None

        def next_line() -> tuple[str, str]:
            assert process.stdout is not None
            line = json.loads(process.stdout.readline())
            return line["domain"], line["state"]

        assert next_line() == ("old", "completed")
        began = host.keep(entry(time.time(), SAVE, domain="web-01", pid=1, machine="elsewhere"))
        assert next_line() == ("web-01", "running")
        # The same job, as another observer sees it, is no news.
        History().keep(entry(began.began + 0.1, SAVE, domain="web-01", pid=1, machine="elsewhere"))
        keep(
            Journal(),
            new(id="new", uuid="w", domain="new", started=time.time(), state=RecordState.COMPLETED, ended=9e9),
        )
        assert next_line() == ("new", "completed")
        host.keep(ended(began))
        assert next_line() == ("web-01", "completed")
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130


def test_follow_prints_commands_and_queued_dumps_with_the_jobs_each_once() -> None:
    command_line = [sys.executable, "-m", "tui", "history", "--follow", "--json"]
    DumpQueue().add([dump := queued(domain="db-01")])
    with subprocess.Popen(command_line, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None

        def next_line() -> tuple[str, str, str]:
            assert process.stdout is not None
            line = json.loads(process.stdout.readline())
            return line["domain"], line["operation"], line["state"]

        assert next_line() == ("db-01", "dump", "queued")
        record = new_command("virsh", domain="db-02", uuid="u2")
        Commands().write(record)
        assert next_line() == ("db-02", "run", "running")
        Commands().write(record := replace(record, jobs=(JOB,)))  # Its job has a line of its own.
        Journal().write(processes.new_record(dump.request, dump.uri, dump.id), dump)
        assert next_line() == ("db-01", "dump", "starting")
        Commands().write(command.ended(record, 3))
        assert next_line() == ("db-02", "run", "failed")
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130


@pytest.mark.terminal
@pytest.mark.parametrize("width", [20, 50, 80, 100, 200])
def test_on_a_terminal_no_line_is_too_long(width: int, host: History) -> None:
    long = "/var/lib/libvirt/dumps/of/a/long/name/" + "x" * 80
    history = History()
    for number, operation in enumerate((SAVE, BlockOperation.ACTIVE_COMMIT, JobOperation.DUMP)):
        job = entry(1000.0 + number, operation, domain=f"a-domain-of-many-letters-{number} 域", path=long, disk="vda")
        history.keep(ended(job, list(Verdict)[number]))
    # A size in the environment, as a test runner may set it, would be believed before the terminal's.
    env = {key: value for key, value in os.environ.items() if key != "COLUMNS"} | {"TERM": "xterm"}
    command = f"{sys.executable} -m tui history"
    shown = pexpect.run(command, env=env, dimensions=(24, width), encoding="utf-8")
    lines = shown.splitlines()
    assert len(lines) == 5, shown
    assert max(cells_of(line) for line in lines) <= width
    assert all(job in shown for job in ("save", "cancel")) or width < 50
    assert ("/var" in shown and "xxx" in shown) or width < 80
