"""The command `list`: all domains and their jobs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

import click

from backend.errors import BackendError
from backend.model import Domain, DomainState
from tui.cli import exits, hosts, tables
from tui.cli.common import subcommand
from tui.cli.fleet import host_error_line
from tui.cli.layout import FittingTable, terminal_width
from tui.cli.options import example, json_option
from tui.cli.output import complain, print_json
from tui.cli.target import Target


@subcommand(
    "list",
    short_help="List all domains and their jobs.",
    epilog=example("virt-jobs list -c hv1 -c hv2", "virt-jobs list -q --state-paused --name", "virt-jobs list --json"),
)
@click.option("--all", "everything", is_flag=True, help="Accepted for virsh compatibility; all domains are listed.")
@click.option("--inactive", is_flag=True, help="Only domains that are off.")
@click.option("--state-running", is_flag=True, help="Only domains that are running.")
@click.option("--state-paused", is_flag=True, help="Only domains that are paused.")
@click.option("--state-shutoff", is_flag=True, help="Only domains that are shut off.")
@click.option("--name", "only_names", is_flag=True, help="Print the names and nothing else.")
@json_option
@click.pass_obj
def list_domains(
    target: Target,
    everything: bool,
    inactive: bool,
    state_running: bool,
    state_paused: bool,
    state_shutoff: bool,
    only_names: bool,
    as_json: bool,
) -> None:
    """List all domains and their jobs, one line per job: the domain's own, and those of its disks.

    Unlike virsh, it lists the domains that are off as well. With several of --inactive and --state-…, a domain needs
    to be in one of these states. On a terminal, the table is made to fit; in a file or a pipe, it is complete.
    """
    if only_names and as_json:
        raise click.UsageError("--name and --json are mutually exclusive")
    states = {DomainState.RUNNING: state_running, DomainState.PAUSED: state_paused, DomainState.SHUTOFF: state_shutoff}
    wanted = {state for state, chosen in states.items() if chosen}

    def means(domain: Domain) -> bool:
        return not (wanted or inactive) or domain.state in wanted or (inactive and not domain.active)

    output = _JsonListing() if as_json else _NameListing() if only_names else _TableListing(target)
    errors = asyncio.run(_print_domains(target, means, output))
    if errors:
        sys.exit(exits.worst(map(exits.of_error, errors)))


async def _print_domains(target: Target, means: Callable[[Domain], bool], output: _Listing) -> list[BackendError]:
    """Print the domains of each hypervisor as it answers; return the errors of the others."""
    errors = []
    async for batch in hosts.list_hosts(target):
        for host in batch:
            for error in host.errors:
                errors.append(error)
                complain(host_error_line(target.host(host.uri), error))
        answers = [
            replace(host, domains=[jobs for jobs in host.domains if means(jobs.domain)])
            for host in batch
            if host.error is None
        ]
        if answers:
            output.show(answers)
            sys.stdout.flush()
    return errors


class _Listing(Protocol):
    def show(self, answers: Sequence[hosts.HostListing]) -> None:
        """Print the domains of these hypervisors, below those before."""


class _JsonListing:
    def show(self, answers: Sequence[hosts.HostListing]) -> None:
        for host in answers:
            for jobs in host.domains:
                print_json(tables.domain_jobs_json(host.uri, jobs))


class _NameListing:
    def show(self, answers: Sequence[hosts.HostListing]) -> None:
        for host in answers:
            for jobs in host.domains:
                print(jobs.domain.name)


class _TableListing:
    def __init__(self, target: Target) -> None:
        self._target = target
        self._several = len(target.uris) > 1
        self._answered: list[hosts.HostListing] = []
        headings = [*(["Host"] if self._several else []), *tables.DOMAIN_HEADINGS]
        names = [target.host(uri) for uri in target.uris] if self._several else []
        width = terminal_width()
        self._table: tables.Table | FittingTable = tables.Table(headings, names)
        if width is not None:
            widest = [[name, *([""] * len(tables.DOMAIN_HEADINGS))] for name in names]
            self._table = FittingTable(headings, tables.DOMAIN_STEPS, width, widest)

    def show(self, answers: Sequence[hosts.HostListing]) -> None:
        self._answered += answers
        peers = hosts.migration_peers(self._answered)
        rows = []
        for host in answers:
            name = self._target.host(host.uri)
            for jobs in host.domains:
                peer = peers.get((host.uri, jobs.domain.key.uuid))
                cells = tables.domain_rows(jobs, self._target.host(peer) if peer else "")
                rows += [[name, *row] for row in cells] if self._several else cells
        for line in self._table.lines(rows):
            print(line)
