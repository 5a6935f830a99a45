"""Commands about virt-jobs itself."""

from __future__ import annotations

import sys

import click

from tui.cli.exits import Exit
from tui.cli.options import json_option
from tui.cli.target import Target


@click.command()
@json_option
@click.pass_obj
def doctor(target: Target, as_json: bool) -> None:
    """Tell what is installed, which hypervisors answer, and what can be done there, without touching a domain.

    A line a finding: ok, note, or attention and what to do. Exits with 1 where something needs attention.
    """
    from tui.cli.doctor import report

    sys.exit(Exit.COMPLETED if report(target, as_json) else Exit.FAILED)


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def print_completion(shell: str) -> None:
    """Print the script that completes commands, options, URIs and domains in a shell.

    For good: add eval "$(virt-jobs completion bash)" to ~/.bashrc (with zsh to ~/.zshrc, after compinit), or for fish:
    virt-jobs completion fish > ~/.config/fish/completions/virt-jobs.fish
    """
    from tui.cli import completion

    context = click.get_current_context()
    print(completion.script(shell, context.find_root().command), end="")


@click.command("man")
def print_manual() -> None:
    """Print the manual page, in roff; to read it: virt-jobs man | man -l -"""
    from tui.cli import man

    root = click.get_current_context().find_root().command
    assert isinstance(root, click.Group)
    print(man.page(root), end="")
