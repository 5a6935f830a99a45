"""The dumps that earlier consoles had queued and never began. None is started without being asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

from backend.dump_request import DumpRequest
from backend.errors import BackendError
from backend.records.queued_dump import QueuedDump
from backend.running import objections
from tui.session.background_tasks import BackgroundTasks
from tui.session.host import Host
from tui.session.job_wait import JobWait
from tui.session.kept_queue import KeptQueue
from tui.session.rows import RowKey, RowStore

Start = Callable[[Host, DumpRequest, bool, QueuedDump], JobWait]
"""Queues a dump: whether it may overwrite, and what it is in the journal's queue. BackendError if that cannot be."""


@dataclass(frozen=True, slots=True)
class LeftDump:
    """One of them, as things are now."""

    dump: QueuedDump
    host: Host
    objection: str
    """Why it cannot be queued again; empty if it can."""
    note: str
    """What has changed since it was queued; empty if nothing has."""


@dataclass(frozen=True, slots=True)
class Requeued:
    """What became of those that were to be queued again."""

    waits: Sequence[JobWait]
    refused: Sequence[tuple[str, str]]
    """The names of those that were refused, with the reasons; they are kept."""
    taken: int
    """How many another console took over, or forgot, first."""


class LeftQueue:
    """Looks when a host's domains are known. Those of hosts without a connection stay where they are.

    `offer` is called when there are some that the user was not asked about.
    """

    def __init__(
        self,
        tasks: BackgroundTasks,
        queue: KeptQueue,
        hosts: Mapping[str, Host],
        rows: RowStore,
        loaded: Set[str],
        start: Start,
    ) -> None:
        self._tasks = tasks
        self._queue = queue
        self._hosts = hosts
        self._rows = rows
        self._loaded = loaded
        self._start = start
        self.offer: Callable[[], object] = lambda: None
        self._dumps: Sequence[QueuedDump] = ()
        self._asked: set[str] = set()
        self._looking = self._again = False

    def look(self) -> None:
        """Read which there are, and offer those that are new."""
        self._again = True
        if not self._looking:
            self._looking = True
            self._tasks.start("queued dumps", self._look())

    async def _look(self) -> None:
        try:
            while self._again:
                self._again = False
                await self.read()
                if any(left.dump.id not in self._asked for left in self.dumps):
                    self.offer()
        finally:
            self._looking = False

    async def read(self) -> None:
        """Read which there are now."""
        self._dumps = await self._queue.left()

    @property
    def dumps(self) -> list[LeftDump]:
        """Those of hosts that are connected, the one that was queued first to the front."""
        return [left for dump in self._dumps if (left := self._left(dump)) is not None]

    def asked(self) -> None:
        """The user is asked about all of these; not again, unless they want to be."""
        self._asked.update(left.dump.id for left in self.dumps)

    async def queue_again(self, dumps: Sequence[QueuedDump]) -> Requeued:
        """Queue those of `dumps` that can be. JournalError if none can be taken over."""
        current = [left for dump in dumps if (left := self._left(dump)) is not None]
        refused = [(left.dump.domain, left.objection) for left in current if left.objection]
        able = [left.dump for left in current if not left.objection]
        taken = await self._queue.take(able)
        waits = []
        for dump in taken:
            row, host = self._rows.get(RowKey(dump.uri, dump.uuid)), self._hosts.get(dump.uri)
            try:
                if row is None or host is None:
                    raise BackendError("its domain or its host is gone")
                waits.append(self._start(host, replace(dump.request, domain=row.domain.key), dump.overwrite, dump))
            except BackendError as error:
                refused.append((dump.domain, error.message))
                self._queue.release(dump)
        self._drop(able)
        return Requeued(waits, refused, len(able) - len(taken))

    async def forget(self, dumps: Sequence[QueuedDump]) -> int:
        """Remove them; how many were removed. JournalError if they cannot be."""
        removed = await self._queue.forget(dumps)
        self._drop(dumps)
        return len(removed)

    def _drop(self, dumps: Sequence[QueuedDump]) -> None:
        ids = {dump.id for dump in dumps}
        self._dumps = [dump for dump in self._dumps if dump.id not in ids]

    def _left(self, dump: QueuedDump) -> LeftDump | None:
        host = self._hosts.get(dump.uri)
        if host is None or host.uri not in self._loaded or host.capabilities is None:
            return None
        row = self._rows.get(RowKey(dump.uri, dump.uuid))
        if row is None:
            return LeftDump(dump, host, "the domain does not exist any more", "")
        key = row.domain.key
        objection = objections.to_dump(host.capabilities, dump.request) or objections.to_domain(key, row.operation)
        if objection is not None:
            return LeftDump(dump, host, objection.message, "")
        if row.pending:
            return LeftDump(dump, host, f"{row.domain.name} has a dump already: your own is {row.pending}", "")
        if not row.domain.answering:
            return LeftDump(dump, host, f"{row.domain.name} does not answer", "")
        notes = []
        if key.id != dump.domain_id:
            notes.append("restarted since")
        if row.domain.name != dump.domain:
            notes.append(f"now {row.domain.name}")
        return LeftDump(dump, host, "", ", ".join(notes))
