"""The command `virt-jobs` and its common options. Each command imports what only it needs, so that `list` starts
quickly and only the console loads Textual."""

from __future__ import annotations

import gc
import os
import sys
import warnings

import click

from backend.log import log_details
from backend.text import clean
from tui.cli import abort, about, command, history, info, jobs, migration, reading, watch, witness
from tui.cli.options import complete_uris, example
from tui.cli.target import DEMO, Target


def _print_version(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        from tui.cli.versions import version_lines

        print("\n".join(version_lines()))
        context.exit()


@click.group(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=example("virt-jobs -c qemu:///system", "virt-jobs --demo"),
)
@click.option(
    "-c",
    "--connect",
    "uris",
    multiple=True,
    metavar="URI",
    shell_complete=complete_uris,
    help="A libvirt URI, sim:///NAME, an alias or a group; repeatable.",
)
@click.option("--demo", is_flag=True, help=f"Use the simulator; same as -c {DEMO}.")
@click.option("-r", "--readonly", is_flag=True, help="Connect read-only.")
@click.option("--debug", is_flag=True, help="Log every detail; commands also show it, with tracebacks, on stderr.")
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show versions."
)
@click.pass_context
def cli(context: click.Context, uris: tuple[str, ...], demo: bool, readonly: bool, debug: bool) -> None:
    """Watch the jobs of virtual machines, dump their memory, and learn how each job really ended.

    Without a command, this opens the console.

    DOMAIN is an id, a uuid or a name, tried in this order. Put -- before a name that starts with a dash.
    """
    if debug:
        log_details(on_stderr=context.invoked_subcommand is not None)
    context.obj = Target((*uris, DEMO) if demo else uris, readonly)
    if context.invoked_subcommand is None:
        open_console(context.obj)


def open_console(target: Target) -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("the console needs a terminal; in scripts use: virt-jobs list --json")
    if os.environ.get("TERM") == "dumb":
        raise click.UsageError("the console does not work on a dumb terminal (TERM=dumb); use: virt-jobs list")
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


for each in (
    reading.list_domains,
    info.info,
    jobs.dump,
    command.run,
    jobs.wait,
    watch.watch,
    abort.abort,
    jobs.resume,
    migration.migration,
    history.history,
    reading.inspect,
    reading.show_config,
    witness.witness,
    about.doctor,
    about.print_completion,
    about.print_manual,
):
    cli.add_command(each)

if "_VIRT_JOBS_COMPLETE" in os.environ:
    # A shell requests completion: this module adds to click's own.
    import tui.cli.completion  # noqa: F401
