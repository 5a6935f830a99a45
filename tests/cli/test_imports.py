"""Only the console loads Textual: every other command starts without it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click import Group

from backend.records.host import HOST_FOLDER
from tests.cli.command import QUICK, virt_jobs
from tests.conftest import binding_missing
from tui.cli.exits import Exit
from tui.cli.root import cli

ARGUMENTS = {
    "list": "",
    "info": "vm-01",
    "dump": "vm-01 core",
    "run": "vm-01 true",
    "wait": "vm-01 --last",
    "abort": "vm-01",
    "migration": "vm-01",
    "resume": "vm-01",
    "history": "",
    "witness": "",
    "inspect": "core",
    "config": "",
    "doctor": "",
    "completion": "bash",
    "man": "",
}
"""Arguments with which each command does its work, by name; a new command needs an entry."""
REFUSED = {
    "abort": Exit.NO_JOB,
    "migration": Exit.NO_JOB,
    "resume": Exit.FAILED,
    "inspect": Exit.FAILED,
    "wait": Exit.NO_JOB,
    "witness": Exit.FAILED,
}
"""Exit codes of commands that find nothing to do in an empty folder."""
ENDLESS = [("watch",)]
"""Commands that go on until nobody reads what they print."""
PROGRAM = """
import json, os, sys
def report(code):
    heavy = sorted({name.partition(".")[0] for name in sys.modules} & {"textual", "rich"})
    os.write(2, f"\\n{json.dumps([code, heavy])}".encode())
os._exit = report
from tui.cli.main import main
main()
"""


def commands(group: Group, *path: str) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        yield from commands(command, *path, name) if isinstance(command, Group) else [(*path, name)]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("path", [path for path in commands(cli) if path not in ENDLESS], ids=" ".join)
def test_a_command_runs_without_textual(path: tuple[str, ...]) -> None:
    arguments = ARGUMENTS[" ".join(path)].split()
    # Where it could keep what it learns, the witness would go on for ever.
    env = {**os.environ, HOST_FOLDER: __file__} if path == ("witness",) else None
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, "-c", QUICK, *path, *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        env=env,
        check=False,
    )
    code, heavy = json.loads(ended.stderr.splitlines()[-1])
    expected = {REFUSED.get(" ".join(path), Exit.COMPLETED)}
    if path == ("doctor",) and binding_missing():
        expected = {Exit.FAILED}  # It has something to say then.
    assert (code in expected, heavy) == (True, []), ended


@pytest.mark.parametrize("path", ENDLESS, ids=" ".join)
def test_a_command_that_goes_on_runs_without_textual(path: tuple[str, ...], held: str, here: Path) -> None:
    assert virt_jobs("-c", held, "dump", "vm-01", "core", "--detach").returncode == 0
    command = [sys.executable, "-c", PROGRAM, "-c", held, *path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "vm-01: dump" in process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        assert json.loads(process.stderr.read()) == [Exit.DETACHED, []]


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_need_no_textual(option: str) -> None:
    ended = subprocess.run([sys.executable, "-c", PROGRAM, option], capture_output=True, text=True, check=False)
    assert json.loads(ended.stderr.splitlines()[-1]) == [0, []], ended


def test_the_check_would_see_textual() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", f"import textual.app\n{PROGRAM}", "--version"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(ended.stderr.splitlines()[-1]) == [0, ["rich", "textual"]], ended


def test_a_table_of_wide_names_needs_no_rich() -> None:
    code = (
        "import sys; from tui.cli.tables import table\n"
        "[_, _, *rows] = table(['Name', 'State'], [['ünïcode', 'a'], ['日本語', 'b'], ['e\u0301', 'c']])\n"
        "assert [row.rindex(' ') for row in rows] == [10, 7, 11], rows\n"
        "sys.exit('rich' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
