"""Domains that a job paused which is no longer running: they stay paused until someone resumes them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from backend.errors import BackendError
from backend.status import Status, StatusAnswer
from tui.session.background_tasks import BackgroundTasks
from tui.session.host import Host
from tui.session.rows import Row, RowKey, RowStore

logger = logging.getLogger(__name__)

LEFT_AFTER = 2.0
"""Seconds that a domain must be paused by a job, without having one, to count as left paused."""


class LeftPauses:
    """`found` gets the row of each: its hypervisor has answered, after that time, that it is paused and has no job."""

    def __init__(self, tasks: BackgroundTasks, rows: RowStore, found: Callable[[Row], object]) -> None:
        self._tasks = tasks
        self._rows = rows
        self._found = found
        self._suspects: dict[Host, dict[RowKey, tuple[Row, float]]] = {}
        """The rows of each host that look left paused, and when each is to be looked at."""

    def suspect(self, host: Host, row: Row) -> None:
        """The row has changed."""
        if not row.maybe_left_paused or row.left_paused:
            return
        due = asyncio.get_running_loop().time() + LEFT_AFTER
        checked = host in self._suspects
        self._suspects.setdefault(host, {})[row.key] = row, due
        if not checked:
            self._tasks.start(host.name, self._check(host))

    async def _check(self, host: Host) -> None:
        clock = asyncio.get_running_loop().time
        suspects = self._suspects[host]
        try:
            while suspects:
                await asyncio.sleep(min(due for _, due in suspects.values()) - clock())
                for key in [key for key, (row, _) in suspects.items() if not self._still(row)]:
                    del suspects[key]
                due_now = [row for row, due in suspects.values() if due <= clock()]
                await self._look(host, due_now, suspects)
        finally:
            del self._suspects[host]

    async def _look(self, host: Host, rows: list[Row], suspects: dict[RowKey, tuple[Row, float]]) -> None:
        """Find out which have no job; those of which nobody knows remain suspects."""
        if not rows:
            return
        again = asyncio.get_running_loop().time() + LEFT_AFTER
        for row in rows:
            suspects[row.key] = row, again
        try:
            statuses = await host.backend.statuses([row.domain.key for row in rows])
        except BackendError as error:
            logger.debug("the jobs of paused domains on %s: %s", host.uri, error)
            return
        for row in rows:
            status = statuses[row.domain.key]
            if not _is_answer(status) or suspects.get(row.key, (None,))[0] is not row:
                continue
            del suspects[row.key]
            if isinstance(status, Status) and _is_left(row, status) and self._still(row):
                self._found(row)

    def _still(self, row: Row) -> bool:
        """Whether it looks as it did, as far as anybody can see; that of a lost host may."""
        now = self._rows.get(row.key)
        return now is not None and now.maybe_left_paused and not now.left_paused and now.domain == row.domain


def _is_answer(status: StatusAnswer) -> bool:
    """Whether it says if there is a job."""
    return isinstance(status, Status) and not isinstance(status.job, BackendError)


def _is_left(row: Row, status: Status) -> bool:
    """Whether the domain is without a job in the very state that the row shows."""
    domain = status.domain
    return status.job is None and domain.key == row.domain.key and domain.paused_by == row.domain.paused_by != ""
