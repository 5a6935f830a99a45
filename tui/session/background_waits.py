"""The waits that run in the background, independent of the screen: at most one for each row of the table."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from backend.records.journal import Journal
from backend.records.record import JobRecord
from backend.threads import in_thread
from tui.session.background_tasks import BackgroundTasks
from tui.session.host import Host
from tui.session.job_wait import JobWait
from tui.session.planned_dump import PlannedDump
from tui.session.rows import RowKey


class BackgroundWaits:
    """Runs waits and calls `ended` for each that is over; `forget` has to be called for it then."""

    def __init__(self, tasks: BackgroundTasks, ended: Callable[[JobWait], object]) -> None:
        self._tasks = tasks
        self._ended = ended
        self._running: dict[RowKey, tuple[JobWait, asyncio.Task[None]]] = {}
        self._journal_reads: dict[str, asyncio.Task[None]] = {}

    def __contains__(self, key: object) -> bool:
        return key in self._running

    def get(self, key: RowKey) -> JobWait | None:
        """The running wait for the job of that row."""
        return self._running[key][0] if key in self._running else None

    def planned_path(self, key: RowKey) -> str:
        """The file of the dump that was requested here for that row, and is not over; empty without one."""
        wait = self.get(key)
        return wait.request.path if isinstance(wait, PlannedDump) else ""

    def begin(self, wait: JobWait) -> JobWait:
        """Run `wait`, unless there already is a wait for that row; the wait that runs now."""
        running = self.get(wait.key)
        if running is not None:
            return running
        self._running[wait.key] = wait, self._tasks.start(wait.domain.name, self._run(wait))
        return wait

    def forget(self, wait: JobWait) -> None:
        """Drop one that is over."""
        if self.get(wait.key) is wait:
            del self._running[wait.key]

    def leave(self, wait: JobWait) -> None:
        """End the wait; its job, if it has begun, continues."""
        if self.get(wait.key) is wait:
            _, task = self._running.pop(wait.key)
            task.cancel()

    def drop(self, wait: JobWait) -> None:
        """Remove a dump that has not started yet from the queue."""
        if isinstance(wait, PlannedDump) and wait.queued:
            self.leave(wait)
            wait.drop()
            self._ended(wait)

    @property
    def queued(self) -> list[JobWait]:
        """Those for dumps that only this console will start."""
        return [wait for wait, _ in self._running.values() if wait.queued]

    @property
    def ours(self) -> list[JobWait]:
        """Those for the dumps of this user, running or queued."""
        return [wait for wait, _ in self._running.values() if wait.ours]

    def of_host(self, host: Host) -> list[JobWait]:
        """Those for jobs on that host, including the dumps in its queue."""
        return [wait for wait, _ in self._running.values() if wait.host is host]

    def look_for_pending(self, host: Host, callback: Callable[[Host, Sequence[JobRecord]], object]) -> None:
        """Pass this user's dumps that have no result yet to `callback`. A newer call replaces an older one."""
        if (reading := self._journal_reads.get(host.uri)) is not None:
            reading.cancel()
        self._journal_reads[host.uri] = self._tasks.start("journal", self._read_pending(host, callback))

    async def _run(self, wait: JobWait) -> None:
        await wait.run()
        self._ended(wait)

    async def _read_pending(self, host: Host, callback: Callable[[Host, Sequence[JobRecord]], object]) -> None:
        callback(host, await in_thread(lambda: Journal().pending(), "journal"))
