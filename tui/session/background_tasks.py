"""The session's asyncio tasks: kept until they end, all cancelled when the session closes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class BackgroundTasks:
    """Starts tasks. An exception that a task does not handle is passed to `failed` with the task's subject."""

    def __init__(self, failed: Callable[[str, BaseException], None]) -> None:
        self._failed = failed
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, subject: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work`, which concerns `subject`, a domain or a host."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._end(subject, task))
        return task

    def cancel(self) -> None:
        """Cancel all of them."""
        for task in self._tasks:
            task.cancel()

    def _end(self, subject: str, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(subject, error)
