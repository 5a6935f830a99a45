"""Command lines in hints can be pasted into a shell."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import QUICK, one_line, virt_jobs
from tui.cli import hints
from tui.cli.exits import Exit

URI = "qemu+ssh://root@hv1/system?keyfile=/a b&no_tty=1"


def test_names_and_uris_are_quoted_and_dashes_come_last() -> None:
    assert shlex.split(hints.command_line([URI, "hv2"], "wait", "a b", "$(x)", options=["--last"])) == [
        *("virt-jobs", "-c", URI, "-c", "hv2", "wait", "a b", "$(x)", "--last")
    ]
    assert shlex.split(hints.command_line([], "wait", "-a", options=["--last"])) == [
        *("virt-jobs", "wait", "--last", "--", "-a")
    ]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("-c a abort db", "-c b abort db"),
        ("abort db -ca --connect=c --demo -r", "-c b abort db -r"),
        ("--connect a wait db -- -c", "-c b wait db -- -c"),
    ],
)
def test_this_command_for_another_host(words: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["virt-jobs", *words.split()])
    assert hints.this_command(hosts=["b"]) == f"virt-jobs {expected}"


def test_this_command_with_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["virt-jobs", "dump", "--", "-a"])
    assert hints.this_command("--disk", "vda", argument="/a b") == "virt-jobs dump --disk vda -- -a '/a b'"


@pytest.mark.process
@pytest.mark.parametrize("options", [["--format", "kdump-zlib"], ["--", "vm-01"]], ids=" ".join)
def test_a_dump_without_a_file_prints_the_command_that_dumps(options: list[str], state_home: Path) -> None:
    words = options if "vm-01" in options else ["vm-01", *options]
    ended = virt_jobs("-c", QUICK, "dump", *words)
    assert (ended.returncode, one_line(ended.stderr)) == (Exit.USAGE, True)
    assert "missing required argument FILE; with the default path: virt-jobs -c " in ended.stderr
    program, *pasted = shlex.split(ended.stderr.partition("default path: ")[2])
    assert program == "virt-jobs"
    path = Path(pasted[-1])
    assert path.parent == state_home / "virt-jobs" / "dumps"
    assert path.suffix == (".kdump-zlib" if "--format" in options else ".elf")
    assert not path.exists()
    command = [sys.executable, "-m", "tui", *pasted]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
    assert path.exists()


@pytest.mark.process
def test_a_file_that_is_there_is_replaced_by_the_command_that_is_printed(tmp_path: Path) -> None:
    path = tmp_path / "a core"
    path.write_text("precious")
    ended = virt_jobs("-c", QUICK, "dump", "vm-01", str(path))
    assert (ended.returncode, one_line(ended.stderr), path.read_text()) == (Exit.USAGE, True, "precious")
    _, *pasted = shlex.split(ended.stderr.partition("all the same: ")[2])
    assert virt_jobs(*pasted).returncode == 0


def test_of_several_jobs_of_disks_one_is_named() -> None:
    ended = virt_jobs("--demo", "wait", "files-01", "--operation", "any")
    assert (ended.returncode, one_line(ended.stderr)) == (Exit.USAGE, True)
    hint = "name the disk, as in: virt-jobs --demo wait files-01 --operation any --disk vda\n"
    assert ended.stderr.endswith(hint)


def test_the_default_path_is_that_of_the_config(config: Path) -> None:
    config.write_text("[dump]\npath = '/dumps here/{domain}.{format}'\nformat = 'raw'\n")
    ended = virt_jobs("-c", QUICK, "dump", "vm-01")
    assert shlex.split(ended.stderr)[-1] == "/dumps here/vm-01.raw"


def test_without_a_place_for_the_state_it_is_still_a_usage_error(state_home: Path) -> None:
    state_home.write_text("no folder")
    ended = virt_jobs("-c", QUICK, "dump", "vm-01")
    assert (ended.returncode, ended.stderr.partition(" (")[0]) == (
        Exit.USAGE,
        "virt-jobs: missing required argument FILE",
    )
