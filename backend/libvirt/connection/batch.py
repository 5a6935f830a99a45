"""Many calls that several connections share, so that one that hangs holds up no other."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

import libvirt

from backend.errors import BackendError, NoConnection
from backend.libvirt.connection.connection import Call, Connection, Subject, name_of

T = TypeVar("T")
ErrorOf = Callable[[str, libvirt.libvirtError], BackendError]
"""The typed error of a call about that subject."""


class Batch(Generic[T]):
    """Calls to be made, the answers so far, and the parts of the connections that share them."""

    def __init__(
        self,
        certain: Mapping[Subject, Call[T]],
        doubtful: Mapping[Subject, Call[T]],
        may_try: Callable[[], bool],
        error_of: ErrorOf,
    ) -> None:
        """The `doubtful` calls come last, and only while `may_try`, which any thread may ask.

        `error_of`: the error that the caller gets for one of libvirt.
        """
        self._certain = deque(certain.items())
        self._doubtful = deque(doubtful.items())
        self._may_try = may_try
        self.error_of = error_of
        self.answers: dict[Subject, T | BackendError] = {}
        self.fresh: deque[Subject] = deque()
        """Subjects whose answers were not processed yet."""
        self.parts: list[Part[T]] = []

    @property
    def todo(self) -> bool:
        """Whether there is a call to be made now."""
        return bool(self._certain or (self._doubtful and self._may_try()))

    def take(self) -> tuple[Subject, Call[T]] | None:
        """A call to be made now, for one of the threads."""
        with contextlib.suppress(IndexError):
            return self._certain.popleft()
        with contextlib.suppress(IndexError):
            if self._may_try():
                return self._doubtful.popleft()
        return None

    def put_back(self, subject: Subject, call: Call[T]) -> None:
        """Return a call that was not made after all."""
        self._certain.append((subject, call))

    def stop(self) -> None:
        """Begin no further call."""
        self._certain.clear()
        self._doubtful.clear()

    def share(self, connection: Connection) -> Part[T]:
        """Let a free connection take part."""
        assert connection.thread is not None
        part = Part(self, connection)
        connection.part = part
        self.parts.append(part)
        part.future = connection.thread.call(part.work)
        return part

    @property
    def active(self) -> list[Part[T]]:
        """The parts at work, but for those whose call was written off."""
        return [part for part in self.parts if not (part.future.done() or part.stuck)]

    @property
    def lost(self) -> NoConnection | None:
        """Why no call can be made any more, once all connections broke."""
        reasons = [part.broken for part in self.parts]
        return reasons[0] if reasons and all(reasons) else None


class Part(Generic[T]):
    """What one connection does for a batch."""

    future: asyncio.Future[None]

    def __init__(self, batch: Batch[T], connection: Connection) -> None:
        self._batch = batch
        self._connection = connection
        self._current: tuple[Subject, float] | None = None
        self._written_off: tuple[Subject, float] | None = None
        self.broken: NoConnection | None = None
        """Why its connection cannot be used any more."""

    def work(self) -> None:
        """Make calls until none is left or the connection breaks (in the connection's thread)."""
        batch = self._batch
        while self.broken is None and (work := batch.take()) is not None:
            subject, call = work
            self._current = (subject, time.monotonic())
            answer = self._make(subject, call)
            if isinstance(answer, NoConnection):
                self.broken = answer
                batch.put_back(subject, call)
            else:
                batch.answers[subject] = answer
                batch.fresh.append(subject)
            self._current = None

    def _make(self, subject: Subject, call: Call[T]) -> T | BackendError:
        try:
            return call(self._connection)
        except libvirt.libvirtError as error:
            return self._batch.error_of(name_of(subject), error)
        except BackendError as error:
            return error

    @property
    def subject(self) -> Subject | None:
        """What its present call is about."""
        current = self._current
        return current[0] if current else None

    def age(self, now: float) -> float:
        """Seconds since its present call began; 0 without one."""
        current = self._current
        return now - current[1] if current else 0.0

    def write_off(self, age: float, now: float) -> None:
        """Give up its present call if it is that old. Should it return after all, the connection is free again."""
        current = self._current
        if current and now - current[1] >= age:
            self._written_off = current

    @property
    def stuck(self) -> bool:
        """Whether its present call was written off."""
        return self._written_off is not None and self._written_off is self._current
