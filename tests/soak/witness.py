"""``python -m tests.soak.witness URI FILE``: a witness of one host, in a process of its own, as a service is.

It remembers in the history FILE whatever it sees of the host's jobs, until it is told to end.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from backend.errors import BackendError
from backend.libvirt.backend import LibvirtBackend
from backend.model import JobOperation
from backend.observing.memory import Memory
from backend.observing.witness import watch_and_witness
from backend.records.entry import JobEntry
from backend.records.history import History, Query
from tests.soak.machine import LOOK, PATIENCE

READY = "witnessing"
LAG = 5.0
"""Seconds after the end of a job in which the witness must have entered it."""


class Witnessed:
    """What the witness of a host remembers."""

    def __init__(self, path: Path) -> None:
        self._history = History(path)

    async def dumps(self, uuid: str, since: float, least: int) -> list[JobEntry]:
        """The domain's dumps that began after the uptime `since`, once they are over: `least` of them, or as many as
        are known after a while. TimeoutError if one goes on."""
        query = Query(name=uuid, operation=JobOperation.DUMP)
        until = time.monotonic() + LAG
        async with asyncio.timeout(PATIENCE):
            while True:
                found = await asyncio.to_thread(self._history.jobs, query)
                entries = [entry for entry in found if entry.began_uptime >= since]
                if all(entry.over for entry in entries) and (len(entries) >= least or time.monotonic() >= until):
                    return entries
                await asyncio.sleep(LOOK)


@asynccontextmanager
async def witnessing(uri: str, path: Path) -> AsyncIterator[Witnessed]:
    """A witness of the daemon at `uri`, from its first look on; its process ends with this."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.soak.witness", uri, str(path)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        # A service of the host has no journal of those who request dumps.
        env={**os.environ, "XDG_STATE_HOME": str(path.with_suffix(""))},
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            assert (await process.stdout.readline()).decode().strip() == READY
        yield Witnessed(path)
        assert process.returncode is None, "the witness ended by itself"
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _witness(uri: str, path: Path) -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with contextlib.suppress(PermissionError):
        os.nice(-10)  # A service is not kept waiting by the tests beside it.
    memory = Memory(History(path), "witness")
    async with LibvirtBackend(uri) as backend:
        await backend.domains()
        print(READY, flush=True)
        try:
            await watch_and_witness(backend, memory)
        finally:
            await memory.settle()
            memory.close()


if __name__ == "__main__":
    with contextlib.suppress(asyncio.CancelledError, BackendError):
        asyncio.run(_witness(sys.argv[1], Path(sys.argv[2])))
