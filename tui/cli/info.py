"""The command `info`: the statistics of one job."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass

import click

from backend.backup import Backup
from backend.base import Backend
from backend.errors import BackendError, NotAnswering
from backend.job_stats import JobStats
from backend.log import ignored
from backend.model import DiskKey, Domain, JobOperation
from backend.observing.attach_block import block_jobs_of
from backend.observing.last_known import known_last
from tui.cli import disks, silence, tables
from tui.cli.common import subcommand
from tui.cli.fleet import Fleet
from tui.cli.hosts import DomainJobs, automatic_dump
from tui.cli.options import disk_option, domain_argument, example, json_option
from tui.cli.output import complain, print_json
from tui.cli.target import Target
from tui.words import backups, states

logger = logging.getLogger(__name__)

FOLLOW_INTERVAL = 0.5
"""Seconds between two outputs of `info --follow`."""


@dataclass(frozen=True, slots=True)
class InfoOptions:
    """Which statistics to show, and how."""

    disk: str | None
    """None: those of the domain's own job."""
    completed: bool
    raw: bool
    any_stats: bool
    as_json: bool


@subcommand(
    short_help="Show job statistics in the format of virsh domjobinfo.",
    epilog=example(
        "virt-jobs info web-01", "virt-jobs info web-01 --follow --json", "virt-jobs info web-01 --disk vda"
    ),
)
@domain_argument
@disk_option
@click.option("--follow", "following", is_flag=True, help="Print repeatedly until the job has ended.")
@click.option("--completed", is_flag=True, help="Show the last finished job's statistics (and keep them).")
@click.option("--keep-completed", is_flag=True, help="Accepted for virsh compatibility; --completed always keeps them.")
@click.option("--anystats", "any_stats", is_flag=True, help="Show the statistics of a failed or cancelled job too.")
@click.option("--rawstats", "raw", is_flag=True, help="Show libvirt's own names and numbers.")
@json_option
@click.pass_obj
def info(
    target: Target,
    domain: str,
    disk: str | None,
    following: bool,
    completed: bool,
    keep_completed: bool,
    any_stats: bool,
    raw: bool,
    as_json: bool,
) -> None:
    """Show the statistics of a domain's job; the output is that of virsh domjobinfo, byte for byte.

    The job of a disk (--disk) is shown in the same format.
    """
    if following and completed:
        raise click.UsageError("--follow and --completed are mutually exclusive")
    if disk is not None and completed:
        raise click.UsageError("--disk and --completed are mutually exclusive: libvirt keeps nothing of block jobs")
    if keep_completed and not completed:
        raise click.UsageError("--keep-completed needs --completed")
    if raw and as_json:
        raise click.UsageError("--rawstats and --json are mutually exclusive")
    options = InfoOptions(disk, completed, raw, any_stats, as_json)

    async def show() -> None:
        async with Fleet(target) as fleet:
            location = await fleet.find(domain)
            try:
                present = await _show(location.backend, location.domain, options)
                await _complain_of(location.backend, location.domain, options, present)
                while present is not None and following:
                    await asyncio.sleep(FOLLOW_INTERVAL)
                    present = await _show(location.backend, location.domain, options)
            except NotAnswering as error:
                raise await _without_answer(location.backend, location.domain, options, error) from None

    asyncio.run(show())


async def _show(backend: Backend, domain: Domain, options: InfoOptions) -> JobStats | None:
    """Print the statistics once; return those of the job, if there is one. NoSuchDisk without such a disk."""
    domain, job = await _look(backend, domain, options)
    if job is None and domain.active and options.disk is not None:
        await disks.check(backend, domain.key, options.disk)
    if not options.as_json:
        print("\n".join([*_lines(job, options), ""]), flush=True)
        return job
    if options.disk is not None or options.completed:
        report = tables.domain_json(backend.uri, domain, job)
    else:
        of_disks = await block_jobs_of(backend, domain.key) if domain.active else ()
        automatic = await automatic_dump(backend, domain, job)
        report = tables.domain_jobs_json(backend.uri, DomainJobs(domain, job, of_disks, automatic))
    if (backup := await _backup(backend, domain, job, options)) is not None:
        report["job"]["backup"] = tables.backup_json(backup)
    print_json(report)
    return job


async def _look(backend: Backend, domain: Domain, options: InfoOptions) -> tuple[Domain, JobStats | None]:
    """The domain and the job that is meant; where both are shown, they are of the same moment."""
    job = await _job(backend, domain, options) if domain.active else None
    if not (domain.active and options.as_json) or options.completed:
        return domain, job
    status = (await backend.statuses([domain.key]))[domain.key]
    if isinstance(status, BackendError):
        raise status
    if options.disk is None:
        if isinstance(status.job, BackendError):
            raise status.job
        job = status.job
    return status.domain, job


async def _without_answer(backend: Backend, domain: Domain, options: InfoOptions, error: NotAnswering) -> NotAnswering:
    """Print what is known of a domain that does not answer; the error that says the same."""
    last = await known_last(backend, domain, error.message)
    if options.as_json:
        print_json(tables.domain_jobs_json(backend.uri, DomainJobs(last.domain, silence=last)))
    return silence.error(last)


async def _backup(backend: Backend, domain: Domain, job: JobStats | None, options: InfoOptions) -> Backup | None:
    """What the domain's running backup is made of; None without one, and where that is not told."""
    if options.completed or job is None or job.operation != JobOperation.BACKUP:
        return None
    with ignored(logger, "what the backup is made of is not shown", BackendError):
        return await backend.backup(domain.key)
    return None


async def _complain_of(backend: Backend, domain: Domain, options: InfoOptions, job: JobStats | None) -> None:
    """Say on stderr what the statistics, which are those that virsh prints, do not."""
    if options.as_json or not domain.active:
        return
    if job is None and options.disk is not None:
        complain(f"{domain.name} has no job on disk {options.disk}")
    elif job is None and not options.completed and (elsewhere := await disks.other_jobs(backend, domain.key)):
        complain(elsewhere.message)
    elif (backup := await _backup(backend, domain, job, options)) is not None:
        for line in backups.lines(backup):
            complain(f"{domain.name}: {line}")
    elif not options.completed and (dump := await automatic_dump(backend, domain, job)) is not None:
        complain(f"{domain.name}: dump {states.requester(dump)}" + (f" -> {dump.path}" if dump.path else ""))


async def _job(backend: Backend, domain: Domain, options: InfoOptions) -> JobStats | None:
    if options.completed:
        return await backend.last_job(domain.key)
    return await backend.job(domain.key if options.disk is None else DiskKey(domain.key, options.disk))


def _lines(job: JobStats | None, options: InfoOptions) -> Iterable[str]:
    from tui.words import jobinfo

    if options.raw:
        return jobinfo.raw_lines(job)
    return jobinfo.lines(job, options.completed, options.any_stats)
