"""Wait for the jobs of several domains at once, from a terminal or a script."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from backend.errors import BackendError, NoJob
from backend.log import backend_error
from backend.model import JobOperation
from backend.observing.lookup import last_outcome
from backend.text import clean
from backend.verdicts.verdict import Outcome
from tui.cli import exits, follow
from tui.cli.exits import Exit
from tui.cli.fleet import Fleet, Found
from tui.cli.streams import OutputLost


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is waited for on each domain, and how it is told."""

    operation: JobOperation | None
    """None: any."""
    timeout: float | None
    """Seconds."""
    last: bool
    """Whether the last recorded dump serves where no job runs."""
    trust_qemu: bool
    as_json: bool


OnEnd = Callable[[Outcome, str], None]
"""Called with the outcome of a job that was attached to, and the URI of its hypervisor."""


async def wait_for(fleet: Fleet, domains: Sequence[str], wanted: Wanted, on_end: OnEnd) -> Exit:
    """Tell how the job of each of `domains` (names, uuids or ids) ended, and give the worst of their exit codes.

    What goes wrong with one domain stops no other.
    """
    names = list(dict.fromkeys(domains))
    line = follow.ProgressLine(wanted.as_json)
    places = await fleet.find_all(names)

    async def tell(name: str) -> Exit:
        try:
            return exits.of_outcome(await _ended(places[name], wanted, line, on_end), wanted.trust_qemu)
        except OutputLost:
            raise
        except Exception as raised:
            if len(names) == 1:
                raise
            error = backend_error(raised)
            with line.away():
                print(f"virt-jobs: {_of_domain(name, error)}", file=sys.stderr, flush=True)
            return exits.of_error(error)

    return exits.worst(await asyncio.gather(*map(tell, names)))


async def _ended(place: Found | BackendError, wanted: Wanted, line: follow.ProgressLine, on_end: OnEnd) -> Outcome:
    if isinstance(place, BackendError):
        raise place
    backend, domain = place.backend, place.domain.key
    report = follow.Report(domain, backend.uri, wanted.as_json, line)
    try:
        outcome = await follow.follow(backend, domain, wanted.operation, report, wanted.timeout)
    except NoJob:
        recorded = await last_outcome(backend, domain) if wanted.last else None
        if recorded is None:
            raise
        report.outcome(recorded)
        return recorded
    report.outcome(outcome)
    on_end(outcome, backend.uri)
    return outcome


def _of_domain(name: str, error: BackendError) -> str:
    """The error in one line that names the domain."""
    message = clean(error.message)
    return message if name in message else f"{name}: {message}"
