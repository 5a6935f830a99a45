"""The files for packages fit what they install."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from backend.records import host
from tui.cli.choices import choices
from tui.cli.doctor import UNIT
from tui.cli.exits import Exit
from tui.cli.root import cli

PACKAGING = Path(__file__).parents[2] / "packaging"
UNIT_FILE = PACKAGING / UNIT


class Unit(configparser.RawConfigParser):
    """The settings of a unit; of one that is given repeatedly, the last."""

    def __init__(self) -> None:
        super().__init__(strict=False, comment_prefixes=("#",))
        self.optionxform = str  # type: ignore[assignment]
        self.read(UNIT_FILE)


def test_the_unit_starts_a_command_that_there_is() -> None:
    program, *arguments = shlex.split(Unit()["Service"]["ExecStart"])
    assert Path(program).name == "virt-jobs"
    with cli.make_context(program, list(arguments)) as context:
        assert choices(context).uris == ["qemu:///system"]
        assert arguments[-1] in cli.commands


def test_the_unit_s_folder_is_where_the_history_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(host.HOST_FOLDER)
    service = Unit()["Service"]
    assert Path("/var/lib", service["StateDirectory"]) == host.host_folder()
    assert service["Group"] == host.GROUP
    assert f"g {host.GROUP} -" in (PACKAGING / "virt-jobs.sysusers").read_text()


def test_what_cannot_succeed_is_not_tried_again() -> None:
    assert Unit()["Service"]["RestartPreventExitStatus"] == str(Exit.USAGE.value)


@pytest.mark.process
def test_systemd_has_nothing_to_object(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("needs systemd-analyze")
    unit = tmp_path / UNIT
    # The program need not be installed where the tests run.
    unit.write_text(re.sub("(?m)^ExecStart=.*", f"ExecStart={sys.executable}", UNIT_FILE.read_text()))
    told = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False)
    assert (told.returncode, [line for line in told.stderr.splitlines() if UNIT in line]) == (0, []), told
