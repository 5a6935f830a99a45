"""Asks for the state of domains and their jobs together, where one of the two has changed.

The listing tells states, and the sampler jobs, each when it comes to it. A domain that is paused according to the one
and has no job according to the other may never have been like that.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from backend.base import Backend
from backend.errors import BackendError
from backend.model import DomainKey
from backend.status import StatusAnswer

logger = logging.getLogger(__name__)

GATHERING = 0.01
"""Seconds in which what changes is asked for together; whoever follows a job that just began has its turn first."""

Take = Callable[[DomainKey, StatusAnswer, float], object]
"""Gets an answer, and when it was asked for (the event loop's clock)."""


class Moments:
    """`take` gets each answer as soon as it is there. A domain that does not answer delays no other."""

    def __init__(self, backend: Backend, take: Take) -> None:
        self._backend = backend
        self._take = take
        self._due: set[DomainKey] = set()
        self._asked: set[DomainKey] = set()
        self._again: set[DomainKey] = set()
        """Of those that were asked for: they have changed since, so that the answer may be older."""
        self._rounds: set[asyncio.Task[None]] = set()
        self._begin: asyncio.Handle | None = None

    def ask(self, key: DomainKey) -> None:
        """The domain or its job has changed, or may have."""
        if key in self._asked:
            self._again.add(key)
            return
        self._due.add(key)
        if self._begin is None:
            self._begin = asyncio.get_running_loop().call_later(GATHERING, self._begin_round)

    def forget(self, key: DomainKey) -> None:
        """That run of a domain is over."""
        self._due.discard(key)
        self._again.discard(key)

    async def settled(self, patience: float) -> None:
        """Return once all have answered, but after so many seconds at the latest."""
        if self._begin is not None:
            self._begin.cancel()
            self._begin_round()
        if self._rounds:
            await asyncio.wait(self._rounds, timeout=patience)

    def close(self) -> None:
        """Ask no more."""
        if self._begin is not None:
            self._begin.cancel()
        for task in self._rounds:
            task.cancel()

    def _begin_round(self) -> None:
        self._begin = None
        keys, self._due = list(self._due), set()
        if keys:
            self._asked.update(keys)
            task = asyncio.create_task(self._ask(keys))
            self._rounds.add(task)
            task.add_done_callback(self._rounds.discard)

    async def _ask(self, keys: list[DomainKey]) -> None:
        asked = asyncio.get_running_loop().time()
        try:
            await self._backend.statuses(keys, lambda key, answer: self._answered(key, answer, asked))
        except BackendError as error:
            # Whatever made them due does so again: the state or the job still is another one than is known.
            logger.debug("the state of %d domains on %s: %s", len(keys), self._backend.uri, error.message)
        except Exception:
            logger.exception("the state of domains on %s", self._backend.uri)
        finally:
            self._asked.difference_update(keys)

    def _answered(self, key: DomainKey, answer: StatusAnswer, asked: float) -> None:
        self._asked.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.ask(key)
        self._take(key, answer, asked)
