"""The streams through which a backend passes on its events."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from backend.errors import BackendError
from backend.events import ConnectionEvent, Event, Report


class EventStream:
    """An async iterator over events, listening from the moment it is made.

    It ends when it or its backend is closed, or raises the error that ended it; it never goes silent.
    Use it as an async context manager. All methods belong to the event loop's thread.
    """

    def __init__(self, hub: EventHub) -> None:
        self._hub = hub
        self._waiting: deque[tuple[float, Event]] = deque()
        """Those that nobody has taken yet, each with when it came (the event loop's clock)."""
        self._arrived = asyncio.Event()
        self._ended = False
        self._error: BackendError | None = None

    def narrow(self, uuid: str) -> None:
        """Deliver, from now on, only the events of that domain and of the connection.

        With many streams on one backend, most events would otherwise wake those that have no use for them.
        """
        self._hub.narrow(self, uuid)

    def take_reports(self, until: float) -> list[tuple[float, Report]]:
        """The reports that came by then (the event loop's clock), each with when it came; they are not delivered any
        more."""
        taken = [(at, event) for at, event in self._waiting if at <= until and isinstance(event, Report)]
        self._waiting = deque(entry for entry in self._waiting if entry not in taken)
        return taken

    def put(self, event: Event) -> None:
        """Deliver an event (for backends)."""
        if not self._ended:
            self._waiting.append((asyncio.get_running_loop().time(), event))
            self._arrived.set()

    def end(self, error: BackendError | None = None) -> None:
        """No more events will come (for backends); `error` says why, if it is not a plain close."""
        if not self._ended:
            self._ended = True
            self._error = error
            self._arrived.set()

    def close(self) -> None:
        """Stop listening."""
        self.end()
        self._hub.close(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        while not self._waiting:
            if self._ended:
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()[1]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class EventHub:
    """The streams that are open on one backend."""

    def __init__(self) -> None:
        self._streams: dict[EventStream, str | None] = {}
        """Each with the uuid of the domain to which it is narrowed, if it is."""
        self._by_uuid: defaultdict[str | None, set[EventStream]] = defaultdict(set)
        """The same the other way round."""

    def __len__(self) -> int:
        return len(self._streams)

    def stream(self) -> EventStream:
        """A new stream that gets every event from now on."""
        stream = EventStream(self)
        self._open(stream, None)
        return stream

    def narrow(self, stream: EventStream, uuid: str) -> None:
        """Let the stream have, from now on, only the events of that domain and of the connection."""
        if stream in self._streams:
            self.close(stream)
            self._open(stream, uuid)

    def close(self, stream: EventStream) -> None:
        """Let the stream have no more events."""
        uuid = self._streams.pop(stream, None)
        self._by_uuid[uuid].discard(stream)
        if not self._by_uuid[uuid]:
            del self._by_uuid[uuid]

    def put(self, event: Event) -> None:
        if isinstance(event, ConnectionEvent):
            streams: Iterable[EventStream] = self._streams
        else:
            streams = (*self._by_uuid.get(None, ()), *self._by_uuid.get(event.domain.uuid, ()))
        for stream in streams:
            stream.put(event)

    def end(self, error: BackendError | None = None) -> None:
        for stream in list(self._streams):
            stream.end(error)
            self.close(stream)

    def _open(self, stream: EventStream, uuid: str | None) -> None:
        self._streams[stream] = uuid
        self._by_uuid[uuid].add(stream)
