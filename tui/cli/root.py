"""The command `virt-jobs` and its common options. A command is loaded when it is asked for, and imports what only it
needs, so that `list` starts quickly and only the console loads Textual."""

from __future__ import annotations

import gc
import os
import sys
import warnings
from collections import UserDict
from importlib import import_module
from typing import Any

import click

from backend.log import log_details
from backend.text import clean
from tui.cli.choices import choices
from tui.cli.common import common_options
from tui.cli.hints import UsageHint, command_line
from tui.cli.options import example
from tui.cli.target import Target

COMMANDS = {
    "list": "listing:list_domains",
    "info": "info:info",
    "dump": "jobs:dump",
    "run": "command:run",
    "wait": "jobs:wait",
    "watch": "watch:watch",
    "abort": "abort:abort",
    "resume": "jobs:resume",
    "migration": "migration:migration",
    "history": "history:history",
    "inspect": "reading:inspect",
    "config": "reading:show_config",
    "witness": "witness:witness",
    "doctor": "about:doctor",
    "completion": "about:print_completion",
    "man": "about:print_manual",
}
"""Where each command is: its module beside this one, and its name there."""
VIRSH = {"domjobinfo": "info", "domjobabort": "abort"}
"""Commands of virsh that are called otherwise here."""


def _print_version(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        from tui.cli.versions import version_lines

        print("\n".join(version_lines()))
        context.exit()


class LoadedOnRequest(UserDict[str, click.Command]):
    """COMMANDS, each loaded when it is first asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.data = dict.fromkeys(COMMANDS)  # type: ignore[assignment]

    def __getitem__(self, name: str) -> click.Command:
        if self.data[name] is None:
            module, _, command = COMMANDS[name].partition(":")
            self.data[name] = getattr(import_module(f"tui.cli.{module}"), command)
        return self.data[name]


class Program(click.Group):
    """The command itself, with the common options below its own."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.commands = LoadedOnRequest()
        self.params[:0] = common_options()

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] in VIRSH and not ctx.resilient_parsing:
            ours = command_line(choices(ctx).uris, VIRSH[args[0]], *args[1:])
            raise UsageHint(f"{args[0]} is a command of virsh; use: {ours}")
        return super().resolve_command(ctx, args)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from tui.cli.man import EXITS

        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code.value), words) for code, words in EXITS.items()])
        super().format_epilog(ctx, formatter)


@click.group(
    cls=Program,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=example("virt-jobs -c qemu:///system", "virt-jobs --demo", "virt-jobs list -c hv1 -c hv2"),
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show versions."
)
@click.pass_context
def cli(context: click.Context) -> None:
    """Watch the jobs of virtual machines, dump their memory, and learn how each job really ended.

    Without a command, this opens the console.

    DOMAIN is an id, a uuid or a name, tried in this order. Put -- before a name that starts with a dash.

    These options are accepted before a command and after it. virt-jobs COMMAND --help shows those of the command, with
    examples.
    """
    if context.invoked_subcommand is None:
        chosen = choices(context)
        if chosen.debug:
            log_details(on_stderr=False)
        open_console(Target.of(chosen))


def open_console(target: Target) -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        listing = command_line(target.named, "list", options=["--json"])
        raise UsageHint(f"the console needs a terminal; in scripts use: {listing}")
    if os.environ.get("TERM") == "dumb":
        listing = command_line(target.named, "list")
        raise UsageHint(f"the console does not work on a dumb terminal (TERM=dumb); use: {listing}")
    # At Textual's 60 frames a second, a key waits for up to two frames whenever domains have just changed.
    os.environ.setdefault("TEXTUAL_FPS", "1000")
    # With Python's default thresholds, the many short-lived numbers cause garbage collections of up to 70 ms.
    gc.set_threshold(10_000, 20, 20)
    from tui.app import Console
    from tui.config.console import check

    check(target.config)
    console = Console(list(target.uris), target.readonly, target.config)
    warnings.showwarning = lambda message, *_: console.notify(clean(str(message)), severity="warning", markup=False)
    console.suit_colours()
    console.run(mouse=target.config.mouse)
    sys.exit(console.return_code)


if "_VIRT_JOBS_COMPLETE" in os.environ:
    # A shell requests completion: this module adds to click's own.
    import tui.cli.completion  # noqa: F401
