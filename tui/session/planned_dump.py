"""This user's dumps: on each host, those that have not started yet wait for their turn."""

from __future__ import annotations

from collections.abc import Callable

from backend.dump_request import DumpRequest
from backend.errors import BackendError, NoConnection
from backend.log import backend_error
from backend.model import JobOperation
from backend.records.queued_dump import QueuedDump
from backend.records.record import JobRecord
from backend.running.start import start_dump
from tui.session.host import Host
from tui.session.job_wait import QUEUED, STARTING, JobWait
from tui.session.kept_queue import KeptQueue


class RunningDump(JobWait):
    """Waits for the end of a dump that this user requested elsewhere, such as in an earlier console; those that are
    queued here wait for it, too."""

    def __init__(self, host: Host, record: JobRecord) -> None:
        super().__init__(host, record.key, record.operation, record)
        self._turn = host.turns.occupy()

    async def run(self) -> None:
        try:
            await super().run()
        finally:
            self.host.turns.leave(self._turn)


class PlannedDump(JobWait):
    """Waits for its turn, starts its dump, and waits for the end of that. It is in the queue from the beginning.

    While it waits it is kept in `queue`, where a console that is killed leaves it to the next one. `kept`: what it is
    there already, if it comes from an earlier console.
    """

    def __init__(
        self,
        host: Host,
        request: DumpRequest,
        overwrite: bool,
        publish: bool,
        queue: KeptQueue,
        moved: Callable[[PlannedDump], object],
        kept: QueuedDump | None = None,
    ) -> None:
        super().__init__(host, request.domain, JobOperation.DUMP)
        self.request = request
        self._overwrite = overwrite
        self._publish = publish
        self._queue = queue
        self._kept = kept or queue.new(request, host.uri, overwrite, publish)
        self._is_kept = kept is not None
        self._moved = moved
        self._turn = host.turns.line_up()

    @property
    def stage(self) -> str:
        if self.over:
            return ""
        if not self._turn.is_set():
            return QUEUED
        return STARTING if self.record is None else super().stage

    @property
    def path(self) -> str:
        return self.request.path

    @property
    def ours(self) -> bool:
        return True

    def drop(self) -> None:
        """Never start it. The caller cancels its task first."""
        self.host.turns.leave(self._turn)
        self._queue.remove(self._kept)
        self.error = BackendError("removed from the queue")
        self.on_change()

    async def run(self) -> None:
        try:
            if not (self._is_kept or self._turn.is_set()):
                self._is_kept = await self._queue.keep(self._kept)
            await self._turn.wait()
            self._tell()
            try:
                self.record = await start_dump(
                    self.host.backend,
                    self.request,
                    overwrite=self._overwrite,
                    publish=self._publish,
                    queued=self._kept if self._is_kept else None,
                )
            except NoConnection as error:
                self.error = error
                if self._is_kept:
                    self._queue.release(self._kept)
                    self.error = NoConnection(f"{error.message}; it is kept, and offered when the host is back")
                return
            except Exception as error:
                self._queue.remove(self._kept)
                self.error = backend_error(error)
                return
            finally:
                self._tell()
            await super().run()
        finally:
            self.host.turns.leave(self._turn)

    def _tell(self) -> None:
        self._moved(self)
        self.on_change()
