"""The doctor as users call it, where all is well and where it is not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from backend.model import DomainState
from backend.simulator.store import Store

SIMULATOR = "sim:///well?domains=2"


@dataclass(frozen=True, slots=True)
class Told:
    code: int
    findings: list[dict[str, Any]]
    err: str

    def the(self, subject: str, uri: str | None = None) -> dict[str, Any]:
        [found] = [it for it in self.findings if (it["subject"], it["uri"]) == (subject, uri)]
        return found


def doctor(*arguments: str, env: Mapping[str, str] | None = None) -> Told:
    ended = subprocess.run(
        [sys.executable, "-m", "tui", *arguments, "doctor", "--json"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        env={**os.environ, **(env or {})},
        check=False,
    )
    return Told(ended.returncode, [json.loads(line) for line in ended.stdout.splitlines()], ended.stderr)


def test_a_host_that_is_well() -> None:
    told = doctor("-c", SIMULATOR)
    assert {found["mark"] for found in told.findings if found["uri"] == SIMULATOR} == {"ok"}
    assert "2 domains, 2 running" in told.the("connection", SIMULATOR)["text"]
    assert told.code == (1 if "attention" in {found["mark"] for found in told.findings} else 0)


def test_it_says_what_a_logout_does() -> None:
    assert doctor("-c", SIMULATOR).the("logout")["text"] != ""


def test_for_people_it_is_a_line_a_finding() -> None:
    command = [sys.executable, "-m", "tui", "-c", SIMULATOR, "doctor"]
    lines = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    assert SIMULATOR in lines
    assert any(line.startswith(" ok          formats           elf, kdump-zlib") for line in lines)


def test_a_domain_that_a_dead_dump_left_paused() -> None:
    doctor("-c", SIMULATOR)
    store = Store("well")
    machine = next(iter(store.machines()))
    store.put_machines([replace(machine, state=DomainState.PAUSED, reason="dumping")])
    store.close()
    told = doctor("-c", SIMULATOR)
    assert told.code == 1
    assert told.the("left paused", SIMULATOR)["todo"].endswith(f"resume {machine.name}")


def test_a_state_folder_that_others_can_look_into(state_home: Path) -> None:
    (state_home / "virt-jobs").mkdir(parents=True, mode=0o755)
    told = doctor("-c", "qemu+unix:///system?socket=/nonexistent")
    assert (told.code, told.the("state folder")["mark"]) == (1, "attention")


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a file system")
def test_a_state_folder_that_is_read_only_prevents_every_dump(tmp_path: Path, exists: bool) -> None:
    state = tmp_path / "mount"
    state.mkdir()
    virt_jobs = f"XDG_STATE_HOME={state} {sys.executable} -m tui -c '{SIMULATOR}'"
    make = f"mkdir -m 700 {state}/virt-jobs && " if exists else ""
    script = f"mount -t tmpfs none {state} && {make} mount -o remount,ro {state} && {virt_jobs}"
    told = subprocess.run(
        ["unshare", "-m", "sh", "-c", f"{script} doctor; echo $?; {virt_jobs} dump vm-01 core; echo $?"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        cwd=tmp_path,
        check=False,
    )
    if told.returncode or "mount:" in told.stderr:
        pytest.skip(f"cannot mount a file system: {told.stderr}")
    *lines, summary, code, dump = told.stdout.splitlines()
    assert code == "1"
    assert dump != "0"
    assert summary.endswith(": see the lines marked attention")
    assert "Read-only file system" in told.stderr
    [line] = [line for line in lines if line.startswith(" attention   state folder ")]
    assert "Read-only file system): no dump can be started; set XDG_STATE_HOME" in line


def test_looking_makes_no_state_folder(state_home: Path) -> None:
    doctor("-c", "qemu+unix:///system?socket=/nonexistent")
    assert not state_home.exists()


def test_a_config_that_cannot_be_read_comes_first(tmp_path: Path) -> None:
    config = tmp_path / "config/virt-jobs/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text("refresh = 99\n")
    told = doctor("-c", SIMULATOR)
    assert (told.code, f"{config}:1" in told.findings[-1]["text"]) == (1, True)


def test_without_a_binding_it_says_how_to_get_one(tmp_path: Path) -> None:
    (tmp_path / "libvirt.py").write_text("raise ImportError(\"No module named 'libvirt'\")\n")
    told = doctor(env={"PYTHONPATH": str(tmp_path)})
    assert told.code == 1
    finding = told.the("libvirt binding")
    assert (finding["mark"], "No module named 'libvirt'" in finding["text"], finding["todo"] != "") == (
        "attention", True, True)  # fmt: skip
