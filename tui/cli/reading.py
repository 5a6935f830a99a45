"""Commands that look, and touch nothing."""

from __future__ import annotations

import asyncio
import sys

import click

from backend.base import Backend
from backend.errors import BackendError
from backend.model import Domain, JobStats
from backend.text import clean
from tui.cli import exits, listing
from tui.cli.exits import Exit
from tui.cli.options import domain_argument, json_option
from tui.cli.output import complain, print_json
from tui.cli.target import Target

FOLLOW_INTERVAL = 0.5
"""Seconds between two prints of `info --follow`."""


@click.command("list")
@json_option
@click.pass_obj
def list_domains(target: Target, as_json: bool) -> None:
    """List all domains and their jobs."""
    rows: list[list[str]] = []
    failures: list[BackendError] = []
    for uri in target.uris:
        try:
            found = asyncio.run(_domains_and_jobs(target.backend(uri)))
        except BackendError as error:
            complain(f"{uri}: {error}")
            failures.append(error)
            continue
        for domain, job in found:
            if as_json:
                print_json(listing.domain_json(uri, domain, job))
            else:
                rows.append([*([uri] if len(target.uris) > 1 else []), *listing.domain_row(domain, job)])
    if not as_json and len(failures) < len(target.uris):
        headings = (*(["Host"] if len(target.uris) > 1 else []), *listing.DOMAIN_HEADINGS)
        print("\n".join(listing.table(headings, rows)))
    if failures:
        sys.exit(exits.of_error(failures[0]))


async def _domains_and_jobs(backend: Backend) -> list[tuple[Domain, JobStats | None]]:
    async with backend:
        domains = await backend.domains()
        jobs = await backend.jobs([domain.key for domain in domains if domain.active and domain.answering])
    found = ((domain, jobs.get(domain.key)) for domain in domains)
    return [(domain, job if isinstance(job, JobStats) else None) for domain, job in found]


@click.command()
@domain_argument
@click.option("--follow", "following", is_flag=True, help="Print again until the job is over.")
@click.option("--completed", is_flag=True, help="The stats that the last job left, where it left any; they stay.")
@json_option
@click.pass_obj
def info(target: Target, domain: str, following: bool, completed: bool, as_json: bool) -> None:
    """Show the stats of a domain's job, line by line as virsh domjobinfo does."""
    from tui.cli import jobinfo

    if following and completed:
        raise click.UsageError("--follow and --completed are mutually exclusive")

    async def show() -> None:
        async with target.backend() as backend:
            found = await backend.find(domain)
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
@click.argument("domain", required=False, metavar="[DOMAIN]")
@json_option
@click.pass_obj
def history(target: Target, domain: str | None, as_json: bool) -> None:
    """List the dumps that were asked for on this machine, and how they ended."""
    from backend.journal import Journal

    records = [
        record
        for record in Journal().history()
        if domain in (None, record.domain, record.uuid) and (not target.named or record.uri in target.named)
    ]
    if as_json:
        for record in records:
            print_json(record.to_json())
    else:
        print("\n".join(listing.table(listing.RECORD_HEADINGS, [listing.record_row(record) for record in records])))


@click.command()
@click.argument("file", metavar="FILE")
@json_option
def inspect(file: str, as_json: bool) -> None:
    """Tell what format a dump file really has, and whether it is whole (exit 0), not (1), or unknown (6)."""
    from dataclasses import asdict

    from backend import dumpfile

    found = dumpfile.inspect(file)
    if as_json:
        print_json(asdict(found))
    else:
        print("\n".join(listing.dump_file_lines(found)))
    sys.exit({True: Exit.COMPLETED, False: Exit.FAILED, None: Exit.UNPROVEN}[found.whole])


@click.command("config")
@json_option
def show_config(as_json: bool) -> None:
    """Print where the config is, and what holds now, as it could stand there."""
    from tui.config import check as config_check
    from tui.config import toml_text
    from tui.config import values as config

    found = config.load()
    config_check.check(found)
    values = found.values() | {"keymap": config_check.effective(found.keymap)}
    path, exists = str(found.source.path), found.source.path.exists()
    if as_json:
        print_json({"path": path, "exists": exists} | values)
    else:
        print(f"# {clean(path)}{'' if exists else ' is not there: this is what holds without it'}\n")
        print(toml_text.written(values), end="")
