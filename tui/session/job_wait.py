"""A wait for the end of one job: how far the job is, and how it ended."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from backend.errors import BackendError
from backend.job_stats import JobStats
from backend.log import backend_error, ignored
from backend.model import DomainKey, Operation
from backend.observing.progress import Progress, ProgressMeter
from backend.observing.wait import wait
from backend.outcome import Outcome
from backend.records import process
from backend.records.journal import Journal
from backend.records.record import JobRecord, RecordState
from backend.threads import in_thread
from tui.session.host import Host
from tui.session.rows import RowKey
from tui.words.job_names import job_name, name_of

logger = logging.getLogger(__name__)

SHOW_INTERVAL = 0.25
"""Minimum seconds between two updates of a job on the screen."""
QUEUED, STARTING = "queued", "starting"
"""Stages of a dump that has no job yet."""


class JobWait:
    """Attached to one job. `on_change` is called when there is something new to show.

    `progress`: how far the job is, if that was seen before. `disk`: the one whose job it is; None: the domain's own.
    """

    def __init__(
        self,
        host: Host,
        domain: DomainKey,
        operation: Operation,
        record: JobRecord | None = None,
        progress: Progress | None = None,
        disk: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.host = host
        self.domain = domain
        self.disk = disk
        self.operation = operation
        self.record = record
        self.progress = progress
        self.outcome: Outcome | None = None
        self.error: BackendError | None = None
        self.on_change: Callable[[], None] = lambda: None
        self.attached = asyncio.Event()
        """Set once the job was found, or will not be found any more: its end is not missed from then on."""
        self.left = False
        """Whether its user has left a job of someone else: how that ends is no news then."""
        self.began = 0.0
        """Since when it has been waiting, by the event loop's clock."""
        self._clock = clock
        self._meter = ProgressMeter(progress, clock())
        self._shown_at = float("-inf")

    @property
    def key(self) -> RowKey:
        return RowKey(self.host.uri, self.domain.uuid, self.disk or "")

    @property
    def name(self) -> str:
        """The newest known name of its domain."""
        return self.host.name_of(self.domain)

    @property
    def what(self) -> str:
        """What its job is called: ``dump``, ``pull backup``, ``block copy of vda``."""
        return name_of(self.progress.stats) if self.progress is not None else job_name(self.operation, self.disk)

    @property
    def path(self) -> str:
        """The file that it writes, where that is known; else empty."""
        if self.outcome is not None and self.outcome.path:
            return self.outcome.path
        return self.record.path if self.record is not None else ""

    @property
    def ready(self) -> bool:
        """Whether it mirrors what the guest writes, and waits for a pivot or an abort."""
        return self.progress is not None and self.progress.stats.ready is True and not self.over

    @property
    def stage(self) -> str:
        """``starting`` until there is a sign of the job of a dump that this user requested; then empty."""
        return STARTING if self.record is not None and self.progress is None and not self.over else ""

    @property
    def queued(self) -> bool:
        """Whether it is for a dump that only this console will start."""
        return self.stage == QUEUED

    @property
    def ours(self) -> bool:
        """Whether this user requested the job, and should learn its end even if nobody is looking."""
        return self.record is not None

    @property
    def unstarted(self) -> bool:
        """Whether it is for a dump of this user's that was not started, and will not be."""
        return self.error is not None and self.ours and self.record is None

    @property
    def over(self) -> bool:
        return self.outcome is not None or self.error is not None

    async def run(self) -> None:
        """Wait for the end; it sets `outcome` or `error`."""
        self.began = asyncio.get_running_loop().time()
        try:
            self.outcome = await wait(
                self.host.backend,
                self.domain,
                self.operation,
                on_progress=self._sampled,
                record=self.record,
                disk=self.disk,
                memory=self.host.memory,
            )
            await in_thread(self._settle, "journal")
        except Exception as error:
            self.error = backend_error(error)
        self.attached.set()
        self.on_change()

    def _sampled(self, stats: JobStats) -> None:
        self.attached.set()
        now = self._clock()
        before = self.progress.stats if self.progress is not None else None
        self.progress = self._meter.update(stats, now)
        turned = before is None or (before.closing, before.ready) != (stats.closing, stats.ready)
        if now - self._shown_at >= SHOW_INTERVAL or turned:
            self._shown_at = now
            self.on_change()

    def _settle(self) -> None:
        """Mark a record as lost if its runner died before it wrote a result."""
        if self.record is None:
            return
        with ignored(logger, "a record stays without a result", BackendError):
            journal = Journal()
            record = journal.read(self.record.id)
            if record is not None and not record.over and process.runner_alive(record) is False:
                journal.write(process.finished(record, RecordState.LOST, "the process that held its result is gone"))
