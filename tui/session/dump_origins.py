"""Who began a dump, as far as that can be told while it runs: its record says so, the hypervisor began it itself, or
this machine sees who waits for it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from backend.dump_request import AutomaticDump
from backend.errors import BackendError, NoConnection
from backend.job_origin import JobOrigin
from backend.model import DomainKey, JobOperation
from backend.observing.automatic_dumps import look_for_automatic_dump
from backend.records.record import JobRecord
from tui.session.host import Host
from tui.words import origins, states

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
        return _origin(origins.by_claim(record.user), record.path)
    dump: AutomaticDump | None = None
    if by_hypervisor:
        with suppress(NoConnection):  # The console has lost its host meanwhile.
            dump = await look_for_automatic_dump(host.backend, domain, over)
    if dump is not None:
        return _origin(states.requester(dump), dump.path or "", dump)
    seen = await _seen(host, domain)
    return _origin(origins.by_client(seen.client.label) if seen.client is not None else "", seen.path)


def _origin(by: str, path: str, automatic: AutomaticDump | None = None) -> Origin:
    words = [by, f"→ {path}" if path else ""]
    return Origin("".join(f" {word}" for word in words if word), automatic)


async def _seen(host: Host, domain: DomainKey) -> JobOrigin:
    try:
        return await host.backend.job_origin(domain, JobOperation.DUMP)
    except BackendError as error:
        logger.debug("where the dump of %s comes from is not known: %s", domain.name, error)
        return JobOrigin()


async def _record(host: Host, domain: DomainKey) -> JobRecord | None:
    try:
        return await host.backend.record(domain)
    except BackendError as error:
        logger.debug("no shared record of %s: %s", domain.name, error)
        return None
