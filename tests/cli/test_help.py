"""``--help`` of every command: nothing is cut off, and an example to copy comes last."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from tui.cli.root import cli

COLUMNS = 80


def groups_and_commands(command: click.Command, *path: str) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, click.Group):
        for name, subcommand in command.commands.items():
            yield from groups_and_commands(subcommand, *path, name)


PATHS = [*groups_and_commands(cli)]


def help_of(path: tuple[str, ...]) -> str:
    shown = CliRunner().invoke(cli, [*path, "--help"], prog_name="virt-jobs", terminal_width=COLUMNS)
    assert shown.exit_code == 0
    return shown.output


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_help_fits_the_terminal(path: tuple[str, ...]) -> None:
    assert all(len(line) <= COLUMNS for line in help_of(path).splitlines())


def test_no_summary_is_cut_off_or_takes_two_lines() -> None:
    _, _, commands = help_of(()).partition("\nCommands:\n")
    lines = commands.partition("\n\n")[0].splitlines()
    assert [line.split()[0] for line in lines] == sorted(cli.commands)
    assert all(line.endswith(".") and not line.endswith("..") for line in lines), commands


@pytest.mark.parametrize("path", PATHS, ids=" ".join)
def test_help_ends_with_an_example_that_is_a_command_line(path: tuple[str, ...]) -> None:
    _, heading, example = help_of(path).rpartition("\n  Example:\n")
    assert heading
    lines = example.strip().splitlines()
    assert lines
    for line in lines:
        text = line.strip().removeprefix('eval "$(').removesuffix(')"').partition(" |")[0]
        program, *arguments = shlex.split(text)
        assert program == "virt-jobs"
        while arguments[0] == "-c" and path:
            arguments = arguments[2:]
        assert tuple(arguments[: len(path)]) == path
        (cli.commands[path[0]] if path else cli).make_context(program, arguments[len(path) :])
