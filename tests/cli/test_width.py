"""On a terminal, what commands print fits it; in a pipe, it is complete."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pexpect
import pytest

from backend.records.folder import state_folder
from tests.cli.command import virt_jobs
from tests.contract.steps import PATIENCE
from tui.cli.layout import shortened, wrapped
from tui.cli.tables import cells_of

DEMO = "sim:///demo"
SECOND = "sim:///second?domains=3&jobs=1"

pytestmark = pytest.mark.terminal


def shown(width: int, *arguments: str) -> list[str]:
    """What the command prints on a terminal that is so wide."""
    env = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES")} | {"TERM": "xterm"}
    output = pexpect.run(
        f"{sys.executable} -m tui {' '.join(arguments)}",
        env=env,
        dimensions=(40, width),
        encoding="utf-8",
        timeout=PATIENCE,
    )
    return output.splitlines()


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("hosts", [[DEMO], [DEMO, f"'{SECOND}'"]], ids=["one host", "two hosts"])
def test_the_list_fits(width: int, hosts: list[str]) -> None:
    heading, rule, *rows = shown(width, "list", *(word for host in hosts for word in ("-c", host)))
    assert ("Host" in heading) == (len(hosts) > 1)
    assert "Name" in heading and "State" in heading and "Job" in heading
    assert len(rule) <= width
    assert [row for row in rows if cells_of(row) > width] == []
    assert any("migr" in row for row in rows)


def test_in_a_pipe_the_list_is_complete() -> None:
    heading, _, *rows = virt_jobs("list", "-c", DEMO).stdout.splitlines()
    assert heading.split() == ["Id", "Name", "State", "Job", "Done", "Elapsed", "Processed", "Remaining"]
    assert any("gitlab [ci/runner]" in row for row in rows)
    assert max(map(cells_of, rows)) > 100


@pytest.mark.parametrize("width", [60, 80])
def test_the_findings_of_doctor_fit_but_for_what_is_to_be_copied(width: int) -> None:
    lines = shown(width, "doctor", "-c", DEMO)
    # Paths and commands are not broken, so that they can be copied.
    assert [line for line in lines if cells_of(line) > width and "/" not in line and "virt-jobs" not in line] == []
    assert lines[-1].startswith(("no problems, ", "1 problem, ", "2 problems, "))


def test_the_end_of_a_job_fits_with_its_path_unbroken(tmp_path: Path) -> None:
    path = tmp_path / "core"
    virt_jobs("-c", "sim:///quick?domains=2&jobs=0&memory=1", "dump", "vm-01", str(path))
    assert state_folder().exists()
    env = os.environ | {"TERM": "xterm"}
    env.pop("COLUMNS", None)
    watch = ["-m", "tui", "-c", "sim:///quick?domains=2&jobs=0&memory=1", "watch", "--since", "1h"]
    with pexpect.spawn(
        sys.executable, watch, dimensions=(24, 60), encoding="utf-8", timeout=PATIENCE, env=env
    ) as process:
        process.expect(r"in [\d.]+ s|in 0:")
        lines = process.before.splitlines()
        process.sendintr()
        process.expect(pexpect.EOF)
    assert any(line.strip() == str(path) for line in lines) or any(line.strip().startswith(str(path)) for line in lines)
    assert all(cells_of(line) <= 60 or str(path) in line for line in lines)


def test_lines_are_broken_between_words() -> None:
    assert wrapped("one two three", None) == ["one two three"]
    assert wrapped("one two three four", 9) == ["one two", "  three", "  four"]
    assert wrapped("a /a/very/long/path b", 8) == ["a", "  /a/very/long/path", "  b"]
    assert wrapped("日本 日本", 6) == ["日本", "  日本"]


def test_a_uri_and_a_path_lose_their_middle() -> None:
    assert shortened("qemu+ssh://root@hv7.example.org/system", 20) == "qemu+s…le.org/system"
    assert shortened("/var/lib/libvirt/dumps/db-01.elf", 16) == "/var/…/db-01.elf"
    assert shortened("migration out", 8) == "migrati…"
