"""Where the output goes, and in which locale: onto a full disk, to nobody, into a pasted command."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from backend.records.journal import Journal
from tests.cli.command import HELD, QUICK, one_line, virt_jobs, virt_jobs_process
from tests.contract.steps import PATIENCE
from tui.cli.exits import Exit

pytestmark = pytest.mark.process


def shell(command: str, **env: str) -> subprocess.CompletedProcess[str]:
    """What bash makes of it, ``virt-jobs`` being this one's."""
    ours = f"virt-jobs() {{ {shlex.join([sys.executable, '-m', 'tui'])} \"$@\"; }}; QUICK='{QUICK}' HELD='{HELD}'; "
    return subprocess.run(
        ["bash", "-c", ours + command],
        capture_output=True,
        text=True,
        env={**os.environ, **env},
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize("options", ["list", "list --json", "info vm-01", "--help", "config"])
def test_output_onto_a_full_disk_is_one_line(options: str) -> None:
    ended = shell(f"virt-jobs -c $QUICK {options} > /dev/full")
    assert ended.returncode == Exit.FAILED
    assert ended.stderr == "virt-jobs: cannot write the output: No space left on device\n"


@pytest.mark.parametrize("reader", ["head -n 0", "head -n 1", "true"])
def test_a_reader_that_goes_away_ends_a_listing_without_a_word(reader: str) -> None:
    ended = shell(f"virt-jobs -c 'sim:///many?domains=3000' list | {reader}; exit ${{PIPESTATUS[0]}}")
    assert (ended.returncode, ended.stderr) == (Exit.DETACHED, "")


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize("output", ["| head -n 1", "| true", "> /dev/full"])
def test_a_wait_whose_output_is_lost_says_how_to_attach_again(output: str, tmp_path: Path) -> None:
    assert shell(f"virt-jobs -c $HELD dump vm-01 {tmp_path}/core --detach").returncode == 0
    ended = shell(f"virt-jobs -c $HELD wait vm-01 --json {output}; exit ${{PIPESTATUS[0]}}")
    assert ended.returncode == Exit.DETACHED
    last = ended.stderr.splitlines()[-1]
    assert "the job is still running. Attach again with: virt-jobs -c" in last
    assert ("cannot write the output" in ended.stderr) == ("/dev/full" in output)
    assert [record.state for record in Journal().pending()] == ["running"]


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-", "< /dev/full 2> /dev/full"])
@pytest.mark.parametrize(("command", "code"), [("list", 0), ("wait nobody", Exit.UNREACHABLE)])
def test_closed_streams_change_no_exit_code(closed: str, command: str, code: int, tmp_path: Path) -> None:
    ended = shell(f"virt-jobs -c $QUICK {command} {closed}")
    assert ended.returncode == code
    assert "Traceback" not in ended.stderr


LOCALES = [
    {"LC_ALL": "C"},
    {"LC_ALL": "POSIX"},
    {"LC_ALL": "", "LANG": "xx_XX.ISO-8859-1"},
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "latin-1:strict"},
]


@pytest.mark.parametrize("locale", LOCALES, ids=str)
def test_every_locale_is_served(locale: dict[str, str], here: Path) -> None:
    for command in ("dump vm-01 'ünï €'", "history", "history --json", "list", "inspect 'ünï €'"):
        ended = subprocess.run(
            [sys.executable, "-m", "tui", "-c", QUICK, *shlex.split(command)],
            capture_output=True,
            env={**os.environ, **locale},
            timeout=PATIENCE,
            check=False,
        )
        assert (ended.returncode, ended.stderr) == (0, b""), command
    assert (here / "ünï €").exists()


def test_a_locale_that_is_forced_to_be_ascii_is_told_of(here: Path) -> None:
    forced = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}
    ended = virt_jobs_process("-c", QUICK, "dump", "vm-01", "ünï", env=forced)
    assert (ended.returncode, one_line(ended.stderr)) == (Exit.USAGE, True)
    assert virt_jobs_process("-c", QUICK, "list", env=forced).stdout.isascii()


ODD = ["a b", "it's", '"quoted"', "-leading", "ünï€", "a;b&c", "$HOME", "*", "\u202eevil", "../here/up"]


@pytest.mark.parametrize("name", ODD)
@pytest.mark.usefixtures("here")
def test_an_odd_name_is_dumped_to_and_its_commands_can_be_pasted(name: str, held: str) -> None:
    ended = virt_jobs("-c", held, "dump", "vm-01", "--detach", "--", name)
    assert ended.returncode == 0, ended
    assert [record.path for record in Journal().pending()] == [os.path.abspath(name)]
    pasted = ended.stdout.partition("attach with: ")[2]
    assert shell(pasted.replace("wait", "wait --timeout 0", 1)).returncode == Exit.TIMEOUT
    assert os.path.exists(name)
