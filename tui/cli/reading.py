"""Commands that only read, and need no hypervisor."""

from __future__ import annotations

import sys

import click

from backend.text import clean
from tui.cli import tables
from tui.cli.common import subcommand
from tui.cli.exits import Exit
from tui.cli.layout import terminal_width, wrapped
from tui.cli.options import complete_files, example, json_option
from tui.cli.output import print_json


@subcommand(
    short_help="Identify a dump file's format and check its completeness.",
    epilog=example("virt-jobs inspect /var/tmp/web-01.elf"),
)
@click.argument("file", metavar="FILE", shell_complete=complete_files)
@json_option
def inspect(file: str, as_json: bool) -> None:
    """Identify a dump file's format and check whether it is complete.

    Exits with 0 if it is complete, 1 if it is not, and 6 if that cannot be determined.
    """
    from dataclasses import asdict

    from backend.files.inspect import inspect as inspect_file

    dump = inspect_file(file)
    if as_json:
        print_json(asdict(dump) | {"bytes": dump.size})
    else:
        width, indent = terminal_width(), tables.LABEL_WIDTH
        print("\n".join(part for line in tables.dump_file_lines(dump) for part in wrapped(line, width, indent)))
    sys.exit({True: Exit.COMPLETED, False: Exit.FAILED, None: Exit.UNPROVEN}[dump.whole])


@subcommand(
    "config", short_help="Show the config file's location and effective settings.", epilog=example("virt-jobs config")
)
@json_option
def show_config(as_json: bool) -> None:
    """Show the config file's location and the effective settings as TOML."""
    from tui.config import console, toml_text
    from tui.config.values import load

    config = load()
    console.check(config)
    values = config.values() | {"keymap": console.effective_keymap(config.keymap)}
    path, exists = str(config.source.path), config.source.path.exists()
    if as_json:
        print_json({"path": path, "exists": exists} | values)
    else:
        print(f"# {clean(path)}{'' if exists else ' (not found; these are the defaults)'}\n")
        print(toml_text.written(values), end="")
