"""Keeps the console's queue of dumps in the journal, so that those that have not begun outlive the console."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence

from backend.dump_request import DumpRequest
from backend.errors import BackendError
from backend.log import backend_error, ignored
from backend.records import process, queued_dump
from backend.records.dump_queue import DumpQueue
from backend.records.queued_dump import QueuedDump
from backend.threads import Worker, in_thread

logger = logging.getLogger(__name__)

SETTLE = 1.0
"""Seconds that the console waits at its end for what is to be removed: what is not is offered at the next start."""


class KeptQueue:
    """Writes in a thread of its own, in the order of the calls. `trouble` hears, once, why dumps are not kept."""

    def __init__(self, trouble: Callable[[str], None]) -> None:
        self._trouble = trouble
        self._last_trouble = ""
        self._thread: Worker | None = None
        self._waiting: deque[QueuedDump] = deque()
        self._kept: set[str] = set()
        self._last: asyncio.Future[None] | None = None

    def new(self, request: DumpRequest, uri: str, overwrite: bool, publish: bool) -> QueuedDump:
        """A dump that this console queues; `keep` keeps it."""
        user = process.requester()
        return process.held_here(queued_dump.new_queued(request, uri, overwrite, publish, user))

    async def keep(self, dump: QueuedDump) -> bool:
        """Write it into the journal; whether it is kept there. If not, it waits in this console all the same."""
        self._waiting.append(dump)
        try:
            await self._call(self._write)
        except Exception as error:
            problem = backend_error(error)
            if problem.message != self._last_trouble:
                self._last_trouble = problem.message
                self._trouble(problem.message)
        return dump.id in self._kept

    def remove(self, dump: QueuedDump) -> None:
        """Forget it: it is cancelled, or was refused."""
        self._call(lambda: self._forget(dump))

    def release(self, dump: QueuedDump) -> None:
        """Keep it without starting it: it is offered again, by this console or another one."""
        self._call(lambda: self._give_up(dump))

    async def settle(self) -> None:
        """Wait until what is to be removed is, for a moment at most, and end the thread."""
        if self._thread is not None:
            if self._last is not None:
                await asyncio.wait([self._last], timeout=SETTLE)
            self._thread.stop()
            self._thread = None

    async def left(self) -> Sequence[QueuedDump]:
        """Those that earlier consoles left behind; none where the journal cannot be read."""
        try:
            return await in_thread(lambda: DumpQueue().left(), "queued dumps")
        except BackendError as error:
            logger.debug("what earlier consoles had queued is not known: %s", error)
            return ()

    async def take(self, dumps: Sequence[QueuedDump]) -> list[QueuedDump]:
        """Those of `dumps` that no other console took over first; they are this console's now. JournalError."""
        taken = await in_thread(lambda: DumpQueue().take(dumps), "queued dumps")
        self._kept.update(dump.id for dump in taken)
        return taken

    async def forget(self, dumps: Sequence[QueuedDump]) -> list[QueuedDump]:
        """Remove what earlier consoles left behind; those that no other console took over first. JournalError."""
        return await in_thread(lambda: DumpQueue().remove(dumps), "queued dumps")

    def _call(self, work: Callable[[], None]) -> asyncio.Future[None]:
        self._thread = self._thread or Worker("queued dumps")
        self._last = self._thread.call(work)
        return self._last

    def _write(self) -> None:
        """Write all that wait for it: many are queued at a time."""
        dumps = []
        while self._waiting:
            dumps.append(self._waiting.popleft())
        if dumps:
            DumpQueue().add(dumps)
            self._kept.update(dump.id for dump in dumps)
            self._last_trouble = ""

    def _forget(self, dump: QueuedDump) -> None:
        if dump.id in self._kept:
            self._kept.discard(dump.id)
            with ignored(logger, f"the dump of {dump.domain} stays in the journal's queue", BackendError):
                DumpQueue().remove([dump])

    def _give_up(self, dump: QueuedDump) -> None:
        self._kept.discard(dump.id)
        with ignored(logger, f"the dump of {dump.domain} is offered at the next start only", BackendError):
            DumpQueue().release([dump])
