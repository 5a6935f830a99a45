"""A dump that is not started yet: on each host, they take turns."""

from __future__ import annotations

from collections.abc import Callable

from backend.errors import BackendError
from backend.log import backend_error
from backend.model import JobOperation
from backend.running.start import start_dump
from tui.dumping.choice import DumpChoice
from tui.session.host import Host
from tui.session.waiting import Waiting

QUEUED = "queued"


class PlannedDump(Waiting):
    """Waits for its turn, starts its dump, and waits for the end of that. It stands in the queue from the beginning."""

    def __init__(self, host: Host, choice: DumpChoice, publish: bool, moved: Callable[[PlannedDump], object]) -> None:
        super().__init__(host, choice.domain.key, JobOperation.DUMP)
        self.choice = choice
        self._publish = publish
        self._moved = moved
        self._turn = host.turns.line_up()

    @property
    def stage(self) -> str:
        if self.over:
            return ""
        if not self._turn.is_set():
            return QUEUED
        return "starting" if self.record is None else super().stage

    @property
    def ours(self) -> bool:
        return True

    def drop(self) -> None:
        """Never start it; for whoever runs this to cancel first."""
        self.host.turns.leave(self._turn)
        self.error = BackendError("dropped from the queue")
        self.on_change()

    async def run(self) -> None:
        try:
            await self._turn.wait()
            self._tell()
            try:
                self.record = await start_dump(
                    self.host.backend, self.choice.request, overwrite=self.choice.overwrite, publish=self._publish
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
