"""The waits that go on in the background, whatever screen is shown: one a domain at most."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from textual.message import Message
from textual.worker import Worker

from backend.errors import BackendError
from backend.records.journal import Journal
from backend.records.record import JobRecord
from tui.commands.commands import Acted
from tui.session.host import Host
from tui.session.planned import QUEUED, PlannedDump
from tui.session.rows import RowKey
from tui.session.waiting import Waiting

Run = Callable[..., Worker[None]]
"""`run_worker` of a screen: what it runs ends with the screen."""


@dataclass
class WaitEnded(Message):
    """A wait is over: it has an outcome, or an error."""

    waiting: Waiting


@dataclass
class PendingFound(Message):
    """The journal has dumps of this user on a host that have no result yet."""

    host: Host
    records: list[JobRecord]


class Waits:
    """Runs waits, and posts a WaitEnded for each that is over; `ended` has to be called for it then."""

    def __init__(self, run: Run, tell: Callable[[Message], object]) -> None:
        self._run = run
        self._tell = tell
        self._running: dict[RowKey, tuple[Waiting, Worker[None]]] = {}

    def __contains__(self, key: object) -> bool:
        return key in self._running

    def get(self, key: RowKey) -> Waiting | None:
        """The wait for the domain's job, if one goes on."""
        return self._running[key][0] if key in self._running else None

    def begin(self, waiting: Waiting) -> Waiting:
        """Run `waiting`, unless there is a wait for that domain: what goes on now."""
        known = self.get(waiting.key)
        if known is not None:
            return known
        self._running[waiting.key] = waiting, self._run(partial(self._wait, waiting), group="waits")
        return waiting

    def ended(self, waiting: Waiting) -> None:
        """Forget one that is over."""
        if self.get(waiting.key) is waiting:
            del self._running[waiting.key]

    def leave(self, waiting: Waiting) -> None:
        """End the wait; the job, if it has begun, goes on."""
        if self.get(waiting.key) is waiting:
            _, worker = self._running.pop(waiting.key)
            worker.cancel()

    def drop(self, waiting: Waiting) -> None:
        """Take a dump that was not started yet out of the queue."""
        if isinstance(waiting, PlannedDump) and waiting.stage == QUEUED:
            self.leave(waiting)
            waiting.drop()
            self._tell(WaitEnded(waiting))

    @property
    def queued(self) -> list[Waiting]:
        """Those for dumps that nobody but this console will start."""
        return [waiting for waiting, _ in self._running.values() if waiting.stage == QUEUED]

    def of_host(self, host: Host) -> list[Waiting]:
        """Those for jobs on that host, those for dumps in its queue among them."""
        return [waiting for waiting, _ in self._running.values() if waiting.host is host]

    def look_for_pending(self, host: Host) -> None:
        """Read from the journal which dumps of this user have no result yet; a PendingFound tells."""
        self._run(partial(self._find_pending, host), group=f"pending {host.uri}", exclusive=True)

    async def _wait(self, waiting: Waiting) -> None:
        await waiting.run()
        self._tell(WaitEnded(waiting))

    async def _find_pending(self, host: Host) -> None:
        try:
            records = await asyncio.to_thread(Journal().pending)
        except BackendError as error:
            self._tell(Acted("journal", "read", error.message))
            return
        self._tell(PendingFound(host, records))
