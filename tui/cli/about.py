"""Commands about virt-jobs itself."""

from __future__ import annotations

import sys

import click

from tui.cli.common import subcommand
from tui.cli.exits import Exit
from tui.cli.options import example, json_option
from tui.cli.target import Target


@subcommand(epilog=example("virt-jobs -c qemu:///system doctor"))
@json_option
@click.pass_obj
def doctor(target: Target, as_json: bool) -> None:
    """Check the installation, the hypervisors and your permissions.

    Prints one finding per line: ok, note, or attention with what to do about it. Exits with 1 if anything needs
    attention. No domain is touched.
    """
    from tui.cli.doctor import report

    sys.exit(Exit.COMPLETED if report(target, as_json) else Exit.FAILED)


@subcommand("completion", epilog=example('eval "$(virt-jobs completion bash)"'))
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def print_completion(shell: str) -> None:
    """Print the script that sets up completion in a shell.

    It completes commands, options, URIs and domains. To load it in every new shell, add the line below to ~/.bashrc;
    for zsh, the same with zsh to ~/.zshrc, after compinit; for fish, write the script to
    ~/.config/fish/completions/virt-jobs.fish.
    """
    from tui.cli import completion

    context = click.get_current_context()
    print(completion.script(shell, context.find_root().command), end="")


@subcommand("man", epilog=example("virt-jobs man | man -l -"))
def print_manual() -> None:
    """Print the manual page in roff format."""
    from tui.cli import man

    root = click.get_current_context().find_root().command
    assert isinstance(root, click.Group)
    print(man.page(root), end="")
