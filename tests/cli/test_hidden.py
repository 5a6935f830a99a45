"""What this user may not look at is said to be unknown, and keeps nobody from dumping there."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from backend.running import place
from tests.cli.command import QUICK, virt_jobs
from tui.cli.exits import Exit


def _refuse(path: str) -> place.Place:
    raise OSError(errno.EACCES, os.strerror(errno.EACCES), path)


@pytest.mark.process
def test_a_dump_into_a_folder_of_others_says_that_it_cannot_tell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "_look_at", _refuse)
    result = virt_jobs("-c", QUICK, "dump", "vm-01", str(tmp_path / "core"))
    assert result.returncode == Exit.COMPLETED
    assert f"cannot look into {tmp_path} (Permission denied); libvirt may still be able to write there" in result.stderr


def test_inspect_of_what_cannot_be_looked_at_says_nothing_about_the_file(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    hidden = virt_jobs("inspect", str(tmp_path / "loop/core"))
    assert hidden.returncode == Exit.UNPROVEN
    assert hidden.stderr == f"virt-jobs: cannot read {tmp_path}/loop/core: Too many levels of symbolic links\n"
    assert virt_jobs("inspect", str(tmp_path / "missing")).returncode == Exit.FAILED


def test_a_config_that_cannot_be_looked_at_is_not_taken_for_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It may say that a connection is read-only.
    (tmp_path / "virt-jobs").symlink_to("virt-jobs")
    result = virt_jobs("-c", QUICK, "list", env={"XDG_CONFIG_HOME": str(tmp_path)})
    assert result.returncode == Exit.USAGE
    assert "Too many levels of symbolic links" in result.stderr
