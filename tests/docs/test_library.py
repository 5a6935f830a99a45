"""The programs in docs/library.md do what the page says of them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import backend
from backend.records.journal import Journal
from tests.contract.steps import PATIENCE
from tests.eventually import eventually
from tests.simulator_hold import Hold, finish_soon

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
PROGRAMS = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs/library.md").read_text(), re.DOTALL | re.MULTILINE)
DEMO = "sim:///demo"
QUICK = f"{DEMO}?rate=1024"
"""The same, with dumps that are fast enough for a test."""
PATH = "/var/tmp/db-01-ticket-4711.elf"


def program(words: str, tmp_path: Path) -> Path:
    """The program of the page with these words, as a file; what it dumps goes to the test's own folder."""
    [text] = [text for text in PROGRAMS if words in text]
    file = tmp_path / "program.py"
    file.write_text(text.replace(DEMO, QUICK).replace(PATH, str(tmp_path / "dump.elf")))
    return file


def run(file: Path) -> str:
    ended = subprocess.run(
        [sys.executable, file],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=ROOT,
        env=environment(),
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, ""), ended
    return ended.stdout


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)}


def test_domains_are_listed_with_their_jobs(tmp_path: Path) -> None:
    lines = run(program("backend.domains()", tmp_path)).splitlines()
    assert "db-01 running " in lines
    assert "db-02 running backup" in lines


def test_a_job_is_waited_for(tmp_path: Path) -> None:
    file = program("timeout=60", tmp_path)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([sys.executable, file], text=True, cwd=ROOT, env=environment(), **pipes) as waiting:
        eventually(Journal().path.exists, PATIENCE)  # It has seen the job, and looks for a record of it.
        finish_soon(QUICK, "cache-01")
        words, errors = waiting.communicate(timeout=PATIENCE)
    assert (waiting.returncode, errors) == (0, "")
    assert re.match(r"\w+ (completed|failed|cancelled|unproven) \([\w ]+\): .+", words), words


@pytest.mark.parametrize("moment", ["while it is dumped", "after that"])
def test_a_program_that_crashed_comes_back_and_goes_on_waiting(tmp_path: Path, moment: str) -> None:
    file, dump = program("await start_dump", tmp_path), tmp_path / "dump.elf"
    with Hold(QUICK, dump) as hold:
        with subprocess.Popen([sys.executable, file], stdout=subprocess.PIPE, cwd=ROOT, env=environment()) as first:
            eventually(lambda: any(record.state == "running" for record in Journal().pending()), PATIENCE)
            first.send_signal(signal.SIGKILL)
            out, _ = first.communicate()
        assert (first.returncode, out) == (-signal.SIGKILL, b"")
        if moment == "after that":
            hold.release()
            eventually(lambda: not Journal().pending(), PATIENCE)
        with subprocess.Popen(
            [sys.executable, file], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment()
        ) as second:
            hold.release()
            out, _ = second.communicate(timeout=PATIENCE)
    assert (second.returncode, out) == (0, f"completed {dump}\n")
    assert len(Journal().history()) == 1


def test_it_has_fifteen_lines(tmp_path: Path) -> None:
    lines = [line for line in program("await start_dump", tmp_path).read_text().splitlines() if line.strip()]
    assert len(lines) <= 15


def test_all_jobs_are_watched(tmp_path: Path) -> None:
    lines = run(program("aclosing(watch", tmp_path)).splitlines()
    assert "db-02 backup is running" in lines
    assert re.search(r" (completed|failed|cancelled|unproven)$", lines[-1])


def test_every_name_that_is_exported_is_there_and_explained() -> None:
    for name in backend.__all__:
        value = getattr(backend, name)
        assert value.__doc__, name
        assert not value.__doc__.startswith(f"{name}("), f"{name} has no docstring of its own"


def test_an_unknown_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        backend.nonsense  # noqa: B018
