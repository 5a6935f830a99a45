"""The command that shows whether a migration will end, and changes what it has to keep to."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import click

from backend.base import Backend
from backend.errors import BackendError, NoJob, NotPermitted
from backend.job_stats import JobStats
from backend.model import DomainKey, JobOperation, MigrationLimits
from backend.observing.convergence import Convergence
from backend.observing.progress import ProgressMeter
from tui.cli.common import subcommand
from tui.cli.layout import terminal_width, wrapped
from tui.cli.one_domain import open_domain
from tui.cli.options import domain_argument, example, json_option
from tui.cli.output import print_json
from tui.cli.target import Target
from tui.words import migrating
from tui.words.migrating import LONGEST_DOWNTIME, MIB


@subcommand(
    short_help="Show whether a migration converges, and help it.",
    epilog=example("virt-jobs migration web-01", "virt-jobs migration web-01 --max-downtime 900 --bandwidth 100"),
)
@domain_argument
@click.option(
    "--max-downtime",
    type=click.IntRange(1, LONGEST_DOWNTIME),
    metavar="MS",
    help="Let the guest stand still for up to MS milliseconds at the end.",
)
@click.option(
    "--bandwidth", type=click.IntRange(min=0), metavar="MIB", help="Send up to MIB MiB/s; 0: as fast as possible."
)
@click.option("--postcopy", is_flag=True, help="Run the guest on the other host now and send the rest after it.")
@json_option
@click.pass_obj
def migration(
    target: Target, domain: str, max_downtime: int | None, bandwidth: int | None, postcopy: bool, as_json: bool
) -> None:
    """Show whether the domain's migration to another host will end by itself, and change its limits.

    A guest that writes to its memory faster than it is sent never gets there. A longer downtime, more bandwidth or
    post-copy helps; post-copy only where the migration was begun with `virsh migrate --postcopy`. An interrupted
    post-copy loses the guest unless it is recovered.
    """
    changes = MigrationLimits(max_downtime, None if bandwidth is None else bandwidth * MIB)

    async def change_and_show() -> None:
        async with open_domain(target, domain) as location:
            backend, key = location.backend, location.domain.key
            stats = await _migration_out(backend, key)
            said = []
            if changes != MigrationLimits() or postcopy:
                if backend.capabilities.migration is not None:
                    raise NotPermitted(f"{key.name}: {backend.capabilities.migration}")
                said = await _change(backend, key, changes, postcopy)
                stats = await _migration_out(backend, key)
            limits = await _limits(backend, key)
            convergence = ProgressMeter().update(stats, time.monotonic()).convergence
            if as_json:
                print_json(_json(backend.uri, key, stats, convergence, limits))
            else:
                # Post-copy begins a moment later: until then, the figures would be those of before.
                lines = [] if postcopy else _lines(key, stats, convergence, limits)
                width = terminal_width()
                print("\n".join(part for line in [*said, *lines] for part in wrapped(line, width)))

    asyncio.run(change_and_show())


async def _migration_out(backend: Backend, key: DomainKey) -> JobStats:
    stats = await backend.job(key)
    if stats is None or stats.operation != JobOperation.MIGRATION_OUT:
        where = ""
        if stats is not None:
            arriving = stats.operation == JobOperation.MIGRATION_IN
            where = f" (its job: {stats.operation.label}{'; ask the host that it leaves' if arriving else ''})"
        raise NoJob(f"{key.name} is not migrating to another host{where}")
    return stats


async def _change(backend: Backend, key: DomainKey, changes: MigrationLimits, postcopy: bool) -> list[str]:
    """Do it; what was done."""
    said = []
    if changes != MigrationLimits():
        await backend.limit_migration(key, changes)
    if changes.max_downtime is not None:
        said.append(f"{key.name}: {changes.max_downtime} ms of downtime allowed")
    if changes.bandwidth is not None:
        said.append(f"{key.name}: bandwidth {migrating.bandwidth_limit(changes.bandwidth)}")
    if postcopy:
        await backend.start_postcopy(key)
        said.append(f"{key.name}: post-copy requested")
    return said


async def _limits(backend: Backend, key: DomainKey) -> MigrationLimits:
    """Its limits; unknown where the migration ends just now."""
    try:
        return await backend.migration_limits(key)
    except BackendError:
        return MigrationLimits()


def _lines(key: DomainKey, stats: JobStats, convergence: Convergence | None, limits: MigrationLimits) -> list[str]:
    words = migrating.sentence(convergence) if convergence is not None else "the migration is being set up"
    facts = migrating.facts(stats, convergence, limits)
    return [f"{key.name}: {words}", *(f"  {label + ':':<20} {value}" for label, value in facts)]


def _json(
    uri: str, key: DomainKey, stats: JobStats, convergence: Convergence | None, limits: MigrationLimits
) -> dict[str, Any]:
    """Times in milliseconds, sizes in bytes, rates in bytes a second; null: not known."""
    told = convergence
    return {
        "uri": uri,
        "domain": key.name,
        "uuid": key.uuid,
        "course": told.course if told else "setup",
        "summary": migrating.sentence(told) if told else "the migration is being set up",
        "time_elapsed": stats.time_elapsed,
        "time_left": _ms(told.left if told else None),
        "iteration": stats.memory_iteration or 0,
        "time_remaining": _ms(told.left if told else None),
        "data_total": stats.total,
        "data_processed": stats.processed,
        "data_remaining": stats.remaining,
        "total": stats.total,
        "processed": stats.processed,
        "remaining": stats.remaining,
        "dirty_rate": _whole(told.dirty_rate if told else None),
        "bandwidth": _whole(told.bandwidth if told else None),
        "max_bandwidth": limits.bandwidth,
        "downtime": _ms(told.downtime if told else None),
        "max_downtime": limits.max_downtime,
        "throttle": told.throttle if told else 0,
        "postcopy": stats.postcopy,
        "postcopy_requests": stats.memory_postcopy_requests or 0,
    }


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _whole(rate: float | None) -> int | None:
    return None if rate is None else round(rate)
