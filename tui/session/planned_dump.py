"""A dump that has not started yet: on each host, dumps take turns."""

from __future__ import annotations

from collections.abc import Callable

from backend.dump_request import DumpRequest
from backend.errors import BackendError
from backend.log import backend_error
from backend.model import JobOperation
from backend.running.start import start_dump
from tui.session.host import Host
from tui.session.job_wait import QUEUED, STARTING, JobWait


class PlannedDump(JobWait):
    """Waits for its turn, starts its dump, and waits for the end of that. It is in the queue from the beginning."""

    def __init__(
        self,
        host: Host,
        request: DumpRequest,
        overwrite: bool,
        publish: bool,
        moved: Callable[[PlannedDump], object],
    ) -> None:
        super().__init__(host, request.domain, JobOperation.DUMP)
        self.request = request
        self._overwrite = overwrite
        self._publish = publish
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
        self.error = BackendError("removed from the queue")
        self.on_change()

    async def run(self) -> None:
        try:
            await self._turn.wait()
            self._tell()
            try:
                self.record = await start_dump(
                    self.host.backend, self.request, overwrite=self._overwrite, publish=self._publish
                )
            except Exception as error:
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
