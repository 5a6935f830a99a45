"""-c, -r, -q, --demo and --debug before a command and after it, and virsh's spellings."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import click
import pytest

from tests.cli.command import QUICK, one_line, virt_jobs
from tui.cli.choices import choices
from tui.cli.command import run
from tui.cli.common import CommonOption
from tui.cli.exits import Exit
from tui.cli.root import cli

OTHER = "sim:///other?domains=1&jobs=0"
DEMO = "sim:///demo"


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_accepts_them(name: str) -> None:
    own = {option for parameter in cli.params for option in parameter.opts if isinstance(parameter, CommonOption)}
    assert own == {"-c", "--connect", "--demo", "-r", "--readonly", "-q", "--quiet", "--debug"}
    assert own <= {option for parameter in cli.commands[name].params for option in parameter.opts}


def test_hosts_before_and_after_the_command_add_up() -> None:
    ended = virt_jobs("-c", QUICK, "list", "--json", "-c", OTHER, "--connect=sim:///more?domains=1&jobs=0")
    uris = {json.loads(line)["uri"] for line in ended.stdout.splitlines()}
    assert (ended.returncode, uris) == (0, {QUICK, OTHER, "sim:///more?domains=1&jobs=0"})
    assert virt_jobs("list", "--demo", "--name").stdout == virt_jobs("--demo", "list", "--name").stdout != ""


def test_read_only_after_the_command_is_read_only() -> None:
    before, after = virt_jobs("-r", "-c", QUICK, "resume", "vm-01"), virt_jobs("resume", "vm-01", "-c", QUICK, "-r")
    assert (after.returncode, after.stderr) == (before.returncode, before.stderr)
    assert (after.returncode, "read only" in after.stderr) == (Exit.UNREACHABLE, True)


def test_debug_after_the_command_shows_details() -> None:
    assert "backend.errors.NoSuchDomain" in virt_jobs("info", "nobody", "-c", QUICK, "--debug").stderr


def test_quiet_leaves_out_headings_and_hints(tmp_path: Path) -> None:
    assert virt_jobs("list", "-q", "-c", QUICK).stdout == (" 1    vm-01   running\n 2    vm-02   running\n")
    virt_jobs("-c", QUICK, "dump", "vm-01", str(tmp_path / "core"))
    heading, rule, *rows = virt_jobs("history").stdout.splitlines()
    assert virt_jobs("history", "-q").stdout.splitlines() == rows != []
    assert heading.split()[0] == "Began"
    assert set(rule) == {"-"}


def test_quiet_prints_errors_and_results(tmp_path: Path) -> None:
    ended = virt_jobs("-q", "-c", QUICK, "dump", "vm-01", str(tmp_path / "core"))
    assert "vm-01: dump completed" in ended.stdout
    assert one_line(virt_jobs("-q", "-c", QUICK, "info", "nobody").stderr)


def test_all_is_accepted_and_states_are_selected() -> None:
    everything = virt_jobs("list", "--demo", "--name").stdout.split("\n")
    assert virt_jobs("list", "--demo", "--all", "--name").stdout.split("\n") == everything

    def names(*options: str) -> set[str]:
        lines = virt_jobs("-c", DEMO, "list", "--json", *options).stdout.splitlines()
        return {json.loads(line)["domain"] for line in lines}

    assert names("--inactive") == names("--state-shutoff") == {"build-02"}
    paused, running = names("--state-paused"), names("--state-running")
    assert "ldap-01" in paused
    assert paused & running == set()
    assert {"build-02", "ldap-01"} <= names("--state-paused", "--inactive")
    assert virt_jobs("list", "--demo", "--name", "--json").returncode == Exit.USAGE


@pytest.mark.parametrize(("virsh", "ours"), [("domjobinfo", "info"), ("domjobabort", "abort")])
def test_a_command_of_virsh_names_the_one_here(virsh: str, ours: str) -> None:
    ended = virt_jobs("-c", QUICK, virsh, "a b")
    hint = shlex.join(["virt-jobs", "-c", QUICK, ours, "a b"])
    assert (ended.returncode, ended.stderr) == (
        Exit.USAGE,
        f"virt-jobs: {virsh} is a command of virsh; use: {hint}\n",
    )


@pytest.mark.parametrize(
    ("words", "domain", "command", "uris"),
    [
        (["db", "--", "ls", "-c", "x"], "db", ("ls", "-c", "x"), []),
        (["-c", "x", "db", "--detach", "--", "rsync", "-r"], "db", ("rsync", "-r"), ["x"]),
        (["db", "-c", "x", "true"], "db", ("true",), ["x"]),
        (["--", "-db", "--", "ls", "-q"], "-db", ("--", "ls", "-q"), []),
        (["db", "--wait", "-q"], "db", (), []),
        (["db", "true", "--detach"], "db", ("true",), []),
    ],
)
def test_what_is_run_keeps_its_options(
    words: list[str], domain: str, command: tuple[str, ...], uris: list[str]
) -> None:
    with run.make_context("run", list(words), parent=click.Context(cli, **cli.context_settings)) as context:
        assert (context.params["domain"], context.params["command"]) == (domain, command)
        assert choices(context).uris == uris


def test_an_option_that_could_be_of_either_is_refused_with_the_command_line_that_is_right() -> None:
    ended = virt_jobs("-c", QUICK, "run", "vm-01", "rsync", "-r", "a b")
    hint = shlex.join(["virt-jobs", "-c", QUICK, "run", "vm-01", "--", "rsync", "-r", "a b"])
    assert (ended.returncode, ended.stderr) == (
        Exit.USAGE,
        f"virt-jobs: options of COMMAND need a -- before it: {hint}\n",
    )


def test_the_choices_of_one_command_line_are_not_those_of_another() -> None:
    assert click.get_current_context(silent=True) is None
    virt_jobs("-q", "-c", QUICK, "list")
    assert virt_jobs("-c", QUICK, "list").stdout.startswith(" Id ")
