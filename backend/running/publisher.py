"""Shares a dump's record through the hypervisor so that its final state stays, whatever becomes of an earlier one.

A publication that is not answered in time is abandoned, but the hypervisor may still carry it out: while the domain is
locked, libvirt lets it wait. It would then replace what was published after it.
"""

from __future__ import annotations

import asyncio
import logging

from backend.base import Backend
from backend.errors import BackendError, NotAnswering
from backend.events import ConnectionEvent, Event, RecordEvent
from backend.log import ignored
from backend.records.record import JobRecord

logger = logging.getLogger(__name__)

LATEST = 40.0
"""Seconds after which an abandoned publication is not carried out any more: libvirt waits 30 s for a domain's lock."""


class Publisher:
    """Where the hypervisor refuses (the domain is gone, the user may not write metadata) the journal alone serves."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._abandoned = False
        """Whether a publication may still be carried out."""

    async def publish(self, record: JobRecord) -> None:
        """Share a record that has no result yet."""
        with ignored(logger, "the record is in the journal only", BackendError):
            await self._publish(record)

    async def publish_result(self, record: JobRecord) -> None:
        """Share the final record, and again if an earlier one replaces it; that may take LATEST seconds."""
        if not self._abandoned:
            await self.publish(record)
            return
        async with self._backend.events() as events:
            await self.publish(record)
            with ignored(logger, "an earlier record may replace the result", BackendError, TimeoutError):
                async with asyncio.timeout(LATEST):
                    async for event in events:
                        if _may_concern(event, record) and await self._is_restored(record):
                            return

    async def _publish(self, record: JobRecord) -> None:
        try:
            await self._backend.publish(record)
        except NotAnswering:
            self._abandoned = True
            raise

    async def _is_restored(self, record: JobRecord) -> bool:
        """Whether an earlier state of the final record had replaced it, and does no longer."""
        with ignored(logger, "the shared record could not be looked at", BackendError):
            shared = await self._backend.record(record.key)
            if shared is not None and shared.id == record.id and not shared.over:
                await self._backend.publish(record)
                return True
        return False


def _may_concern(event: Event, record: JobRecord) -> bool:
    """Whether the record may have been replaced; while there was no connection, nobody reported that."""
    if isinstance(event, RecordEvent):
        return event.domain.uuid == record.uuid
    return isinstance(event, ConnectionEvent) and event.connected
