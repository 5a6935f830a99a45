"""Jobs that began and ended between two looks: what the hypervisor reported of their ends.

A report may reach a witness before the look that finds its job: it is put together with others of the same domain for a
moment, and dropped if the job turns out to be followed. What was reported before a job began is about an earlier one.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from backend.base import Backend
from backend.errors import BackendError, DomainNotRunning, NoSuchDomain
from backend.events import (
    BlockJobEvent,
    BlockJobStatus,
    ConnectionEvent,
    DumpEvent,
    Event,
    JobBegan,
    JobEvent,
    Lifecycle,
    LifecycleEvent,
    Report,
)
from backend.files.target import DumpTarget
from backend.job_stats import JobStats
from backend.model import BlockOperation, DiskKey, DomainKey, JobKey, JobOperation, Operation, domain_of
from backend.observing.ended_file import observe_checked, observe_held
from backend.observing.memory import Memory
from backend.verdicts.attachment import Attachment
from backend.verdicts.block_attachment import BlockAttachment
from backend.verdicts.observations import Observation, Sampled, SampleFailed
from backend.verdicts.phase import FILE_GRACE, STOP_GRACE

logger = logging.getLogger(__name__)

LINGER = 2.0
"""Seconds after the end of a job that was followed in which reports may still be about it."""
GATHERING = 0.5
"""Seconds in which the reports of one job's end come together."""
BEGIN_SLACK = 0.05
"""Seconds by which a job may have begun earlier than its stats say when they arrive."""
_DISK_SLACK = 0.3
"""The same for the job of a disk, which is only known to run when it is seen: its end may be reported before that."""
_RUN_SLACK = 0.8
"""The same where the report is about the end of the run: a daemon that is restarted may number runs anew, but not so
soon."""
_KEPT = 1000
"""Reports that are kept for the jobs that were seen, but were over before they could be followed."""
_ENDS = (BlockJobStatus.COMPLETED, BlockJobStatus.FAILED, BlockJobStatus.CANCELED)
_ENDING_RUNS = (JobOperation.SAVE, JobOperation.MIGRATION_OUT)
_LAST_WORDS: dict[tuple[Lifecycle, str], JobOperation] = {
    (Lifecycle.STOPPED, "saved"): JobOperation.SAVE,
    (Lifecycle.STOPPED, "migrated"): JobOperation.MIGRATION_OUT,
    (Lifecycle.RESUMED, "migrated"): JobOperation.MIGRATION_IN,
}


@dataclass(frozen=True, slots=True)
class _Reported:
    at: float
    """When it arrived; the event loop's clock."""
    event: Report
    run: DomainKey
    """The run of the domain that it is about, as far as that was known then."""

    @property
    def ends_run(self) -> bool:
        return isinstance(self.event, LifecycleEvent) and self.event.event is Lifecycle.STOPPED


