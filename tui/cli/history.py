"""The command that prints what is remembered of jobs."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from backend.text import clean, hide_passwords
from tui.cli import exits
from tui.cli.common import subcommand
from tui.cli.exits import Exit
from tui.cli.fleet import host_error_line
from tui.cli.operations import OPERATIONS
from tui.cli.options import complete_recorded, complete_uris, example, json_option
from tui.cli.output import complain, print_json
from tui.cli.since import parse_since
from tui.cli.target import Target

if TYPE_CHECKING:
    from backend.observing.history_feed import HistoryFeed, Recalled
    from backend.observing.remembered import Remembered
    from backend.records.history import Query
    from tui.cli.layout import FittingTable
    from tui.cli.tables import Table

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
    Another host that you name with -c is asked what its witness tells in the metadata of its domains.

    TIME is a duration (90m, 24h, 7d), a date (2026-11-25) or a local time ('2026-11-25 03:00'). On a terminal, the
    table is made to fit; in a file or a pipe, it is complete.
    """
    from backend.observing.history_feed import HistoryFeed
    from backend.records.history import Query

    query = Query(
        name=domain,
        uris=target.uris if target.named else (),
        since=since,
        failed=failed,
        operation=OPERATIONS[operation] if operation is not None else None,
        limit=LIMIT,
    )
    wanted = _on_hosts(target, hosts) if hosts else None
    feed = HistoryFeed(query, wanted)
    recalled = feed.recall()
    complaints = _Complaints()
    complaints.add(recalled)
    recalled = _with_told(target, recalled, query, wanted, complaints)
    if follow:
        items = list(reversed(recalled.items))
        _follow(feed, items, _Output(target, as_json, items, spacious=True), complaints)
    elif recalled.items or not complaints.exit:
        _Output(target, as_json, recalled.items).print(recalled.items)
    if complaints.exit:
        sys.exit(complaints.exit)


def _with_told(
    target: Target,
    recalled: Recalled,
    query: Query,
    wanted: Callable[[Remembered], bool] | None,
    complaints: _Complaints,
) -> Recalled:
    """The same, with what the domains tell of hosts that the user named and that are not this one."""
    from backend.observing.told import is_elsewhere, told_by_hosts

    elsewhere = [uri for uri in target.uris if is_elsewhere(uri)] if target.named else []
    if not elsewhere:
        return recalled
    told, errors = asyncio.run(told_by_hosts(elsewhere, query, wanted, recalled.items))
    for uri, error in errors.items():
        complain(host_error_line(target.host(uri), error))
        complaints.exit = exits.of_error(error)
    items = sorted([*recalled.items, *told], key=lambda item: item.requested, reverse=True)
    return replace(recalled, items=items[: query.limit])


class _Complaints:
    """Sources that could not be read, each named in one line."""

    def __init__(self) -> None:
        self._lines: set[str] = set()
        self.exit: Exit | None = None
        """The exit code for what this user's own sources lack; the host's may not be this user's to read."""

    def add(self, recalled: Recalled) -> None:
        from backend.verdicts.job_sources import Source

        for source, error in recalled.errors.items():
            line = clean(error.message)
            if line not in self._lines:
                complain(line)
            self._lines.add(line)
            if source is not Source.HOST:
                self.exit = exits.of_error(error)


class _Output:
    """Prints what is remembered: as JSON Lines, as a table that fits the terminal, or as a complete one."""

    def __init__(self, target: Target, as_json: bool, items: Sequence[Remembered], spacious: bool = False) -> None:
        """`items` are what the table has to hold; a `spacious` one has room for others."""
        from tui.cli import history_rows
        from tui.cli.layout import FittingTable, terminal_width
        from tui.cli.tables import Table

        self._uris = {hide_passwords(item.uri) for item in items}
        self._names: dict[str, str] = {}
        self._target = target
        self._json = as_json
        self._several = len(self._uris) > 1
        width = terminal_width()
        self._row: Callable[[Remembered], list[str]]
        self._table: Table | FittingTable
        first = ["Host"] if self._several else []
        if width is None:
            self._row = history_rows.full_row
            self._table = Table([*first, *history_rows.FULL_HEADINGS])
            return
        self._row = lambda item: history_rows.row(item, width)
        sample = [[*([""] if first else []), *history_rows.SAMPLE]] if spacious else []
        self._table = FittingTable([*first, *history_rows.HEADINGS], history_rows.STEPS, width, sample)

    def print(self, items: Sequence[Remembered]) -> None:
        """Print these, below those before."""
        if self._json:
            from tui.cli.history_json import to_json

            for item in items:
                print_json(to_json(item))
        else:
            print("\n".join(self._table.lines([self._cells(item) for item in items])), flush=True)

    def _cells(self, item: Remembered) -> list[str]:
        host = [self._host(hide_passwords(item.uri))] if self._several else []
        return [*host, *self._row(item)]

    def _host(self, uri: str) -> str:
        """What its host is called."""
        if uri not in self._names:
            self._uris.add(uri)
            self._names = self._target.hosts(self._uris)
        return self._names[uri]


def _follow(feed: HistoryFeed, items: Sequence[Remembered], output: _Output, complaints: _Complaints) -> None:
    """Print these, then the begins and ends of these and of others, until Ctrl-C."""
    output.print(items)
    words = _words(items)
    while True:
        time.sleep(INTERVAL)
        recalled = feed.changes()
        complaints.add(recalled)
        if changed := [item for item in recalled.items if not _words([item]).items() <= words.items()]:
            output.print(changed)
            words |= _words(changed)


def _words(items: Iterable[Remembered]) -> dict[str, str]:
    """How each of them stands, by its ids."""
    return {id_: item.word for item in items for id_ in item.ids}


def _on_hosts(target: Target, names: Sequence[str]) -> Callable[[Remembered], bool]:
    """Whether it was on, or for, one of those hypervisors."""
    uris = {uri for name in names for uri in target.resolve(name)}
    hosts = {name.lower() for name in names}
    return lambda item: item.uri in uris or not hosts.isdisjoint(_host_names(item))


def _host_names(item: Remembered) -> list[str]:
    """The names of its hypervisor's host: in full, and without its domain. A local one's is where it was seen."""
    try:
        name = urlsplit(item.uri).hostname
    except ValueError:
        name = None
    name = (name or item.host).lower()
    return [name, name.partition(".")[0]]
