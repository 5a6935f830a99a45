"""Why a domain is paused by an I/O error: its disks that do not work."""

from __future__ import annotations

import logging
from collections.abc import Callable

from backend.errors import BackendError
from backend.model import DomainState
from tui.session.background_tasks import BackgroundTasks
from tui.session.host import Host
from tui.session.rows import Row, RowKey

logger = logging.getLogger(__name__)

Found = Callable[[Row, tuple[str, ...]], object]


class FailingDisks:
    """Asks the hypervisor once for each such pause; `found` gets the row that was looked at, and what was learned."""

    def __init__(self, tasks: BackgroundTasks, found: Found) -> None:
        self._tasks = tasks
        self._found = found
        self._asking: set[RowKey] = set()

    def look(self, host: Host, row: Row) -> None:
        """The row has changed."""
        domain = row.domain
        failing = domain.state is DomainState.PAUSED and domain.reason == "I/O error" and domain.answering
        if failing and not row.io_errors and not row.stale and row.key not in self._asking:
            self._asking.add(row.key)
            self._tasks.start(domain.name, self._ask(host, row))

    async def _ask(self, host: Host, row: Row) -> None:
        try:
            errors = await host.backend.io_errors(row.domain.key)
        except BackendError as error:
            logger.debug("the disks of %s: %s", row.domain.name, error)
        else:
            if errors:
                self._found(row, tuple(errors))
        finally:
            self._asking.discard(row.key)
