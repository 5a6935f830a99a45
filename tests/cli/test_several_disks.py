"""A domain of the demonstration with jobs on two of its disks, only one of which becomes ready."""

from __future__ import annotations

import pytest

from tests.cli.command import one_line, timed_out, virt_jobs
from tests.eventually import eventually

DEMO = "sim:///demo"
NAME = "files-01"


def test_each_has_a_line() -> None:
    lines = [line for line in virt_jobs("-c", DEMO, "list").stdout.splitlines() if NAME in line]
    assert [" block pull vda " in lines[0], " block copy vdb " in lines[1], len(lines)] == [True, True, 2]


@pytest.mark.parametrize(
    ("command", "code"), [(["wait", "--operation", "any"], 2), (["wait"], 3), (["abort"], 3)], ids=str
)
def test_a_command_that_could_mean_both_names_them(command: list[str], code: int) -> None:
    ended = virt_jobs("-c", DEMO, *command, NAME)
    assert (ended.returncode, one_line(ended.stderr)) == (code, True)
    assert "block pull of vda, block copy of vdb" in ended.stderr


def test_the_operation_may_tell_them_apart() -> None:
    ended, seconds = timed_out("-c", DEMO, "wait", NAME, "--operation", "block-pull")
    assert (ended.returncode, ended.stderr) == (
        124,
        f"virt-jobs: files-01: timed out after {seconds} s; the job is still running\n",
    )


def test_only_one_of_them_can_become_ready() -> None:
    ended, _ = timed_out("-c", DEMO, "wait", NAME, "--ready", "--json")
    assert ended.returncode == 124
    assert '"disk": "vdb"' in ended.stdout.splitlines()[0]


def test_an_abort_ends_the_one_that_is_named() -> None:
    ended = virt_jobs("-c", DEMO, "abort", NAME, "--disk", "vda")
    assert (ended.returncode, ended.stdout) == (0, "files-01: abort requested (block pull of vda)\n")
    eventually(lambda: "block pull vda" not in virt_jobs("-c", DEMO, "list").stdout)
    assert "block copy vdb" in virt_jobs("-c", DEMO, "list").stdout


def test_several_domains_each_have_their_own_disk() -> None:
    ended, seconds = timed_out("-c", DEMO, "wait", NAME, "git-01", "db-01", "--ready")
    assert ended.returncode == 3
    assert sorted(ended.stderr.splitlines()) == [
        "virt-jobs: db-01 has no block job that becomes ready",
        f"virt-jobs: files-01: timed out after {seconds} s; the job is still running",
        f"virt-jobs: git-01: timed out after {seconds} s; the job is still running",
    ]


def test_backups_say_whether_a_client_reads_them() -> None:
    listed = virt_jobs("-c", DEMO, "list").stdout
    assert " push backup " in listed
    assert " pull backup (scratch " in listed


def test_dump_takes_virshs_verbose(tmp_path: object) -> None:
    ended = virt_jobs("-c", "sim:///quick?domains=1&jobs=0&memory=1", "dump", "vm-01", f"{tmp_path}/d", "--verbose")
    assert (ended.returncode, ended.stderr) == (0, "")
