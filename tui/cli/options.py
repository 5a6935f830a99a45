"""Arguments, options and help texts that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    Items = list[CompletionItem[str]]

json_option = click.option("--json", "as_json", is_flag=True, help="Output JSON Lines.")


def example(*commands: str) -> str:
    """The end of a command's help: command lines that can be copied, each on a line of its own."""
    return "\n".join(["\b", "Example:", *(f"  {command}" for command in commands)])


def complete_domains(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    from tui.cli import completion

    return completion.domains(context, incomplete)


def complete_disks(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    from tui.cli import completion

    return completion.disks(context, incomplete)


def complete_recorded(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    from tui.cli import completion

    return completion.recorded(context, incomplete)


def complete_uris(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    from tui.cli import completion

    return completion.uris(context, incomplete)


def complete_files(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    from click.shell_completion import CompletionItem

    return [CompletionItem(incomplete, type="file")]


domain_argument = click.argument("domain", metavar="DOMAIN", shell_complete=complete_domains)
disk_option = click.option(
    "--disk",
    metavar="DISK",
    shell_complete=complete_disks,
    help="The block job of that disk (vda), instead of the domain's own job.",
)
