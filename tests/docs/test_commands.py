"""Every command in the README and docs/ runs, in the order of the document, and exits as the document says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.installs.__main__ import WAYS
from tests.tui.terminal import terminal

pytestmark = pytest.mark.process

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = [
    (document.name, [line for line in block.splitlines() if line.strip()])
    for document in DOCUMENTS
    for block in re.findall(r"^```sh\n(.*?)^```", document.read_text(), re.DOTALL | re.MULTILINE)
]
LINES = [line for _, block in BLOCKS for line in block]
DEMO = "sim:///demo"
QUICK = f"{DEMO}?rate=1024"
"""The demonstration, with dumps that are fast enough for a test."""
HELD = f"{DEMO}?rate=1"
"""The same, with a dump of web-01 that takes half an hour: it must still be running when it is aborted."""
RESULT = re.compile(r"^=== (\d+) (.*)$", re.MULTILINE)


INTERRUPTED = "timeout --signal=INT --preserve-status 5"
"""What presses Ctrl-C in a command that goes on until then."""


def command(line: str) -> str:
    return line.partition(" #")[0].strip()


def is_console(line: str) -> bool:
    return re.fullmatch(r"virt-jobs( -c \S+| --demo)*", command(line)) is not None


def expected(line: str) -> int:
    """The exit code in the command's comment; 0 without one."""
    code = re.search(r"exits with (\d+)", line)
    return int(code[1]) if code else 0


def hypervisors(line: str) -> list[pytest.MarkDecorator]:
    return [pytest.mark.hypervisor] if "qemu" in line else []


@pytest.mark.parametrize(
    "block",
    [
        pytest.param(commands, id=f"{name}: {command(commands[0])}", marks=hypervisors("".join(commands)))
        for name, block in BLOCKS
        if (commands := [line for line in block if line.startswith(("virt-jobs", "export")) and not is_console(line)])
    ],
)
def test_the_commands_do_what_is_said_of_them(block: list[str], tmp_path: Path) -> None:
    uris = ["LIBVIRT_DEFAULT_URI=" + HELD + " " if " web-01" in line else "" for line in block]
    script = "\n".join(f'{uri}{line}\necho "=== $? "{shlex.quote(line)}' for uri, line in zip(uris, block, strict=True))
    script = re.sub("^virt-jobs watch", f"{INTERRUPTED} virt-jobs watch", script, flags=re.MULTILINE)
    script = script.replace(f"={DEMO}\n", f"={QUICK}\n").replace("/var/tmp/", f"{tmp_path}/")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    process = subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, "PATH": path, "LIBVIRT_DEFAULT_URI": QUICK},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    results = [(int(code), line) for code, line in RESULT.findall(process.stdout)]
    assert len(results) == len(block), process.stdout
    assert [(line, code) for code, line in results] == [(line, expected(line)) for _, line in results], process.stdout


@pytest.mark.terminal
@pytest.mark.parametrize(
    "line", [pytest.param(command(line), marks=hypervisors(line)) for line in LINES if is_console(line)]
)
def test_the_console_opens(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIBVIRT_DEFAULT_URI", DEMO)
    with terminal(*shlex.split(line)[1:]) as console:
        console.sees("q Quit", "●").type("q")
        assert console.ends() == 0


@pytest.mark.parametrize("line", [line for line in LINES if re.match(r"pip|uv|\./dev demo|python3 -m tests", line)])
def test_ways_to_install_are_tried_where_all_of_them_are(line: str) -> None:
    continuous_integration = (ROOT / ".ci/run").read_text()
    assert command(line) in continuous_integration or any(way.name == command(line) for way in WAYS)


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("apt")])
def test_packages_are_installed_where_all_tests_run(line: str) -> None:
    assert set(command(line).split()[2:]) <= set((ROOT / ".ci/run").read_text().split())


def test_no_command_is_left_out() -> None:
    covered = (
        r"virt-jobs|export|pip|uv|\./dev (demo|test)|python3 -m tests|apt|/usr/bin/python3 -m venv|~/virt-jobs/bin/pip"
    )
    assert [line for line in LINES if not re.match(covered, line)] == []
