"""Follows single jobs for the command `wait`, and reports how each one ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from backend.base import Backend
from backend.errors import AmbiguousJob, BackendError, DomainNotRunning, JobMismatch, NoJob, NoSuchDomain
from backend.job_stats import JobStats
from backend.model import DiskKey, DomainKey, JobKey, JobOperation
from backend.observing.last_job import Errors, JobChoice, LastJob, job_seen_as, last_job, last_job_called
from backend.observing.memory import Memory
from backend.outcome import Evidence, Outcome, Verdict
from backend.records.entry import JobEntry
from backend.text import clean
from tui.cli import exits, follow
from tui.cli.disks import find_mirror, other_jobs, with_example
from tui.cli.exits import Exit
from tui.cli.fleet import Location
from tui.cli.output import complain
from tui.cli.progress_line import ProgressLine
from tui.cli.silence import naming_last_known
from tui.cli.wait_options import WaitOptions

OnEnd = Callable[[Outcome, str], None]
"""Called with the outcome of each job that was waited for and the URI of its hypervisor."""
GONE = (NoJob, JobMismatch, DomainNotRunning, NoSuchDomain)
"""Errors of a wait for a job that was seen: it is over by now."""
_CLOCK_SLACK = 1.0
"""Seconds by which a job may be remembered to have begun before it was seen to."""


@dataclass(frozen=True, slots=True)
class Searched:
    """The hypervisors on which a domain is looked for."""

    uris: tuple[str, ...]
    local: bool
    """Whether one of them is this machine's."""

    @classmethod
    def of(cls, backends: Sequence[Backend]) -> Self:
        local = any(backend.capabilities.local for backend in backends)
        return cls(tuple(backend.uri for backend in backends), local)


class JobFollower:
    """The jobs that one command waits for. What is seen of them is kept in `memory`, if there is one."""

    def __init__(self, options: WaitOptions, on_end: OnEnd, memory: Memory | None) -> None:
        self.line = ProgressLine(options.as_json)
        self.memory = memory
        self._options = options
        self._choice = JobChoice(options.operation, options.disk)
        self._on_end = on_end
        self._complaints: set[str] = set()

    async def follow_named(self, location: Location) -> Exit:
        """Report how the job that the options mean ended; the last one, if none is running and that will do."""
        backend, domain = location.backend, location.domain.key
        options = self._options
        report = self.report(backend, domain)
        try:
            async with naming_last_known(backend, location.domain):
                if options.ready:
                    return await self.follow_mirror(backend, domain)
                outcome = await follow.follow(
                    backend, domain, options.operation, report, options.timeout, disk=options.disk, memory=self.memory
                )
        except AmbiguousJob as error:
            raise await with_example(backend, domain, error) from None
        except (NoJob, DomainNotRunning) as error:
            last, errors = await last_job(backend, domain, self._choice) if options.last else (None, {})
            self._complain(errors)
            if last is None:
                own = isinstance(error, NoJob) and isinstance(options.operation, JobOperation)
                raise (own and await other_jobs(backend, domain)) or error from None
            return self._report_last(report, last)
        return self._end(backend, report, outcome)

    async def report_last_of(self, name: str, searched: Searched, error: NoSuchDomain) -> Exit:
        """Report how the last job of a domain ended that none of the hypervisors has any more; raise `error` if nobody
        remembers one."""
        last, errors = await last_job_called(name, searched.uris, self._choice, searched.local)
        self._complain(errors)
        if last is None:
            raise error
        report = follow.Report(last.outcome.domain, last.uri, self._options.as_json, self.line)
        return self._report_last(report, last)

    async def follow_seen(self, location: Location, stats: JobStats) -> Exit:
        """Report how the job with these stats ended, also if it is over by now."""
        backend, domain = location.backend, location.domain.key
        began = time.time() - stats.time_elapsed / 1000
        report = self.report(backend, domain if stats.disk is None else DiskKey(domain, stats.disk))
        try:
            async with naming_last_known(backend, location.domain):
                if self._options.ready:
                    return await self.follow_mirror(backend, domain, stats.disk)
                outcome = await follow.follow(
                    backend, domain, stats.operation, report, self._options.timeout, disk=stats.disk, memory=self.memory
                )
        except GONE:
            choice = JobChoice(stats.operation, stats.disk, since=began - _CLOCK_SLACK)
            last, errors = await last_job(backend, domain, choice)
            self._complain(errors)
            detail = "It was over before it could be followed."
            unseen = Outcome(domain, stats.operation, Verdict.UNPROVEN, Evidence.NONE, detail, disk=stats.disk)
            outcome = last.outcome if last is not None else unseen
        return self._end(backend, report, outcome)

    async def report_entered(self, backend: Backend, key: JobKey, entry: JobEntry) -> Exit:
        """Report how the job ended that a witness of this process has entered."""
        if self.memory is not None:
            await self.memory.settle()
        job, errors = await job_seen_as(entry, backend.capabilities.local)
        self._complain(errors)
        report = self.report(backend, key)
        if job is not None and job.record is not None and job.word == "running":
            # The call is about to return its result.
            outcome = await follow.follow(backend, entry.key, entry.operation, report, record=job.record)
        else:
            detail = "Nothing was seen of its end."
            unseen = Outcome(entry.key, entry.operation, Verdict.UNPROVEN, Evidence.NONE, detail, disk=entry.disk)
            outcome = (job and job.outcome) or entry.outcome or unseen
        return self._end(backend, report, outcome, follow.Extent(entry.began, bytes=entry.bytes))

    def report(self, backend: Backend, key: JobKey) -> follow.Report:
        """What prints the job's progress and its end."""
        return follow.Report(key, backend.uri, self._options.as_json, self.line)

    async def follow_mirror(self, backend: Backend, domain: DomainKey, disk: str | None = None) -> Exit:
        """Return once a block job is ready, or report how it ended before that."""
        options = self._options
        mirror = await find_mirror(backend, domain, disk or options.disk, options.operation)
        assert mirror.disk is not None
        key = DiskKey(domain, mirror.disk)
        report = self.report(backend, key)
        outcome = await follow.follow_until_ready(backend, key, report, options.timeout, self.memory)
        if outcome is not None:
            return self._end(backend, report, outcome)
        report.ready(mirror.operation, mirror.disk)
        return Exit.COMPLETED

    def _end(
        self, backend: Backend, report: follow.Report, outcome: Outcome, extent: follow.Extent = follow.JUST_NOW
    ) -> Exit:
        report.end_line()
        report.outcome(outcome, extent)
        self._on_end(outcome, backend.uri)
        return exits.of_outcome(outcome, self._options.trust_qemu)

    def _report_last(self, report: follow.Report, last: LastJob) -> Exit:
        report.outcome(last.outcome, follow.Extent(last.began, last.ended, last.bytes))
        return exits.of_outcome(last.outcome, self._options.trust_qemu)

    def _complain(self, errors: Errors) -> None:
        """Name each source that could not be read, once."""
        lines = {clean(error.message) for error in errors.values()}
        for line in sorted(lines - self._complaints):
            complain(line)
        self._complaints |= lines


def error_line(name: str, error: BackendError) -> str:
    """The error in one line that names the domain."""
    message = clean(error.message)
    return message if name in message else f"{name}: {message}"
