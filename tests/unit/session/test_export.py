"""What is written to a file: formats, refusals, and that nothing is lost."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest

from backend.errors import FileExists, InvalidPath, OperationFailed
from tui.session import export
from tui.session.export import Export, suggested_path, write

SHOWN = Export(
    "domains",
    lambda: ["Name   State  ", "db-1   running"],
    lambda: [{"domain": "db-1", "fraction": 0.5, "ready": None}, {"domain": "経理, [x]", "extra": True}],
)


def test_text_is_what_was_shown(tmp_path: Path) -> None:
    write(SHOWN, str(tmp_path / "out.txt"))
    assert (tmp_path / "out.txt").read_text() == "Name   State\ndb-1   running\n"


def test_json_has_plain_values(tmp_path: Path) -> None:
    write(SHOWN, str(tmp_path / "out.JSON"))
    assert json.loads((tmp_path / "out.JSON").read_text()) == list(SHOWN.values())


def test_csv_has_a_column_for_every_value(tmp_path: Path) -> None:
    write(SHOWN, str(tmp_path / "out.csv"))
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["domain", "fraction", "ready", "extra"],
        ["db-1", "0.5", "", ""],
        ["経理, [x]", "", "", "True"],
    ]


def test_an_existing_file_is_replaced_only_on_request_and_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    path.write_text("mine")
    path.chmod(0o640)
    with pytest.raises(FileExists, match=r"out\.txt exists already"):
        write(SHOWN, str(path))
    assert path.read_text() == "mine"
    write(SHOWN, str(path), overwrite=True)
    assert path.read_text().startswith("Name")
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["out.txt"]


def test_a_link_stays_and_its_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    write(SHOWN, str(tmp_path / "link.txt"), overwrite=True)
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text().startswith("Name")


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_no_file_is_refused(tmp_path: Path, overwrite: bool) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(InvalidPath, match="is not a regular file"):
        write(SHOWN, str(tmp_path / "fifo"), overwrite)
    with pytest.raises(InvalidPath, match="is a folder"):
        write(SHOWN, str(tmp_path), overwrite)
    with pytest.raises(InvalidPath, match="there is no folder"):
        write(SHOWN, str(tmp_path / "missing/out.txt"), overwrite)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool) -> None:
    def fill(descriptor: int, content: str) -> None:
        os.close(descriptor)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export, "_fill", fill)
    path = tmp_path / "out.txt"
    if overwrite:
        path.write_text("mine")
    with pytest.raises(OperationFailed, match=r"out\.txt cannot be written: No space left on device"):
        write(SHOWN, str(path), overwrite)
    assert [file.read_text() for file in tmp_path.iterdir()] == ["mine"] * overwrite


def test_the_suggested_path_is_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path(suggested_path(Export("log-we[ir]d /x", list, list, "log"), 0.0))
    assert path.parent == tmp_path
    assert path.name.startswith("virt-jobs-log-we_ir_d_x-19")
    assert path.suffix == ".log"


def test_where_nothing_can_be_written_the_state_folder_is_suggested(
    state_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *arguments: False)
    assert Path(suggested_path(SHOWN, 0.0)).parent == state_home / "virt-jobs"
