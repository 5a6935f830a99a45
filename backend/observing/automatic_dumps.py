"""Dumps that the hypervisor may have begun of its own accord: whether it did."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from backend.base import Backend
from backend.dump_request import AutomaticDump
from backend.errors import BackendError
from backend.log import ignored
from backend.model import DomainKey

logger = logging.getLogger(__name__)

INTERVAL = 0.1
"""Seconds between two looks for who began a dump: nothing reports when its file is there to be seen."""
TRIES = 20


async def look_for_automatic_dump(
    backend: Backend, domain: DomainKey, over: Callable[[], bool], tries: int = TRIES
) -> AutomaticDump | None:
    """The domain's dump, if the hypervisor has begun it, with its file if that comes to be seen; None if that cannot
    be told until the dump is `over`, or after so many `tries`."""
    dump: AutomaticDump | None = None
    for number in range(tries):
        if number:
            await asyncio.sleep(INTERVAL)
        with ignored(logger, f"who dumps {domain.name} is not known yet", BackendError):
            dump = await backend.automatic_dump(domain) or dump
        if over() or (dump is not None and (dump.path or not backend.capabilities.local)):
            break
    return dump
