"""Everything that observes the job of one disk while it is waited for."""

from __future__ import annotations

import asyncio
import logging
from types import TracebackType
from typing import Self

from backend.base import Backend
from backend.errors import BackendError
from backend.event_stream import EventStream
from backend.events import ConnectionEvent
from backend.observing.inbox import Inbox
from backend.observing.sampler import sampler_of
from backend.verdicts.block_attachment import BlockAttachment
from backend.verdicts.observations import DiskSeen, Observation

logger = logging.getLogger(__name__)

INTERVAL = 0.25
"""Seconds between two looks at how far it is; its end is reported."""


class BlockObservers:
    """Observes from ``async with`` on; `next` gives what was observed."""

    def __init__(self, backend: Backend, attachment: BlockAttachment, events: EventStream) -> None:
        self._backend = backend
        self._attachment = attachment
        self._events = events
        self._observed = Inbox()
        self._ended = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._follower = sampler_of(self._backend).follow(self._attachment.key, self._observed.take, INTERVAL)
        self._observed.start(self._listen, self._look_at_disk)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._follower.close()
        await self._observed.stop()

    async def next(self, until: float | None) -> Observation | None:
        """The next observation; None if there is none `until` then (the event loop's clock)."""
        return await self._observed.next(until)

    def adapt(self) -> None:
        """Observe what matters now that the attachment knows more."""
        if self._attachment.ended:
            self._ended.set()

    async def _listen(self) -> None:
        """Pass on what the hypervisor reports, and look again."""
        try:
            async for event in self._events:
                if isinstance(event, ConnectionEvent) or event.domain.uuid == self._attachment.key.domain.uuid:
                    self._observed.put(event)
                    self._follower.hurry()
        except BackendError as error:
            self._observed.put(ConnectionEvent(False, error.message))

    async def _look_at_disk(self) -> None:
        """Once the job is over: where a pivot was missed, the disk itself shows it."""
        await self._ended.wait()
        try:
            source = await self._backend.disk_source(self._attachment.key)
        except BackendError as error:
            logger.debug("the disk %s: %s", self._attachment.key.disk, error.message)
            source = None
        self._observed.put(DiskSeen(source))
