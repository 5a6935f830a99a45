"""Wait for running jobs, from a terminal or a script: for all of them, or for the first that ends."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from backend.errors import BackendError, NoSuchDomain
from backend.log import backend_error
from tui.cli import exits, silence
from tui.cli.exits import Exit
from tui.cli.fleet import Fleet, Location, host_error_line
from tui.cli.hosts import list_open
from tui.cli.job_follower import JobFollower, Searched, error_line
from tui.cli.output import complain
from tui.cli.streams import OutputLost
from tui.cli.wait_options import Until, WaitOptions

Wait = tuple[str, Callable[[], Awaitable[Exit]]]
"""The name of a domain, and what reports how its job ended."""


async def wait_for_named(fleet: Fleet, domains: Sequence[str], options: WaitOptions, follower: JobFollower) -> Exit:
    """Report how the jobs of `domains` (names, uuids or ids) ended, and return the exit code that the options mean.

    An error with one domain does not stop the others.
    """
    names = list(dict.fromkeys(domains))
    searched = Searched.of(fleet.backends)
    locations = await fleet.find_all(names)
    waits = [(name, partial(_wait_for_one, name, locations[name], searched, options, follower)) for name in names]
    return await _wait(waits, options, follower)


async def _wait_for_one(
    name: str, location: Location | BackendError, searched: Searched, options: WaitOptions, follower: JobFollower
) -> Exit:
    if isinstance(location, NoSuchDomain) and options.last:
        return await follower.report_last_of(name, searched, location)
    if isinstance(location, BackendError):
        raise location
    return await follower.follow_named(location)


async def wait_for_running(fleet: Fleet, options: WaitOptions, follower: JobFollower) -> Exit:
    """The same for every job that is running now on any domain of the hypervisors."""
    waits: list[Wait] = []
    searched: list[str] = []
    silent: list[BackendError] = []
    fleet.complain_of_unreachable()
    missing = [exits.of_error(error) for error in fleet.unreachable.values()]
    for backend, answer in (await list_open(fleet.backends)).items():
        if isinstance(answer, BackendError):
            if fleet.name == fleet.host(backend):
                raise answer
            complain(host_error_line(fleet.host(backend), answer))
            missing.append(exits.of_error(answer))
            continue
        searched.append(fleet.host(backend))
        for jobs in answer:
            if jobs.silence is not None:
                silent.append(silence.error(jobs.silence))
                complain(host_error_line(fleet.host(backend), silent[-1]))
            waits += [
                (jobs.domain.name, partial(follower.follow_seen, Location(backend, jobs.domain), stats))
                for stats in jobs.all
                if options.means(stats.operation, stats.disk)
            ]
    missing += map(exits.of_error, silent)
    if not waits:
        if not searched:
            return exits.worst(missing)
        kind = options.operation.label if options.operation is not None else "job"
        proviso = ", as far as its domains answer" if silent else ""
        complain(f"no {kind} is running on {', '.join(searched)}{proviso}")
        return exits.worst([Exit.NO_JOB, *missing])
    code = await _wait(waits, options, follower)
    return code if options.until is Until.ANY else exits.worst([code, *missing])


async def _wait(waits: Sequence[Wait], options: WaitOptions, follower: JobFollower) -> Exit:
    """The worst exit code; with Until.ANY that of the first job that has ended, the others are left alone then."""

    async def one(name: str, work: Callable[[], Awaitable[Exit]]) -> tuple[Exit, bool]:
        try:
            return await work(), True
        except OutputLost:
            raise
        except Exception as raised:
            if len(waits) == 1:
                raise
            error = backend_error(raised)
            with follower.line.away():
                print(f"virt-jobs: {error_line(name, error)}", file=sys.stderr, flush=True)
            return exits.of_error(error), False

    tasks = [asyncio.create_task(one(name, work)) for name, work in waits]
    try:
        for answer in asyncio.as_completed(tasks):
            code, over = await answer
            if over and options.until is Until.ANY:
                return code
        return exits.worst(task.result()[0] for task in tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
