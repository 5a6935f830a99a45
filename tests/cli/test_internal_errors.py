"""A bug of virt-jobs, or of a backend: one line, an exit code of its own, and the traceback in the log file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backend.log import NAME
from tests.cli.command import one_line
from tests.cli.command import virt_jobs_process as virt_jobs
from tests.example_backend.installed import install
from tests.tui.terminal import terminal
from tui.cli.exits import Exit

BROKEN = '''
import os
from backend.errors import NoJob
from backend.simulator.backend import SimulatorBackend

class Broken(SimulatorBackend):
    """A simulator whose domain is fine, and one call of which is not."""

    def __init__(self, uri, readonly=False):
        self.broken = uri.partition(":///")[2]
        if self.broken == "console":
            from tui.widgets.lines import Lines
            Lines.render_line = lambda lines, y: self.boom("console")
        super().__init__("sim:///broken?domains=2&jobs=0&memory=1", readonly)
        self.uri = uri

    async def domains(self):
        return self.boom("domains") or await super().domains()

    async def job(self, domain):
        return (domain.name == "vm-01" and self.boom("job")) or await super().job(domain)

    async def jobs(self, domains, on_answer=None):
        return self.boom("jobs") or await super().jobs(domains, on_answer)

    async def record(self, domain):
        return self.boom("record") or await super().record(domain)

    async def call_dump(self, request):
        if self.broken == "call_dump":
            os.write(2, b"said by a library\\n")
        return self.boom("call_dump") or await super().call_dump(request)

    def boom(self, call):
        if call == self.broken:
            raise RuntimeError(f"{call} is\\nbroken")
'''


@pytest.fixture
def broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that brings backends which fail as nobody expects: example:///CALL."""
    install(tmp_path, "broken", "Broken")
    (tmp_path / "broken.py").write_text(BROKEN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


@pytest.fixture
def log(state_home: Path) -> Path:
    return state_home / "virt-jobs" / NAME


pytestmark = pytest.mark.usefixtures("broken", "here")


@pytest.mark.parametrize(
    ("call", "command"),
    [("domains", "list"), ("jobs", "list --json"), ("domains", "info vm-01"), ("job", "info vm-01")],
)
def test_a_command_ends_with_one_line(call: str, command: str, log: Path) -> None:
    ended = virt_jobs("-c", f"example:///{call}", *command.split())
    assert (ended.returncode, one_line(ended.stderr), ended.stdout.count("{")) == (Exit.INTERNAL, True, 0), ended
    assert f"internal error: RuntimeError: {call} is broken; see {log}" in ended.stderr
    text = log.read_text()
    assert "Traceback (most recent call last)" in text
    assert text.count("Traceback") == 1


def test_debug_shows_the_traceback_and_the_details(log: Path) -> None:
    ended = virt_jobs("--debug", "-c", "example:///domains", "list")
    assert ended.returncode == Exit.INTERNAL
    assert "Traceback (most recent call last)" in ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("virt-jobs: example:///domains: internal error: RuntimeError: ")
    assert "Traceback (most recent call last)" in log.read_text()


def test_debug_shows_where_an_expected_error_came_from() -> None:
    ended = virt_jobs("--debug", "-c", "example:///none", "info", "nobody")
    assert ended.returncode == Exit.UNREACHABLE
    assert "backend.errors.NoSuchDomain: " in ended.stderr
    assert ended.stderr.splitlines()[-1] == "virt-jobs: no domain 'nobody' on example:///none"


def test_an_expected_error_is_not_worth_a_log_file(log: Path) -> None:
    assert virt_jobs("-c", "example:///none", "info", "nobody").returncode == Exit.UNREACHABLE
    assert not log.exists()


def test_one_host_that_is_broken_does_not_hide_the_others(log: Path) -> None:
    ended = virt_jobs("-c", "example:///domains", "-c", "sim:///b?domains=1", "list", "--json")
    assert (ended.returncode, one_line(ended.stderr), ended.stdout.count("\n")) == (Exit.INTERNAL, True, 1), ended
    assert f"example:///domains: internal error: RuntimeError: domains is broken; see {log}" in ended.stderr


def test_one_wait_that_is_broken_does_not_end_the_others(log: Path) -> None:
    ended = virt_jobs("-c", "example:///job", "wait", "vm-01", "vm-02")
    assert ended.returncode == Exit.INTERNAL, ended
    assert sorted(ended.stderr.splitlines()) == [
        f"virt-jobs: vm-01: internal error: RuntimeError: job is broken; see {log}",
        "virt-jobs: vm-02 has no job to wait for",
    ]


def test_an_internal_error_is_one_line_even_where_nothing_can_be_kept(state_home: Path) -> None:
    state_home.write_text("no folder")
    ended = virt_jobs("-c", "sim:///x", "--debug", "history")
    assert ended.returncode == Exit.FAILED
    assert ended.stderr.splitlines()[-1].startswith("virt-jobs: cannot use the state folder")


@pytest.mark.process
def test_the_traceback_of_a_runner_lands_in_the_log_with_what_it_wrote_to_stderr(log: Path) -> None:
    ended = virt_jobs("-c", "example:///call_dump", "dump", "vm-01", "core")
    assert (ended.returncode, one_line(ended.stderr)) == (Exit.FAILED, True), ended
    text = log.read_text()
    assert "\nsaid by a library\n" in f"\n{text}"
    assert "ERROR __main__: the runner of " in text
    assert "RuntimeError: call_dump is" in text


@pytest.mark.terminal
def test_the_console_stays_and_shows_the_host_as_broken(log: Path) -> None:
    with terminal("-c", "example:///domains", "-c", "sim:///b?domains=1&jobs=0") as console:
        console.sees("vm-01", "internal error: RuntimeError").type("q")
        assert console.ends() == 0
    assert b"Traceback" not in console.written
    assert "Traceback" in log.read_text()


@pytest.mark.terminal
def test_the_console_survives_a_task_that_fails(log: Path) -> None:
    with terminal("-c", "example:///record") as console:
        console.sees("vm-01", "internal error: RuntimeError: record is broken").type("j")
        console.sees("▌ vm-02").type("q")
        assert console.ends() == 0
    assert b"Traceback" not in console.written
    assert "Traceback" in log.read_text()


@pytest.mark.terminal
def test_a_console_that_cannot_go_on_ends_with_one_line(log: Path) -> None:
    with terminal("-c", "example:///console") as console:
        assert console.ends() == Exit.INTERNAL
    last = console.written.decode().rpartition("\x1b")[2]
    assert f"virt-jobs: internal error: RuntimeError: console is broken; see {log}" in "".join(last.split("\r\n"))
    assert "Traceback" not in last
    assert "Traceback" in log.read_text()


def test_completion_says_nothing_and_logs_why(log: Path) -> None:
    words = "virt-jobs -c example:///domains info "
    asked = {"_VIRT_JOBS_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_BREAKS": " :="}
    program = Path(sys.executable).with_name("virt-jobs")
    ended = subprocess.run([program], env={**os.environ, **asked}, capture_output=True, text=True, check=False)
    assert (ended.stdout.strip(), ended.stderr) == ("", "")
    assert "RuntimeError: domains is" in log.read_text()
