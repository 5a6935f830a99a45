"""Completion: what shells are told, by the protocol that their scripts speak, and what bash makes of it."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.contract.simulator_harness import SimulatorHarness

pytestmark = pytest.mark.process

PROGRAM = Path(sys.executable).with_name("virt-jobs")
DEMO = "virt-jobs --demo "
ODD_NAMES = ["my vm", "a,b:c=d", "$(x)`y`", "it's", '"q"', "back\\slash", "*", "ünï", "&;|<>~#!", "-c"]


def run(command: list[str], environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    path = f"{PROGRAM.parent}:{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, **(environment or {})}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=env, check=False)


def told(line: str, shell: str = "bash", **environment: str) -> list[str]:
    """What the command tells a shell at the end of that line; it never says anything to its user."""
    words = {"bash": "", "zsh": str(len((line + ".").split()) - 1), "fish": (line + ".").split()[-1][:-1]}
    asked = {"_VIRT_JOBS_COMPLETE": f"{shell}_complete", "COMP_WORDS": line, "COMP_CWORD": words[shell]}
    ended = run([str(PROGRAM)], asked | {"COMP_BREAKS": " \t\n\"'><=;|&(:"} | environment)
    assert (ended.returncode, ended.stderr) == (0, "")
    return [line for line in ended.stdout.splitlines() if line]


def plain(line: str, **environment: str) -> list[str]:
    return [item.removeprefix("plain,") for item in told(line, **environment)]


def test_commands() -> None:
    assert {"plain,dump", "plain,doctor"} <= set(told("virt-jobs d"))


def test_options_of_a_command() -> None:
    assert plain("virt-jobs dump --b") == ["--bypass-cache"]


@pytest.mark.parametrize("line", ["virt-jobs dump --format kdump-z", "virt-jobs dump --format=kdump-z"])
def test_formats(line: str) -> None:
    assert plain(line) == ["kdump-zlib"]


def test_disks_with_a_job_of_the_domain_that_is_named() -> None:
    assert plain(DEMO + "abort files-01 --disk v") == ["vda", "vdb"]
    assert plain(DEMO + "wait files-01 --disk vdb") == ["vdb"]
    assert plain(DEMO + "info git-01 --disk=") == ["vda"]
    assert plain(DEMO + "info db-01 --disk ") == []


def test_operations() -> None:
    assert plain("virt-jobs wait --operation m") == ["migration-in", "migration-out"]


def test_domains() -> None:
    assert plain(DEMO + "info d") == ["db-01", "db-02"]


def test_hosts_may_be_named_after_the_command() -> None:
    assert plain("virt-jobs info -c sim:///demo d") == ["db-01", "db-02"]
    assert plain("virt-jobs abort --demo files-01 --disk v") == ["vda", "vdb"]
    assert "sim:///demo" in plain("virt-jobs info -c sim", COMP_BREAKS=" ")


def test_domains_that_are_named_already_are_not_offered_again() -> None:
    assert plain(DEMO + "wait db-01 d") == ["db-02"]


def test_paused_ones_to_resume() -> None:
    assert "db-02" not in plain(DEMO + "resume ")
    assert "web-03" in plain(DEMO + "resume ")


def test_uris_after_a_colon_are_what_bash_replaces() -> None:
    assert plain("virt-jobs -c qemu:///sy") == ["///system"]
    assert plain("virt-jobs -c qemu:///sy", COMP_BREAKS=" ") == ["qemu:///system"]
    assert plain("virt-jobs --connect=sim:///d") == ["///demo"]


def test_aliases_and_groups_of_the_config(tmp_path: Path) -> None:
    config = tmp_path / "config/virt-jobs/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text('[connections.lab]\nuri = "sim:///demo"\n[groups]\nlabs = ["lab"]\n')
    assert plain("virt-jobs -c la") == ["lab", "labs"]
    assert "db-01" in plain("virt-jobs -c labs info ")


def test_files_are_left_to_the_shell() -> None:
    assert told("virt-jobs inspect /e") == ["file,/e"]
    assert told(DEMO + "dump db-01 /e") == ["file,/e"]


def test_zsh_and_fish_get_the_state_of_domains_too() -> None:
    assert told(DEMO + "info db-02", "zsh") == ["plain", "db-02", "running"]
    assert told(DEMO + "info db-02", "fish") == ["plain,db-02\trunning"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_a_value_after_its_option_is_one_word(shell: str) -> None:
    assert any("--format=kdump-zlib" in line for line in told("virt-jobs dump --format=kdump-z", shell))


@pytest.mark.parametrize("uri", ["nonsense", "http://[", "sim:///x?colour=red", "qemu+unix:///system?socket=/none"])
def test_what_cannot_be_asked_names_nothing(uri: str) -> None:
    assert plain(f"virt-jobs -c '{uri}' info ") == []


def test_a_broken_config_is_no_news_for_somebody_who_types(tmp_path: Path) -> None:
    config = tmp_path / "config/virt-jobs/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text("refresh = 99")
    assert plain("virt-jobs -c qemu:///sy") == ["///system"]
    assert plain("virt-jobs -c lab info ") == []


@pytest.mark.hypervisor
def test_a_daemon_that_does_not_answer_is_not_waited_for(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "socket"))
        silent.listen()
        begun = time.monotonic()
        assert plain("virt-jobs -c sim:///prompt?domains=1&jobs=0 info ") == ["vm-01"]
        usual, begun = time.monotonic() - begun, time.monotonic()
        assert plain(f"virt-jobs -c qemu+unix:///system?socket={tmp_path}/socket info ") == []
        assert time.monotonic() - begun < usual + 5  # What a connection is given otherwise.


@pytest.mark.hypervisor
def test_nobody_is_asked_for_a_password(tmp_path: Path) -> None:
    (tmp_path / "locked.xml").write_text("<node><auth><user password='s3cret'>bill</user></auth></node>")
    assert plain(f"virt-jobs -c test://{tmp_path}/locked.xml info ") == []


IN_BASH = """
eval "$(virt-jobs completion bash)"
COMP_LINE="virt-jobs -c $1 info -- $2" quote=$2
COMP_POINT=${#COMP_LINE}
_virt_jobs_completion virt-jobs
for word in "${COMPREPLY[@]}"; do
    eval "set -- $quote$word$quote"
    echo "$# $1"
done
"""


@pytest.mark.parametrize("quote", ["", "'", '"'])
async def test_bash_gets_every_name_so_that_it_is_one_word(tmp_path: Path, quote: str) -> None:
    async with SimulatorHarness(tmp_path) as harness:
        for name in ODD_NAMES:
            await harness.running(name)
        ended = await asyncio.to_thread(run, ["bash", "-c", IN_BASH, "bash", harness.uri, quote])
    assert (sorted(ended.stdout.splitlines()), ended.stderr) == (sorted(f"1 {name}" for name in ODD_NAMES), "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_that_its_shell_understands(shell: str, tmp_path: Path) -> None:
    script = run([str(PROGRAM), "completion", shell])
    assert (script.returncode, "_VIRT_JOBS_COMPLETE" in script.stdout) == (0, True)
    if shutil.which(shell) is not None:
        file = tmp_path / "script"
        file.write_text(script.stdout)
        checked = run([shell, "-n", str(file)])
        assert (checked.returncode, checked.stderr) == (0, "")
