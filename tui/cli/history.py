"""The command that prints what is remembered of jobs."""

from __future__ import annotations

import heapq
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import click

from backend.errors import JournalError
from backend.text import clean, hide_passwords
from tui.cli import exits
from tui.cli.common import subcommand
from tui.cli.exits import Exit
from tui.cli.operations import OPERATIONS
from tui.cli.options import complete_recorded, complete_uris, example, json_option
from tui.cli.output import complain, print_json
from tui.cli.since import parse_since
from tui.cli.target import Target

if TYPE_CHECKING:
    from backend.observing.histories import JobFeed, Recollection
    from backend.records.command import CommandRecord
    from backend.records.queued_dump import QueuedDump
    from backend.verdicts.job_sources import SourcedJob
    from tui.cli.command_rows import CommandFeed
    from tui.cli.layout import FittingTable
    from tui.cli.queued_rows import QueueFeed
    from tui.cli.tables import Table

    Remembered = SourcedJob | CommandRecord | QueuedDump

T = TypeVar("T")

LIMIT = 1000
"""Jobs that are listed at the most."""
INTERVAL = 0.25
"""Seconds between two looks at the files that others write to."""


@subcommand(
    short_help="List the jobs that this machine remembers, and how they ended.",
    epilog=example("virt-jobs history web-01", "virt-jobs history --since 24h --failed", "virt-jobs history --json"),
)
@click.argument("domain", required=False, metavar="[DOMAIN]", shell_complete=complete_recorded)
@click.option(
    "--since",
    callback=parse_since,
    metavar="TIME",
    help="Only jobs that are running or ended after TIME.",
)
@click.option("--failed", is_flag=True, help="Only jobs that failed, are unproven, were lost, or never started.")
@click.option(
    "--operation", type=click.Choice([*OPERATIONS]), metavar="OP", help="Only jobs of that kind (see wait --help)."
)
@click.option(
    "--host",
    "hosts",
    multiple=True,
    metavar="HOST",
    shell_complete=complete_uris,
    help="Only jobs of that hypervisor: an alias, a group, a URI or a host name; repeatable.",
)
@click.option("--follow", is_flag=True, help="Oldest first; then print every begin and end until Ctrl-C.")
@json_option
@click.pass_obj
def history(
    target: Target,
    domain: str | None,
    since: float | None,
    failed: bool,
    operation: str | None,
    hosts: tuple[str, ...],
    follow: bool,
    as_json: bool,
) -> None:
    """List the jobs that this machine remembers, and how they ended: the newest 1,000, of DOMAIN if that is given.

    These are the dumps that you requested, the commands that you ran, the jobs of any kind that your virt-jobs
    programs saw, no matter who requested them, and those that the host's witness saw. All jobs of a renamed domain are
    listed, whichever of its names you give. "lost" means that the result was lost with the process that made the
    call, and "unwatched" that nobody is there to see the end: such a job may be running or over. A dump in a console's
    queue is "queued", and "not started" once that console is gone; the next one asks whether to queue it again.

    TIME is a duration (90m, 24h, 7d), a date (2026-11-25) or a local time ('2026-11-25 03:00'). On a terminal, the
    table is made to fit; in a file or a pipe, it is complete.
    """
    from backend.observing.histories import JobFeed
    from backend.records.history import Query
    from tui.cli.command_rows import CommandFeed
    from tui.cli.queued_rows import QueueFeed

    query = Query(
        name=domain,
        uris=target.uris if target.named else (),
        since=since,
        failed=failed,
        operation=OPERATIONS[operation] if operation is not None else None,
        limit=LIMIT,
    )
    wanted = _on_hosts(target, hosts) if hosts else lambda it: True
    feed, others = JobFeed(query, wanted if hosts else None), (CommandFeed(query, wanted), QueueFeed(query, wanted))
    recollection = feed.recall()
    complaints = _Complaints()
    complaints.add(recollection)
    found: list[Sequence[Remembered]] = [complaints.without(other.recall) for other in others]
    jobs = _merged(recollection.jobs, *found)[:LIMIT]
    if follow:
        output = _Output(target, as_json, jobs, spacious=True)
        _follow(feed, others, list(reversed(jobs)), output, complaints)
    elif jobs or not complaints.exit:
        _Output(target, as_json, jobs).print(jobs)
    if complaints.exit:
        sys.exit(complaints.exit)


class _Complaints:
    """Sources that could not be read, each named in one line."""

    def __init__(self) -> None:
        self._lines: set[str] = set()
        self.exit: Exit | None = None
        """The exit code for what this user's own sources lack; the host's may not be this user's to read."""

    def add(self, recollection: Recollection) -> None:
        from backend.verdicts.job_sources import Source

        for source, error in recollection.errors.items():
            line = clean(error.message)
            if line not in self._lines:
                complain(line)
            self._lines.add(line)
            if source is not Source.HOST:
                self.exit = exits.of_error(error)

    def without(self, read: Callable[[], Sequence[T]]) -> Sequence[T]:
        """What `read` returns; nothing where the journal cannot be read, of which its jobs have told."""
        try:
            return read()
        except JournalError as error:
            self.exit = exits.of_error(error)
            return []


