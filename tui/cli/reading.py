"""Commands that only read."""

from __future__ import annotations

import asyncio
import sys

import click

from backend.errors import BackendError
from backend.text import clean
from tui.cli import exits, hosts, tables
from tui.cli.exits import Exit
from tui.cli.fleet import host_error_line
from tui.cli.options import complete_files, example, json_option
from tui.cli.output import complain, print_json
from tui.cli.target import Target


@click.command(
    "list",
    short_help="List all domains and their jobs.",
    epilog=example("virt-jobs -c hv1 -c hv2 list", "virt-jobs list --json"),
)
@json_option
@click.pass_obj
def list_domains(target: Target, as_json: bool) -> None:
    """List all domains and their jobs, one line per job: the domain's own, and those of its disks."""
    errors = asyncio.run(_print_domains(target, as_json))
    if errors:
        sys.exit(exits.worst(map(exits.of_error, errors)))


async def _print_domains(target: Target, as_json: bool) -> list[BackendError]:
    """Print the domains of each hypervisor as it answers; return the errors of the others."""
    several = len(target.uris) > 1
    if several:
        table = tables.Table(["Host", *tables.DOMAIN_HEADINGS], [target.host(uri) for uri in target.uris])
    else:
        table = tables.Table(tables.DOMAIN_HEADINGS)
    errors = []
    answered: list[hosts.HostListing] = []
    async for batch in hosts.list_hosts(target):
        answered += batch
        peers = hosts.migration_peers(answered)
        rows = []
        for host in batch:
            for error in host.errors:
                errors.append(error)
                complain(host_error_line(target.host(host.uri), error))
            for jobs in host.domains:
                if as_json:
                    print_json(tables.domain_jobs_json(host.uri, jobs))
                else:
                    peer = peers.get((host.uri, jobs.domain.key.uuid))
                    cells = tables.domain_rows(jobs, target.host(peer) if peer else "")
                    rows += [[target.host(host.uri), *row] for row in cells] if several else cells
        if not as_json and any(host.error is None for host in batch):
            for line in table.lines(rows):
                print(line)
        sys.stdout.flush()
    return errors


@click.command(
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
        print_json(asdict(dump))
    else:
        print("\n".join(tables.dump_file_lines(dump)))
    sys.exit({True: Exit.COMPLETED, False: Exit.FAILED, None: Exit.UNPROVEN}[dump.whole])


@click.command(
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
