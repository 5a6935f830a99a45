"""The config, as commands obey it and tell of it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import tomllib
from pathlib import Path

import pytest

from backend.records.journal import Journal
from backend.records.record import JobRecord
from backend.uri import open_backend
from tests.cli.command import follow, one_line, virt_jobs
from tests.contract.steps import PATIENCE
from tests.eventually import eventually
from tests.simulator_hold import Hold

LAB = "sim:///lab?domains=2&jobs=0&memory=1"
BROKEN = "[dump]\nformat = 'vmcore'\n"


def listed(ended: subprocess.CompletedProcess[str]) -> set[str]:
    """The URIs in the output of ``list --json``."""
    assert ended.returncode == 0, ended
    return {json.loads(line)["uri"] for line in ended.stdout.splitlines()}


def seen(path: Path) -> str:
    """What is in the file, once it is there."""
    eventually(path.exists, PATIENCE)
    return path.read_text()


def told(folder: Path) -> str:
    """A command that keeps the outcome which it is told in ``told`` of that folder; whole, or not there."""
    return f"env > {folder}/telling; mv {folder}/telling {folder}/told"


def test_what_it_prints_can_be_put_back(config: Path) -> None:
    config.write_text(
        f'connect = ["lab"]\n[connections.lab]\nuri = "{LAB}"\ncolour = "#ff00ff"\n[keymap]\ndump = "D"\n'
    )
    first = virt_jobs("config")
    assert first.returncode == 0
    assert first.stdout.startswith(f"# {config}\n")
    config.write_text(first.stdout)
    assert virt_jobs("config").stdout == first.stdout
    values = tomllib.loads(first.stdout)
    assert (values["connections"]["lab"]["colour"], values["keymap"]["dump"]) == ("#ff00ff", "D")


def test_it_prints_as_json_too(config: Path) -> None:
    values = json.loads(virt_jobs("config", "--json").stdout)
    assert (values["path"], values["exists"], values["dump"]["format"]) == (str(config), False, "elf")


def test_an_alias_names_a_connection(config: Path) -> None:
    config.write_text(f'[connections.lab]\nuri = "{LAB}"\n')
    assert listed(virt_jobs("-c", "lab", "list", "--json")) == {LAB}


def test_connect_holds_where_nothing_else_is_named(config: Path) -> None:
    config.write_text(f'connect = ["lab", "sim:///b?domains=1"]\n[connections.lab]\nuri = "{LAB}"\n')
    assert listed(virt_jobs("list", "--json")) == {LAB, "sim:///b?domains=1"}
    assert listed(virt_jobs("list", "--json", env={"LIBVIRT_DEFAULT_URI": "sim:///c?domains=1"})) == {
        "sim:///c?domains=1"
    }
    assert listed(virt_jobs("-c", "sim:///d?domains=1", "list", "--json")) == {"sim:///d?domains=1"}


@pytest.mark.parametrize("name", ["lab", LAB])
def test_a_connection_that_is_read_only_refuses_to_dump(config: Path, tmp_path: Path, name: str) -> None:
    config.write_text(f'[connections.lab]\nuri = "{LAB}"\nreadonly = true\n')
    ended = virt_jobs("-c", name, "dump", "vm-01", str(tmp_path / "core"))
    assert (ended.returncode, one_line(ended.stderr)) == (7, True)
    assert not (tmp_path / "core").exists()


def test_the_format_is_that_of_the_config_unless_one_is_named(config: Path, tmp_path: Path) -> None:
    config.write_text('[dump]\nformat = "kdump-zlib"\n')
    assert "(kdump-zlib)" in virt_jobs("-c", LAB, "dump", "vm-01", str(tmp_path / "a")).stdout
    assert "(raw)" in virt_jobs("-c", LAB, "dump", "vm-01", str(tmp_path / "b"), "--format", "raw").stdout


@pytest.mark.parametrize("publish", [True, False])
def test_publishing_can_be_switched_off(config: Path, tmp_path: Path, publish: bool) -> None:
    config.write_text(f"[dump]\npublish = {str(publish).lower()}\n")
    assert virt_jobs("-c", LAB, "dump", "vm-01", str(tmp_path / "core")).returncode == 0
    [record] = Journal().history()
    assert record.state == "completed"

    async def shared() -> JobRecord | None:
        async with open_backend(LAB) as backend:
            return await backend.record(record.key)

    assert (asyncio.run(shared()) is not None) == publish


@pytest.mark.parametrize("attached", [False, True])
def test_a_command_is_told_how_the_dump_ended(
    config: Path, tmp_path: Path, attached: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("VIRT_JOBS_REQUIRE_HYPERVISOR", "VIRT_JOBS_HOST_FOLDER"):
        monkeypatch.delenv(name, raising=False)  # Of the tests' own, and no part of what is told.
    path = tmp_path / "co re;x"
    notifications = f"[notifications]\non_end = '''{told(tmp_path)}'''\n"
    if attached:
        with Hold(LAB) as hold:
            assert virt_jobs("-c", LAB, "dump", "vm-01", str(path), "--detach").returncode == 0
            config.write_text(notifications)
            outcomes, code = follow("-c", LAB, "wait", "vm-01", domains={"vm-01"}, then=hold.release)
        assert (len(outcomes), code) == (1, 0)
    else:
        config.write_text(notifications)
        assert virt_jobs("-c", LAB, "dump", "vm-01", str(path)).returncode == 0
    said = dict(line.split("=", 1) for line in seen(tmp_path / "told").splitlines() if line.startswith("VIRT_JOBS_"))
    assert int(said.pop("VIRT_JOBS_ELAPSED_MS")) >= 0
    assert said == {
        "VIRT_JOBS_DOMAIN": "vm-01",
        "VIRT_JOBS_URI": LAB,
        "VIRT_JOBS_OPERATION": "dump",
        "VIRT_JOBS_VERDICT": "completed",
        "VIRT_JOBS_EVIDENCE": "result",
        "VIRT_JOBS_ERROR": "",
        "VIRT_JOBS_PATH": str(path),
        "VIRT_JOBS_FORMAT": "elf",
    }


def test_a_command_that_never_ends_holds_up_nobody(config: Path, tmp_path: Path) -> None:
    config.write_text(f"[notifications]\non_end = 'echo $$ > {tmp_path}/pid; {told(tmp_path)}; exec sleep 600'\n")
    assert virt_jobs("-c", LAB, "dump", "vm-01", str(tmp_path / "core")).returncode == 0
    seen(tmp_path / "told")
    pid = int((tmp_path / "pid").read_text())
    assert os.getsid(pid) == pid
    os.kill(pid, 9)


def test_what_was_over_long_ago_is_not_told_again(config: Path, tmp_path: Path) -> None:
    assert virt_jobs("-c", LAB, "dump", "vm-01", str(tmp_path / "core")).returncode == 0
    config.write_text(f"[notifications]\non_end = '{told(tmp_path)}'\n")
    assert virt_jobs("-c", LAB, "wait", "vm-01", "--last").returncode == 0
    assert not (tmp_path / "told").exists()


@pytest.mark.parametrize("command", [["list"], ["wait", "vm-01"], ["dump", "vm-01", "/dev/null/x"], ["config"]])
def test_a_broken_config_is_one_line_before_anything_is_done(config: Path, command: list[str]) -> None:
    config.write_text(BROKEN)
    ended = virt_jobs("-c", LAB, *command)
    assert (ended.returncode, one_line(ended.stderr), ended.stdout) == (2, True, "")
    assert f"{config}:2: dump.format: must be one of elf, " in ended.stderr


def test_what_needs_no_config_is_not_stopped_by_a_broken_one(config: Path, tmp_path: Path) -> None:
    assert virt_jobs("-c", LAB, "dump", "vm-01", str(tmp_path / "core")).returncode == 0
    config.write_text(BROKEN)
    for history in (["history"], ["-c", LAB, "history"]):
        assert "completed" in virt_jobs(*history).stdout
    assert virt_jobs("inspect", str(tmp_path / "core")).returncode == 0
    assert virt_jobs("--help").returncode == 0


def test_a_config_that_cannot_be_read_is_said(config: Path) -> None:
    config.mkdir()
    ended = virt_jobs("-c", LAB, "list")
    assert (ended.returncode, one_line(ended.stderr)) == (2, True)
    assert f"{config}: cannot be read: " in ended.stderr
