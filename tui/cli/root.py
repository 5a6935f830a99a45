"""The command itself. What a command alone needs, it loads itself: `list` is to be quick, and only the console is to
import textual."""

from __future__ import annotations

import gc
import os
import sys
import warnings

import click

from backend.log import log_details
from backend.text import clean
from tui.cli import itself, jobs, reading
from tui.cli.options import complete_uris
from tui.cli.target import DEMO, Target


def _print_version(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        from tui.cli.versions import version_lines

        print("\n".join(version_lines()))
        context.exit()


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-c",
    "--connect",
    "uris",
    multiple=True,
    metavar="URI",
    shell_complete=complete_uris,
    help="A libvirt URI, sim:///NAME or an alias; repeatable.",
)
@click.option("--demo", is_flag=True, help=f"The simulator: the same as -c {DEMO}.")
@click.option("-r", "--readonly", is_flag=True, help="Connect read-only.")
@click.option("--debug", is_flag=True, help="Log every detail; commands also show it, with tracebacks, on stderr.")
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show versions."
)
@click.pass_context
def cli(context: click.Context, uris: tuple[str, ...], demo: bool, readonly: bool, debug: bool) -> None:
    """Watch the jobs of virtual machines, dump their memory, and learn truthfully how each job ended.

    Without a command, the console opens.

    A DOMAIN is named by its id, its uuid or its name, looked for in this order; before one that begins with a dash
    goes --.
    """
    if debug:
        log_details(on_stderr=context.invoked_subcommand is not None)
    context.obj = Target((*uris, DEMO) if demo else uris, readonly)
    if context.invoked_subcommand is None:
        open_console(context.obj)


def open_console(target: Target) -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("the console needs a terminal; for scripts there is: virt-jobs list --json")
    if os.environ.get("TERM") == "dumb":
        raise click.UsageError("the console cannot be shown on a dumb terminal (TERM=dumb); there is: virt-jobs list")
    # At Textual's 60 a second, the answer to a key waits for up to two frames whenever domains have just changed.
    os.environ.setdefault("TEXTUAL_FPS", "1000")
    # With Python's own thresholds the many short-lived numbers of jobs set off searches for garbage, of up to 70 ms.
    gc.set_threshold(10_000, 20, 20)
    from tui.app import Console
    from tui.config.console import check

    check(target.config)
    console = Console(list(target.uris), target.readonly, target.config)
    warnings.showwarning = lambda message, *_: console.notify(clean(str(message)), severity="warning", markup=False)
    console.run()
    sys.exit(console.return_code)


for command in (
    reading.list_domains,
    reading.info,
    jobs.dump,
    jobs.wait,
    jobs.abort,
    jobs.resume,
    reading.history,
    reading.inspect,
    reading.show_config,
    itself.doctor,
    itself.print_completion,
    itself.print_manual,
):
    cli.add_command(command)

if "_VIRT_JOBS_COMPLETE" in os.environ:
    # A shell asks: it gets what this adds to click's own ways of telling it.
    import tui.cli.completion  # noqa: F401
