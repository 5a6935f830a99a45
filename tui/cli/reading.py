"""Commands that look, and touch nothing."""

from __future__ import annotations

import asyncio
import sys

import click

from backend.errors import BackendError
from backend.text import clean
from tui.cli import exits, listed, listing
from tui.cli.exits import Exit
from tui.cli.fleet import Fleet, of_host
from tui.cli.options import complete_files, complete_recorded, domain_argument, json_option
from tui.cli.output import complain, print_json
from tui.cli.target import Target

FOLLOW_INTERVAL = 0.5
"""Seconds between two prints of `info --follow`."""


@click.command("list")
@json_option
@click.pass_obj
def list_domains(target: Target, as_json: bool) -> None:
    """List all domains and their jobs."""
    errors = asyncio.run(_print_domains(target, as_json))
    if errors:
        sys.exit(exits.worst(map(exits.of_error, errors)))


async def _print_domains(target: Target, as_json: bool) -> list[BackendError]:
    """Print what each hypervisor has as it answers; why others did not."""
    several = len(target.uris) > 1
    if several:
        table = listing.Table(["Host", *listing.DOMAIN_HEADINGS], [target.host(uri) for uri in target.uris])
    else:
        table = listing.Table(listing.DOMAIN_HEADINGS)
    errors = []
    known: list[listed.Listed] = []
    async for hosts in listed.listed(target):
        known += hosts
        others = listed.other_hosts(known)
        rows = []
        for host in hosts:
            if host.error is not None:
                errors.append(host.error)
                complain(of_host(target.host(host.uri), host.error))
            for domain, job in host.domains:
                if as_json:
                    print_json(listing.domain_json(host.uri, domain, job))
                else:
                    other = others.get((host.uri, domain.key.uuid))
                    row = listing.domain_row(domain, job, target.host(other) if other else "")
                    rows.append([target.host(host.uri), *row] if several else row)
        if not as_json and any(host.error is None for host in hosts):
            for line in table.lines(rows):
                print(line)
        sys.stdout.flush()
    return errors


@click.command()
@domain_argument
@click.option("--follow", "following", is_flag=True, help="Print again until the job is over.")
@click.option("--completed", is_flag=True, help="The stats that the last job left, where it left any; they stay.")
@json_option
@click.pass_obj
def info(target: Target, domain: str, following: bool, completed: bool, as_json: bool) -> None:
    """Show the stats of a domain's job, line by line as virsh domjobinfo does."""
    from tui.words import jobinfo

    if following and completed:
        raise click.UsageError("--follow and --completed are mutually exclusive")

    async def show() -> None:
        async with Fleet(target) as fleet:
            place = await fleet.find(domain)
            backend, found = place.backend, place.domain
            while True:
                job = None
                if found.active:
                    job = await (backend.last_job if completed else backend.job)(found.key)
                if as_json:
                    print_json(listing.domain_json(backend.uri, found, job))
                else:
                    print("\n".join([*jobinfo.lines(job), ""]))
                if job is None or not following:
                    return
                await asyncio.sleep(FOLLOW_INTERVAL)

    asyncio.run(show())


@click.command()
@click.argument("domain", required=False, metavar="[DOMAIN]", shell_complete=complete_recorded)
@json_option
@click.pass_obj
def history(target: Target, domain: str | None, as_json: bool) -> None:
    """List the dumps that were asked for on this machine, and how they ended."""
    from backend.records.journal import Journal

    uris = target.uris if target.named else ()
    records = [
        record
        for record in Journal().history()
        if domain in (None, record.domain, record.uuid) and (not uris or record.uri in uris)
    ]
    if as_json:
        for record in records:
            print_json(record.to_json())
    else:
        several = len({record.uri for record in records}) > 1
        rows = [[*([clean(record.uri)] if several else []), *listing.record_row(record)] for record in records]
        print("\n".join(listing.table([*(["Host"] if several else []), *listing.RECORD_HEADINGS], rows)))


@click.command()
@click.argument("file", metavar="FILE", shell_complete=complete_files)
@json_option
def inspect(file: str, as_json: bool) -> None:
    """Tell what format a dump file really has, and whether it is whole (exit 0), not (1), or unknown (6)."""
    from dataclasses import asdict

    from backend.files import dumpfile

    found = dumpfile.inspect(file)
    if as_json:
        print_json(asdict(found))
    else:
        print("\n".join(listing.dump_file_lines(found)))
    sys.exit({True: Exit.COMPLETED, False: Exit.FAILED, None: Exit.UNPROVEN}[found.whole])


@click.command("config")
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
