"""Who began a dump, as far as that can be told while it runs: its record says so, or the hypervisor began it itself."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from backend.dump_request import AutomaticDump
from backend.errors import BackendError, NoConnection
from backend.model import DomainKey
from backend.observing.automatic_dumps import look_for_automatic_dump
from backend.records.record import JobRecord
from tui.session.host import Host
from tui.words import states

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Origin:
    words: str
    """What follows ``dump started``, with a blank before it; empty: nobody can tell who began it."""
    automatic: AutomaticDump | None = None
    """The dump, if the hypervisor began it by itself."""


async def find_origin(host: Host, domain: DomainKey, by_hypervisor: bool, over: Callable[[], bool]) -> Origin:
    """Who began the domain's dump, which is over once `over` says so. `by_hypervisor`: that itself may have."""
    record = await _record(host, domain)
    if record is not None and not record.over and record.key == domain:
        return Origin(f" by {record.user} → {record.path}")
    dump = await _automatic(host, domain, over) if by_hypervisor else None
    if dump is None:
        return Origin("")
    return Origin(f" {states.requester(dump)}" + (f" → {dump.path}" if dump.path else ""), dump)


async def _record(host: Host, domain: DomainKey) -> JobRecord | None:
    try:
        return await host.backend.record(domain)
    except BackendError as error:
        logger.debug("no shared record of %s: %s", domain.name, error)
        return None


async def _automatic(host: Host, domain: DomainKey, over: Callable[[], bool]) -> AutomaticDump | None:
    """The dump, if the hypervisor has begun it, with its file if that comes to be seen."""
    try:
        return await look_for_automatic_dump(host.backend, domain, over)
    except NoConnection:  # The console has lost its host meanwhile.
        return None
