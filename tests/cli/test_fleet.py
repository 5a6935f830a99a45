"""Commands over several hypervisors: all of them asked at once, and each domain on one of them."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.cli.command import follow, one_line, virt_jobs
from tests.simulator_hold import Hold

A, B = "sim:///a?domains=2&jobs=0&memory=1", "sim:///b?domains=3&jobs=0&memory=1"
NOBODY = "sim:///nobody?domains=x"
DEAD = "qemu+unix:///system?socket=/nonexistent/socket"
BOTH = ("-c", A, "-c", B)


def hosts(ended: subprocess.CompletedProcess[str]) -> list[str]:
    """The URI of each line of JSON."""
    return [json.loads(line)["uri"] for line in ended.stdout.splitlines()]


def test_hosts_are_listed_in_the_order_in_which_they_were_named() -> None:
    assert hosts(virt_jobs("-c", B, "-c", A, "list", "--json")) == [B, B, B, A, A]


def test_a_group_is_all_of_its_hosts(config: Path) -> None:
    config.write_text(f'[connections.first]\nuri = "{A}"\n[groups]\nfleet = ["first", "{B}"]\n')
    heading, _, *lines = virt_jobs("-c", "fleet", "list").stdout.splitlines()
    assert [line.split()[0] for line in (heading, *lines)] == ["Host", "first", "first", *["sim:///b"] * 3]
    assert hosts(virt_jobs("-c", "fleet", "list", "--json")) == [A, A, B, B, B]


def test_a_group_may_be_what_opens_where_nothing_is_named(config: Path) -> None:
    config.write_text(f'connect = ["fleet"]\n[groups]\nfleet = ["{A}", "{B}"]\n')
    assert set(hosts(virt_jobs("list", "--json"))) == {A, B}


def test_a_slow_host_keeps_nobody_waiting() -> None:
    slow = "sim:///slow?domains=1&latency=20000"
    command = [sys.executable, "-m", "tui", "-c", slow, *BOTH, "list", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = [json.loads(process.stdout.readline())["uri"] for _ in range(5)]
        assert process.poll() is None
        process.kill()
    assert first == [A, A, B, B, B]


def test_lines_of_a_host_that_comes_late_stand_in_the_same_columns() -> None:
    listed = virt_jobs("-c", f"{A}&latency=400", "-c", B, "list").stdout.splitlines()
    assert len(listed) == 7
    assert {line.index(" vm-0") for line in listed[2:]} == {listed[0].index(" Name")}


@pytest.mark.hypervisor
def test_a_dead_host_has_one_line_and_hides_nobody() -> None:
    ended = virt_jobs("-c", DEAD, *BOTH, "list", "--json")
    assert (ended.returncode, one_line(ended.stderr)) == (7, True)
    assert DEAD in ended.stderr
    assert hosts(ended) == [A, A, B, B, B]


@pytest.mark.hypervisor
@pytest.mark.usefixtures("here")
def test_without_names_a_dead_host_is_told_of_and_the_others_are_waited_on() -> None:
    ended = virt_jobs("-c", DEAD, *BOTH, "wait", "--operation", "dump")
    assert (ended.returncode, ended.stdout) == (7, "")
    dead, nothing = ended.stderr.splitlines()
    assert DEAD in dead
    assert nothing == "virt-jobs: no dump is running on sim:///a, sim:///b"
    outcomes, code = follow_next("-c", DEAD, *BOTH, "wait", "--next", then=("-c", B, "dump", "vm-03", "core"))
    assert (outcomes, code) == ([("vm-03", "completed")], 0)


def follow_next(*arguments: str, then: tuple[str, ...]) -> tuple[list[tuple[str, str]], int]:
    """The outcomes and exit code of a command that waits for the next job; `then` is the command that starts one."""
    command = [sys.executable, "-m", "tui", *arguments, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        assert {json.loads(process.stdout.readline())["uri"] for _ in range(2)} == {A, B}
        assert virt_jobs(*then).returncode == 0
        out, _ = process.communicate()
    lines = [json.loads(line) for line in out.splitlines()]
    return [(line["domain"], line["verdict"]) for line in lines if line["event"] == "outcome"], process.returncode


@pytest.mark.parametrize("command", [["info"], ["abort"], ["resume"], ["wait"], ["dump"]], ids=" ".join)
def test_a_name_that_several_hosts_have_is_never_acted_upon(command: list[str], tmp_path: Path) -> None:
    path = tmp_path / "core"
    ended = virt_jobs(*BOTH, *command, "vm-02", *([str(path)] if command == ["dump"] else []))
    assert (ended.returncode, ended.stdout, one_line(ended.stderr)) == (2, "", True)
    hint = shlex.join(["virt-jobs", "-c", A, *ended.args[4:]])
    assert ended.stderr == f"virt-jobs: domain 'vm-02' is on {A}, {B}: choose one of them, as in: {hint}\n"
    assert not path.exists()


def test_a_name_that_one_host_has_is_that_domain(tmp_path: Path) -> None:
    path = tmp_path / "core"
    ended = virt_jobs(*BOTH, "dump", "vm-03", str(path), "--json")
    assert ended.returncode == 0
    assert (json.loads(ended.stdout.splitlines()[-1])["uri"], path.exists()) == (B, True)
    [record] = virt_jobs(*BOTH, "history", "--json").stdout.splitlines()
    assert json.loads(record)["uri"] == B
    assert virt_jobs("-c", A, "history", "--json").stdout == ""


def test_a_name_that_no_host_has_is_said_with_all_of_them() -> None:
    ended = virt_jobs(*BOTH, "info", "nobody")
    assert (ended.returncode, ended.stderr) == (7, "virt-jobs: no domain 'nobody' on sim:///a, sim:///b\n")


@pytest.mark.hypervisor
def test_where_a_host_is_dead_the_domain_may_be_there() -> None:
    ended = virt_jobs(*BOTH, "-c", DEAD, "info", "nobody")
    assert (ended.returncode, one_line(ended.stderr)) == (7, True)
    assert "no domain 'nobody' on sim:///a, sim:///b; " in ended.stderr
    assert f"cannot connect to {DEAD}" in ended.stderr


@pytest.mark.hypervisor
def test_a_dead_host_does_not_hide_a_domain_of_another_one() -> None:
    ended = virt_jobs(*BOTH, "-c", DEAD, "info", "vm-03")
    assert (ended.returncode, one_line(ended.stderr)) == (0, True)
    assert ended.stdout.startswith("Job type:")
    assert DEAD in ended.stderr


def test_a_uri_that_means_nothing_stops_a_command_that_acts() -> None:
    ended = virt_jobs(*BOTH, "-c", NOBODY, "resume", "vm-03")
    assert (ended.returncode, one_line(ended.stderr)) == (2, True)
    assert "domains=x" in ended.stderr


def test_domains_on_several_hosts_are_waited_for_at_once() -> None:
    uris = ("sim:///a?domains=1&jobs=0&memory=16", "sim:///b?domains=2&jobs=0&memory=16")
    folder = Path(os.environ["XDG_STATE_HOME"])
    listed = virt_jobs("-c", uris[0], "-c", uris[1], "list", "--json").stdout.splitlines()
    first = json.loads(listed[0])["uuid"]
    dumps = [("vm-01", folder / "vm-01.core"), ("vm-02", folder / "vm-02.core")]
    hosts = ("-c", uris[0], "-c", uris[1])
    with ExitStack() as holds:
        for uri, (name, path) in zip(uris, dumps, strict=True):
            holds.enter_context(Hold(uri))
            assert virt_jobs("-c", uri, "dump", name, str(path), "--detach").returncode == 0
        outcomes, code = follow(*hosts, "wait", first, "vm-02", domains={"vm-01", "vm-02"}, then=holds.close)
    assert {(line["uri"], line["domain"], line["verdict"]) for line in outcomes} == {
        (uris[0], "vm-01", "completed"),
        (uris[1], "vm-02", "completed"),
    }
    assert code == 0
