"""The manual page: all commands and options are in it, and roff has nothing to say against it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import click
import pytest

from tui.cli import man
from tui.cli.common import CommonOption
from tui.cli.exits import Exit
from tui.cli.root import cli
from tui.config.values import Config


def shown() -> str:
    """The page as text, without roff's own marks."""
    return re.sub(r"\\f[BR]|\\[&:]", "", man.page(cli)).replace(r"\-", "-").replace(r"\(ti", "~")


def test_the_command_prints_it() -> None:
    ended = subprocess.run([sys.executable, "-m", "tui", "man"], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, man.page(cli))


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_every_command_is_in_it_with_its_options(name: str) -> None:
    section = re.search(rf"^\.SS {re.escape(name)}\n(.*?)^\.S[SH] ", shown(), re.DOTALL | re.MULTILINE)
    assert section is not None
    context = click.Context(cli.commands[name])
    own = [parameter for parameter in cli.commands[name].params if not isinstance(parameter, CommonOption)]
    for parameter in own:
        wanted = parameter.opts[-1] if isinstance(parameter, click.Option) else parameter.make_metavar(context)
        assert wanted in section[1]
    assert (cli.commands[name].help or "no help").split()[0] in section[1]


@pytest.mark.parametrize("option", [option for parameter in cli.params for option in parameter.opts])
def test_every_option_of_all_commands_is_in_it(option: str) -> None:
    assert option in shown()


def test_every_exit_code_is_in_it() -> None:
    assert set(man.EXITS) == set(Exit)


def test_everything_that_the_config_can_hold_is_in_it() -> None:
    assert {re.sub(r"[][]|\..*", "", key) for key in man.CONFIG} == set(Config().values())


def test_text_is_never_a_command_of_roff() -> None:
    command = click.Command("x", help=".so /etc/passwd\n\n'\\fBx~^-é")
    page = man.page(click.Group("g", help="G.", commands={"x": command}))
    assert "\n\\&.so /etc/passwd\n" in page
    assert "\n\\&'\\efBx\\(ti\\(ha\\-\\[u00E9]\n" in page


@pytest.mark.parametrize("width", [60, 80, 200])
@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_groff_has_nothing_to_complain_about(width: int) -> None:
    command = ["groff", "-man", "-Tutf8", "-P-cbou", "-ww", f"-rLL={width}n"]
    ended = subprocess.run(command, input=man.page(cli), capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "EXIT STATUS" in ended.stdout
