"""What several observers of one job observe, in the order in which it came."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from backend.base import JobAnswer
from backend.errors import BackendError
from backend.verdicts.observations import Observation, Sampled, SampleFailed

TURNS = 5
"""Turns of the event loop in which what has arrived makes its way here: from a timer or a thread, by a stream."""


class Inbox:
    """Observers put in what they observe, or the exception that ended them; one reader takes it out."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Observation | Exception] = asyncio.Queue()
        self._observers: list[asyncio.Task[None]] = []

    def start(self, *observers: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run these until `stop`."""
        for observer in observers:
            task = asyncio.create_task(observer())
            task.add_done_callback(self._stopped)
            self._observers.append(task)

    async def stop(self) -> None:
        """End all of them."""
        for task in self._observers:
            task.cancel()
        await asyncio.gather(*self._observers, return_exceptions=True)

    def put(self, observation: Observation | Exception) -> None:
        self._queue.put_nowait(observation)

    def take(self, answer: JobAnswer | Exception, sent: float) -> None:
        """Put in what the sampler has learned of the job (see Take)."""
        if isinstance(answer, BackendError):
            self.put(SampleFailed(answer))
        else:
            self.put(answer if isinstance(answer, Exception) else Sampled(answer, sent))

    async def next(self, until: float | None) -> Observation | None:
        """The next observation; None if there is none `until` then (the event loop's clock). Raises an exception."""
        try:
            async with asyncio.timeout_at(until):
                observation = await self._queue.get()
        except TimeoutError:
            # Where the loop was held up, what has arrived meanwhile is as late as this, and comes before it.
            for _ in range(TURNS):
                await asyncio.sleep(0)
            if self._queue.empty():
                return None
            observation = self._queue.get_nowait()
        if isinstance(observation, Exception):
            raise observation
        return observation

    def _stopped(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and isinstance(error := task.exception(), Exception):
            self.put(error)