class _Output:
    """Prints jobs: as JSON Lines, as a table that fits the terminal, or as a complete one."""

    def __init__(self, target: Target, as_json: bool, jobs: Sequence[Remembered], spacious: bool = False) -> None:
        """`jobs` are those that the table has to hold; a `spacious` one has room for others."""
        from tui.cli import job_rows
        from tui.cli.layout import FittingTable, terminal_width
        from tui.cli.tables import Table

        self._uris = {hide_passwords(_uri(job)) for job in jobs}
        self._names: dict[str, str] = {}
        self._target = target
        self._json = as_json
        self._several = len(self._uris) > 1
        width = terminal_width()
        self._row: Callable[[Remembered], list[str]]
        self._table: Table | FittingTable
        first = ["Host"] if self._several else []
        if width is None:
            self._row = lambda it: _rows_of(it).full_row(it)
            self._table = Table([*first, *job_rows.FULL_HEADINGS])
            return
        self._row = lambda it: _rows_of(it).row(it, width)
        sample = [[*([""] if first else []), *job_rows.SAMPLE]] if spacious else []
        self._table = FittingTable([*first, *job_rows.HEADINGS], job_rows.STEPS, width, sample)

    def print(self, jobs: Sequence[Remembered]) -> None:
        """Print these, below those before."""
        if self._json:
            for it in jobs:
                print_json(_to_json(it))
        else:
            print("\n".join(self._table.lines([self._cells(job) for job in jobs])), flush=True)

    def _cells(self, job: Remembered) -> list[str]:
        host = [self._host(hide_passwords(_uri(job)))] if self._several else []
        return [*host, *self._row(job)]

    def _host(self, uri: str) -> str:
        """What its host is called."""
        if uri not in self._names:
            self._uris.add(uri)
            self._names = self._target.hosts(self._uris)
        return self._names[uri]


def _rows_of(it: Remembered) -> Any:
    """The module that has what is printed of it."""
    from backend.records.command import CommandRecord
    from backend.records.queued_dump import QueuedDump
    from tui.cli import command_rows, job_rows, queued_rows

    return {CommandRecord: command_rows, QueuedDump: queued_rows}.get(type(it), job_rows)


def _to_json(it: Remembered) -> dict[str, Any]:
    from backend.verdicts.job_sources import SourcedJob
    from tui.cli import job_rows

    values: dict[str, Any] = job_rows.to_json(it) if isinstance(it, SourcedJob) else _rows_of(it).history_json(it)
    return values


def _follow(
    feed: JobFeed,
    others: Sequence[CommandFeed | QueueFeed],
    jobs: Sequence[Remembered],
    output: _Output,
    complaints: _Complaints,
) -> None:
    """Print these jobs, then what becomes of them and of others, until Ctrl-C."""
    output.print(jobs)
    while True:
        time.sleep(INTERVAL)
        changes = feed.changes()
        complaints.add(changes)
        changed: list[Remembered] = [*changes.jobs]
        for other in others:
            changed += list(complaints.without(other.changes))
        if changed:
            output.print(changed)


def _merged(*parts: Sequence[Remembered]) -> list[Remembered]:
    """All of them, the one that began last first."""
    return list(heapq.merge(*parts, key=_began, reverse=True))


def _began(it: Remembered) -> float:
    from backend.records.command import CommandRecord
    from backend.records.queued_dump import QueuedDump

    if isinstance(it, QueuedDump):
        return it.queued
    return it.started if isinstance(it, CommandRecord) else it.requested


def _uri(it: Remembered) -> str:
    """That of its hypervisor."""
    from backend.verdicts.job_sources import SourcedJob

    return it.entry.uri if isinstance(it, SourcedJob) else it.uri


def _on_hosts(target: Target, names: Sequence[str]) -> Callable[[Remembered], bool]:
    """Whether a job, or a command, was for one of those hypervisors."""
    uris = {uri for name in names for uri in target.resolve(name)}
    hosts = {name.lower() for name in names}

    def on_hosts(it: Remembered) -> bool:
        return _uri(it) in uris or not hosts.isdisjoint(_host_names(it))

    return on_hosts


def _host_names(it: Remembered) -> list[str]:
    """The names of its hypervisor's host: in full, and without its domain. A local one's is where it was seen."""
    from backend.verdicts.job_sources import SourcedJob

    try:
        name = urlsplit(_uri(it)).hostname
    except ValueError:
        name = None
    observer = it.entry.observer.partition(" (")[0] if isinstance(it, SourcedJob) else it.user
    name = (name or observer.rpartition("@")[2]).lower()
    return [name, name.partition(".")[0]]
