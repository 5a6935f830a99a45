"""An event loop that is held up, by a slow machine or a slow callback, makes no verdict worse."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Self, cast

from backend.base import Backend
from backend.errors import DomainNotRunning
from backend.event_stream import EventHub
from backend.events import Lifecycle, LifecycleEvent
from backend.job_stats import JobStats, JobType
from backend.model import BlockOperation, DiskKey, DomainKey
from backend.observing.block_observers import BlockObservers
from backend.observing.inbox import Inbox
from backend.observing.wait import _Waiting
from backend.outcome import Verdict
from backend.verdicts.block_attachment import BlockAttachment
from backend.verdicts.observations import Sampled, SampleFailed
from backend.verdicts.phase import GRACE

DOMAIN = DomainKey("uuid", 1, "vm")
DISK = DiskKey(DOMAIN, "vda")
STOPPED = LifecycleEvent(DOMAIN, Lifecycle.STOPPED, "failed")
STATS = JobStats(JobType.UNBOUNDED, operation=BlockOperation.COPY, disk="vda", disk_total=2, disk_processed=1)


class Reports(Inbox):
    """What a hypervisor reports, by way of a stream."""

    def __init__(self) -> None:
        super().__init__()
        self.hub = EventHub()
        self._stream = self.hub.stream()

    async def __aenter__(self) -> Self:
        self.start(self._listen)
        await asyncio.sleep(0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def adapt(self) -> None:
        pass

    async def _listen(self) -> None:
        async for event in self._stream:
            self.put(event)


async def test_what_has_arrived_comes_before_a_deadline_that_passed_meanwhile() -> None:
    loop = asyncio.get_running_loop()
    async with Reports() as reports:
        loop.call_later(0.01, time.sleep, 0.1)
        loop.call_later(0.03, reports.hub.put, STOPPED)
        assert await reports.next(loop.time() + 0.02) == STOPPED
        assert await reports.next(loop.time()) is None


async def test_a_verdict_waits_for_what_has_arrived_however_late_it_is() -> None:
    """The domain was not running when the job was looked for; why, is in an event that nobody has taken yet."""
    attachment = BlockAttachment(DISK, BlockOperation.COPY)
    now = asyncio.get_running_loop().time()
    attachment.observe(Sampled(STATS, now - 60), now - 60)
    attachment.observe(SampleFailed(DomainNotRunning("not running")), now - 60)
    assert attachment.due == now - 60 + GRACE
    async with Reports() as reports:
        reports.put(STOPPED)
        waiting = _Waiting(cast(Backend, None), DOMAIN, reports._stream, None, None, 1.0)
        outcome = await waiting.verdict(attachment, cast(BlockObservers, reports))
    assert outcome is not None and outcome.verdict is Verdict.FAILED
