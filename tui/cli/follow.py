"""Follow one job, in a terminal or a script, until it ends or Ctrl-C is pressed."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from backend.base import Backend
from backend.errors import JournalError
from backend.job_stats import JobStats
from backend.log import ignored
from backend.model import DiskKey, DomainKey, JobKey, Operation, domain_of
from backend.observing.memory import Memory
from backend.observing.progress import ProgressMeter
from backend.observing.wait import wait, wait_until_ready
from backend.outcome import Outcome, Verdict
from backend.records.record import JobRecord
from backend.threads import in_thread
from tui.cli.hints import command_line
from tui.cli.output import print_json, times_json
from tui.cli.progress_line import PAINT_INTERVAL, ProgressLine
from tui.cli.tables import job_json, phase
from tui.words import outcomes, units
from tui.words.job_names import job_name

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Extent:
    """When a job was requested, or else began, and ended, in seconds since the epoch, and how much it processed.

    None: not known.
    """

    began: float | None = None
    ended: float | None = None
    """None: just now."""
    bytes: int | None = None


JUST_NOW = Extent()


class Report:
    """Prints one job's progress and outcome: as JSON Lines, or as text with a progress line on a terminal."""

    def __init__(self, key: JobKey, uri: str, as_json: bool, line: ProgressLine | None = None) -> None:
        """`uri` is that of the hypervisor. `line` is shared by jobs that are followed together."""
        self._key = key
        self._domain = domain_of(key)
        self._uri = uri
        self._json = as_json
        self._meter = ProgressMeter()
        self._line = line or ProgressLine(as_json)
        self._next = 0.0
        self._phase = ""
        self._began: float | None = None
        self._bytes: int | None = None

    def progress(self, stats: JobStats) -> None:
        now = time.monotonic()
        if self._began is None:
            self._began = time.time() - stats.time_elapsed / 1000
        self._bytes = stats.processed
        progress = self._meter.update(stats, now)
        self._line.show(self._key, progress)
        if self._json and (now >= self._next or phase(stats) != self._phase):
            self._next, self._phase = now + PAINT_INTERVAL, phase(stats)
            print_json(progress_json(self._uri, self._domain, stats))

    def ready(self, operation: Operation, disk: str) -> None:
        """Print that the disk's job mirrors everything from now on."""
        with self._line.away():
            if self._json:
                print_json(ready_json(self._uri, self._domain, operation, disk))
            else:
                print(f"{self._domain.name}: {job_name(operation, disk)} is ready", flush=True)

    def outcome(self, outcome: Outcome, extent: Extent = JUST_NOW) -> None:
        """Print how it ended. What `extent` does not say, is as far as it was seen."""
        ended = extent.ended
        with self._line.away():
            line = outcomes.report(outcome)
            if ended is not None:
                line += f" (ended {units.moment(ended)})"
            if self._json:
                seen = Extent(extent.began or self._began, ended, self._bytes if extent.bytes is None else extent.bytes)
                print_json(outcome_json(self._uri, outcome, seen))
            elif outcome.verdict is Verdict.COMPLETED:
                print(line, flush=True)
            else:
                print(f"virt-jobs: {line}", file=sys.stderr)
            if outcome.left_paused and not self._json:
                print(f"virt-jobs: {left_paused_line(self._uri, outcome.domain.name)}", file=sys.stderr)

    def end_line(self) -> None:
        """Remove this job from the progress line."""
        self._line.drop(self._key)


async def follow(
    backend: Backend,
    domain: DomainKey,
    operation: Operation | None,
    report: Report,
    timeout: float | None = None,
    record: JobRecord | None = None,
    disk: str | None = None,
    memory: Memory | None = None,
) -> Outcome:
    """Wait for the job to end while `report` shows its progress; raises what `wait` raises."""
    try:
        return await wait(backend, domain, operation, timeout, report.progress, record, disk=disk, memory=memory)
    finally:
        report.end_line()


async def follow_until_ready(
    backend: Backend, key: DiskKey, report: Report, timeout: float | None = None, memory: Memory | None = None
) -> Outcome | None:
    """The same until the disk's job is ready, and None then; how it ended, if it did so before."""
    try:
        return await wait_until_ready(backend, key, timeout, report.progress, memory)
    finally:
        report.end_line()


def attach_command(hosts: Sequence[str], *names: str, options: Sequence[str] = ("--operation", "any")) -> str:
    """The command line that attaches to the domains' jobs again; `hosts` are values for the option -c."""
    return command_line(hosts, "wait", *names, options=options)


async def extent_of_dump(record: JobRecord) -> Extent:
    """What is known of a dump of this user that has ended: its record has the size of the file."""
    from backend.records.journal import Journal

    ended: JobRecord | None = None
    with ignored(logger, "the size of the file is not told", JournalError):
        ended = await in_thread(partial(Journal().read, record.id), "journal")
    return Extent(record.started, bytes=ended.bytes if ended is not None else None)


def left_paused_line(uri: str, name: str) -> str:
    return f"{name} was left paused; resume it with: {command_line([uri], 'resume', name)}"


def progress_json(uri: str, domain: DomainKey, stats: JobStats) -> dict[str, Any]:
    """What the hypervisor reports of the job; the sizes of memory are there for jobs of every kind."""
    memory = dict.fromkeys(("memory_total", "memory_processed", "memory_remaining"), 0)
    return {"event": "progress", "uri": uri, "domain": domain.name} | memory | job_json(stats)


def ready_json(uri: str, domain: DomainKey, operation: Operation, disk: str) -> dict[str, Any]:
    return {"event": "ready", "uri": uri, "domain": domain.name, "operation": operation.label, "disk": disk}


def outcome_json(uri: str, outcome: Outcome, extent: Extent = JUST_NOW) -> dict[str, Any]:
    end = time.time() if extent.ended is None else extent.ended
    seconds = outcome.time_elapsed / 1000 if outcome.time_elapsed else None
    start = extent.began if extent.began is not None or seconds is None else end - seconds
    return {
        "event": "outcome",
        "uri": uri,
        "domain": outcome.domain.name,
        "uuid": outcome.domain.uuid,
        "operation": outcome.operation.label,
        "disk": outcome.disk,
        "verdict": outcome.verdict,
        "evidence": outcome.evidence,
        "detail": outcome.detail,
        "error": outcome.error,
        "path": outcome.path,
        "format": outcome.format,
        "bytes": extent.bytes,
        "time_elapsed": outcome.time_elapsed,
        "left_paused": outcome.left_paused,
        "downtime": outcome.downtime,
        "requester": outcome.requester,
        "ended": extent.ended,
    } | times_json(start, end, seconds)
