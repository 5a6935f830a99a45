"""A dump that is not started yet: one of several, which take turns on their host."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from backend.errors import BackendError
from backend.model import JobOperation
from tui.dumps.choice import DumpChoice
from tui.host import Host
from tui.waiting import Waiting

AT_ONCE = 2
"""Dumps of several that run at the same time on a host, unless another number is asked for."""
QUEUED = "queued"


class PlannedDump(Waiting):
    """Waits for its turn, starts its dump, and waits for the end of that. The turns are those of its host."""

    def __init__(
        self,
        host: Host,
        choice: DumpChoice,
        publish: bool,
        turns: asyncio.Semaphore,
        moved: Callable[[Waiting], object],
    ) -> None:
        super().__init__(host, choice.domain.key, JobOperation.DUMP)
        self.choice = choice
        self._publish = publish
        self._turns = turns
        self._moved = moved
        self._its_turn = False

    @property
    def stage(self) -> str:
        if self.over:
            return ""
        if not self._its_turn:
            return QUEUED
        return "starting" if self.record is None else super().stage

    @property
    def ours(self) -> bool:
        return True

    def drop(self) -> None:
        """Never start it; for whoever runs this to cancel first."""
        self.error = BackendError("dropped from the queue")
        self.on_change()

    async def run(self) -> None:
        async with self._turns:
            self._its_turn = True
            self._tell()
            try:
                self.record = await self.host.backend.start_dump(
                    self.choice.request, overwrite=self.choice.overwrite, publish=self._publish
                )
            except BackendError as error:
                self.error = error
                self._tell()
                return
            await super().run()

    def _tell(self) -> None:
        self._moved(self)
        self.on_change()
