"""The domain that a command is about, where that is a single one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tui.cli.fleet import Fleet, Location
from tui.cli.silence import naming_last_known
from tui.cli.target import Target


@asynccontextmanager
async def open_domain(target: Target, name: str) -> AsyncIterator[Location]:
    """The domain with that name, uuid or id, and an open connection to its hypervisor. Raises what `Fleet.find` does.

    If it does not answer inside of ``async with``, the error says what was known of it last.
    """
    async with Fleet(target) as fleet:
        location = await fleet.find(name)
        async with naming_last_known(location.backend, location.domain):
            yield location