class Reports:
    """What is reported of the domains.

    `followed`: when the job of that key began that is being followed, or was a moment ago, by the event loop's clock;
    None without one.
    """

    def __init__(self, backend: Backend, memory: Memory, followed: Callable[[JobKey], float | None]) -> None:
        self._backend = backend
        self._memory = memory
        self._followed = followed
        self._latest: deque[_Reported] = deque(maxlen=_KEPT)
        self._since = asyncio.get_running_loop().time()
        """Since when everything is reported."""
        self._runs: dict[str, DomainKey] = {}
        """The latest known run of each domain: a stopped one has no id any more."""
        self._disk_begins: dict[str, float] = {}
        """When the begin of a disk's job was last reported, by the domain's uuid."""
        self._stop_reported = asyncio.Event()
        """A run was reported to be over."""
        self._gathered: dict[JobKey, list[_Reported]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def know(self, domain: DomainKey) -> None:
        """There is this run of a domain."""
        if domain.id is not None:
            self._runs[domain.uuid] = domain

    def forget(self, uuid: str) -> None:
        """There is no such domain any more; what is still reported of it comes soon."""
        run = self._runs.get(uuid)
        asyncio.get_running_loop().call_later(LINGER, self._forget, uuid, run)

    def take(self, event: Event) -> None:
        """Something was reported."""
        now = asyncio.get_running_loop().time()
        match event:
            case ConnectionEvent():
                # What follows may be a restarted daemon, which numbers runs anew.
                self._since = now
                self._latest = deque((it for it in self._latest if not it.ends_run), maxlen=_KEPT)
            case JobBegan(domain, block=True):
                self._disk_begins[domain.uuid] = now
            case LifecycleEvent() | JobEvent() | DumpEvent() | BlockJobEvent():
                self.know(event.domain)  # A run may be over before anybody has listed it.
                report = _Reported(now, event, self._run(event.domain))
                self._latest.append(report)
                if report.ends_run:
                    self._stop_reported.set()
                key = self._ended_job(event)
                if key is not None and not self._is_of_followed(key, report):
                    gathered = self._gathered.setdefault(key, [])
                    gathered.append(report)
                    if len(gathered) == 1:
                        self._start(self._conclude(key))

    def ended_unseen(self, key: JobKey, stats: JobStats, began: float, stopped: bool = False) -> None:
        """The job had these stats, began then, and was over when it was to be followed; `stopped`: as was the run."""
        self._start(self._conclude_unseen(key, stats, began, stopped))

    @property
    def pending(self) -> set[asyncio.Task[None]]:
        """What puts reports together at present."""
        return self._tasks

    async def close(self) -> None:
        """Remember nothing more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _forget(self, uuid: str, run: DomainKey | None) -> None:
        if self._runs.get(uuid) == run:
            self._runs.pop(uuid, None)
            self._disk_begins.pop(uuid, None)

    def _is_of_followed(self, key: JobKey, report: _Reported) -> bool:
        began = self._followed(key)
        return began is not None and self._is_of(key, report, began)

    def _is_of(self, key: JobKey, report: _Reported, began: float) -> bool:
        """Whether it was reported since that job began, as far as that is known."""
        if report.ends_run and report.run == domain_of(key):
            # Nothing begins on a run that is over: a job that seems to was found by a look that was taken in late.
            return report.at >= began - _RUN_SLACK
        if not isinstance(key, DiskKey):
            return report.at >= began - BEGIN_SLACK
        # Of two jobs of a disk in a row, the begin of the second one is reported after the end of the first.
        other_followed = self._disk_begins.get(key.domain.uuid, report.at) > report.at
        return report.at >= began or (report.at >= began - _DISK_SLACK and not other_followed)

    def _ended_job(self, event: Report) -> JobKey | None:
        """The job that the report says is over."""
        match event:
            case BlockJobEvent(domain, disk, _, status) if status in _ENDS:
                return DiskKey(self._run(domain), disk)
            case JobEvent(domain) | DumpEvent(domain):
                return self._run(domain)
            case LifecycleEvent(domain, what, detail) if (what, detail) in _LAST_WORDS:
                return self._run(domain)
        return None

    def _run(self, domain: DomainKey) -> DomainKey:
        return domain if domain.id is not None else self._runs.get(domain.uuid, domain)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("a job that was missed is not remembered", exc_info=error)

    async def _conclude_unseen(self, key: JobKey, stats: JobStats, began: float, stopped: bool) -> None:
        gone = asyncio.get_running_loop().time()
        await asyncio.sleep(GATHERING)  # The look may have been quicker than the report of the end.
        if stopped:
            await self._until_stop_reported(domain_of(key))
        uuid = domain_of(key).uuid
        reports = [it for it in self._latest if it.event.domain.uuid == uuid and self._is_of(key, it, began)]
        seen = Sampled(stats, began + stats.time_elapsed / 1000)
        await self._remember(key, stats.operation, reports, seen=seen, gone=gone)

    async def _is_over(self, run: DomainKey) -> bool:
        """Whether that run is known to be over."""
        try:
            await self._backend.job(run)
        except (DomainNotRunning, NoSuchDomain):
            return run.id is not None
        except BackendError as error:
            logger.debug("whether %s runs: %s", run.name, error.message)
        return False

    async def _until_stop_reported(self, run: DomainKey) -> None:
        """Return once it is reported why that run is over, or when no report of that will come."""
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_GRACE):
                while not any(report.ends_run and report.run == run for report in self._latest):
                    self._stop_reported.clear()
                    await self._stop_reported.wait()

    async def _conclude(self, key: JobKey) -> None:
        await asyncio.sleep(GATHERING)
        if _stop_may_follow(self._gathered[key]) and await self._is_over(domain_of(key)):
            await self._until_stop_reported(domain_of(key))
        reports = self._gathered.pop(key)
        missed = _by_job([report for report in reports if not self._is_of_followed(key, report)])
        followed_by_other = self._followed(key) is not None
        for operation, of_job in missed:
            await self._remember(key, operation, of_job, over=followed_by_other or of_job is not missed[-1][1])

    async def _remember(
        self,
        key: JobKey,
        operation: Operation,
        reports: Sequence[_Reported],
        *,
        over: bool = False,
        seen: Sampled | None = None,
        gone: float = inf,
    ) -> None:
        """Enter the job with the verdict that follows from the reports of it and from one more look, unless it is known
        to be `over`. `seen`: how it was seen while it ran; `gone`: when it was seen to be over."""
        clock = asyncio.get_running_loop().time
        ended = reports[0].at if reports else min(gone, clock())
        domain, disk = (key.domain, key.disk) if isinstance(key, DiskKey) else (key, None)
        attachment: Attachment | BlockAttachment
        target: DumpTarget | None = None
        if isinstance(key, DiskKey) and isinstance(operation, BlockOperation):
            attachment = BlockAttachment(key, operation)
        else:
            attachment = Attachment(domain, operation, None, dump_events=True)
        if isinstance(attachment, Attachment) and not over:
            of_domain = (it for it in self._latest if it.event.domain.uuid == domain.uuid)
            ends = (it.at for it in of_domain if isinstance(it.event, DumpEvent | JobEvent))
            target = await observe_held(self._backend, domain, attachment, seen, ends, self._since)
        elif seen is not None:
            attachment.observe(seen, seen.sent)
        for report in reports:
            attachment.observe(report.event, report.at)
        attachment.observe(Sampled(None, clock()) if over else await self._look(key, ended), clock())
        if target is not None and isinstance(attachment, Attachment):
            await observe_checked(target, attachment)
        outcome = attachment.outcome(clock() + FILE_GRACE)
        if outcome is None:
            return  # It goes on, and is followed.
        final = next((report.event.stats for report in reports if isinstance(report.event, JobEvent)), None)
        stats = seen.stats if seen is not None else None
        if final is not None and not outcome.time_elapsed:
            outcome = replace(outcome, time_elapsed=final.time_elapsed)
        remembered = self._memory.job(self._backend, domain, operation, disk)
        if stats is not None and seen is not None:
            remembered.seen(stats, clock() - seen.sent)
        remembered.ended(outcome, clock() - ended, final or stats)

    async def _look(self, key: JobKey, ended: float) -> Observation:
        """What the job is now; none, if it is one that began after `ended`."""
        sent = asyncio.get_running_loop().time()
        try:
            stats = await self._backend.job(key)
        except BackendError as error:
            return SampleFailed(error)
        if stats is not None and self._began_after(key, ended, sent - stats.time_elapsed / 1000):
            stats = None
        return Sampled(stats, sent)

    def _began_after(self, key: JobKey, ended: float, began: float) -> bool:
        if isinstance(key, DiskKey):
            return self._disk_begins.get(key.domain.uuid, ended) > ended
        return began > ended + BEGIN_SLACK


def _stop_may_follow(reports: Sequence[_Reported]) -> bool:
    """Whether a job with which a run ends, unless it fails, is reported to be over, and that run is not yet."""
    ending = any(_operation(report.event) in _ENDING_RUNS for report in reports)
    return ending and not any(report.ends_run for report in reports)


def _by_job(reports: Iterable[_Reported]) -> list[tuple[Operation, list[_Reported]]]:
    """The reports of each job, which has one of a kind; that of a dump is the only one."""
    jobs: list[tuple[Operation, list[_Reported]]] = []
    for report in reports:
        operation = _operation(report.event)
        if jobs and operation is not JobOperation.DUMP and jobs[-1][0] == operation:
            of_job = jobs[-1][1]
            if all(type(other.event) is not type(report.event) for other in of_job):
                of_job.append(report)
                continue
        jobs.append((operation, [report]))
    return jobs


def _operation(event: Report) -> Operation:
    """That of the job whose end is reported."""
    match event:
        case BlockJobEvent(operation=operation):
            return operation
        case JobEvent(stats=stats):
            return stats.operation
        case LifecycleEvent(_, what, detail):
            return _LAST_WORDS[what, detail]
    return JobOperation.DUMP
