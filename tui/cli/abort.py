"""The command `abort`: requests the end of a job, or that its domain continue on what it has mirrored to."""

from __future__ import annotations

import asyncio

import click

from backend.base import Backend
from backend.errors import BackendError, NoJob
from backend.job_stats import JobStats
from backend.model import DiskKey, DomainKey
from tui.cli.common import subcommand
from tui.cli.disks import find_mirror, other_jobs
from tui.cli.hints import command_line
from tui.cli.one_domain import open_domain
from tui.cli.options import disk_option, domain_argument, example
from tui.cli.output import note
from tui.cli.target import Target
from tui.words import aborting
from tui.words.job_names import name_of


@subcommand(
    epilog=example(
        "virt-jobs abort web-01",
        "virt-jobs abort db-01 --disk vda",
        "virt-jobs abort db-01 --pivot",
        "virt-jobs abort db-01 --run",
    )
)
@domain_argument
@disk_option
@click.option("--pivot", is_flag=True, help="Let the domain continue on what its ready block job has mirrored to.")
@click.option("--postcopy", is_flag=True, help="Interrupt a migration in its post-copy phase; both sides stay paused.")
@click.option("--run", "of_run", is_flag=True, help="End the command that virt-jobs run started, and no job.")
@click.pass_obj
def abort(target: Target, domain: str, disk: str | None, pivot: bool, postcopy: bool, of_run: bool) -> None:
    """Abort a domain's job, or that of a disk. Use `wait` to see how it actually ended.

    A block copy or an active block commit goes on as a mirror once it is ready. --pivot ends it and makes the domain
    continue on the copy, or on the base it was committed to; without --disk, it is the domain's only such job. An
    abort leaves the domain where it is.
    """
    if postcopy and (pivot or disk is not None):
        raise click.UsageError("--postcopy is about a migration: it cannot be used with --disk or --pivot")
    if of_run:
        if pivot or postcopy or disk is not None:
            raise click.UsageError("--run is about a command: it cannot be used with any other option")
        asyncio.run(_stop(target, domain))
        return

    async def request() -> None:
        async with open_domain(target, domain) as location:
            backend, key = location.backend, location.domain.key
            if pivot:
                await _pivot(backend, key, disk)
            elif disk is not None:
                await _abort_disk(backend, DiskKey(key, disk))
            else:
                await _abort(backend, key, postcopy)

    asyncio.run(request())


async def _stop(target: Target, name: str) -> None:
    from backend.running.command import stop_command
    from tui.cli.command import find_running
    from tui.words import runs

    record = await find_running(target, name)
    stop_command(record)
    print(f"{record.domain}: {runs.name(record)} was asked to end (SIGTERM to process group {record.command_pid})")
    if record.open_jobs:
        again = command_line([record.uri], "abort", record.domain)
        note(f"{record.domain}: the job that it has caused goes on; abort it with: {again}")


async def _abort(backend: Backend, domain: DomainKey, postcopy: bool) -> None:
    job = await _known(backend, domain)
    try:
        await backend.abort(domain, postcopy)
    except NoJob as error:
        raise (not postcopy and await other_jobs(backend, domain)) or error from None
    print(f"{domain.name}: abort requested")
    if consequence := aborting.postcopy_interrupted() if postcopy else aborting.consequence(job):
        note(f"{domain.name}: {consequence}")


async def _abort_disk(backend: Backend, key: DiskKey) -> None:
    job = await _known(backend, key)
    await backend.abort(key)
    print(f"{key.domain.name}: abort requested ({name_of(job) if job is not None else key.disk})")


async def _pivot(backend: Backend, domain: DomainKey, disk: str | None) -> None:
    mirror = await find_mirror(backend, domain, disk)
    assert mirror.disk is not None
    await backend.pivot(DiskKey(domain, mirror.disk))
    print(f"{domain.name}: pivot requested ({name_of(mirror)})")


async def _known(backend: Backend, key: DomainKey | DiskKey) -> JobStats | None:
    """The job, as a courtesy to the user: the abort itself says what is wrong."""
    try:
        return await backend.job(key)
    except BackendError:
        return None
