"""Wait for the jobs of several domains at once, from a terminal or a script."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence

from backend.base import Backend
from backend.errors import BackendError, NoJob
from backend.log import backend_error
from backend.model import DiskKey, DomainKey, JobOperation
from backend.observing.lookup import last_outcome
from backend.outcome import Outcome
from backend.text import clean
from tui.cli import exits, follow
from tui.cli.disks import find_mirror, other_jobs
from tui.cli.exits import Exit
from tui.cli.fleet import Fleet, Location
from tui.cli.streams import OutputLost
from tui.cli.wait_options import WaitOptions

OnEnd = Callable[[Outcome, str], None]
"""Called with the outcome of each job that was waited for and the URI of its hypervisor."""


async def wait_for(fleet: Fleet, domains: Sequence[str], options: WaitOptions, on_end: OnEnd) -> Exit:
    """Report how the job of each of `domains` (names, uuids or ids) ended, and return the worst exit code.

    An error with one domain does not stop the others.
    """
    names = list(dict.fromkeys(domains))
    line = follow.ProgressLine(options.as_json)
    locations = await fleet.find_all(names)

    async def wait_for_one(name: str) -> Exit:
        try:
            outcome = await _outcome(locations[name], options, line, on_end)
            return exits.of_outcome(outcome, options.trust_qemu) if outcome is not None else Exit.COMPLETED
        except OutputLost:
            raise
        except Exception as raised:
            if len(names) == 1:
                raise
            error = backend_error(raised)
            with line.away():
                print(f"virt-jobs: {_error_line(name, error)}", file=sys.stderr, flush=True)
            return exits.of_error(error)

    return exits.worst(await asyncio.gather(*map(wait_for_one, names)))


async def _outcome(
    location: Location | BackendError, options: WaitOptions, line: follow.ProgressLine, on_end: OnEnd
) -> Outcome | None:
    """How the job ended; None: it is ready, and that was waited for."""
    if isinstance(location, BackendError):
        raise location
    backend, domain = location.backend, location.domain.key
    report = follow.Report(domain, backend.uri, options.as_json, line)
    try:
        outcome = await _followed(backend, domain, options, report)
    except NoJob as error:
        recorded = await last_outcome(backend, domain) if options.last else None
        if recorded is None:
            own = isinstance(options.operation, JobOperation)
            raise (own and await other_jobs(backend, domain)) or error from None
        report.outcome(recorded)
        return recorded
    if outcome is not None:
        report.outcome(outcome)
        on_end(outcome, backend.uri)
    return outcome


async def _followed(backend: Backend, domain: DomainKey, options: WaitOptions, report: follow.Report) -> Outcome | None:
    if not options.ready:
        return await follow.follow(backend, domain, options.operation, report, options.timeout, disk=options.disk)
    mirror = await find_mirror(backend, domain, options.disk, options.operation)
    assert mirror.disk is not None
    outcome = await follow.follow_until_ready(backend, DiskKey(domain, mirror.disk), report, options.timeout)
    if outcome is None:
        report.ready(mirror.operation, mirror.disk)
    return outcome


def _error_line(name: str, error: BackendError) -> str:
    """The error in one line that names the domain."""
    message = clean(error.message)
    return message if name in message else f"{name}: {message}"
