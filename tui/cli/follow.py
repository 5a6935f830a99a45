"""Follow one job, in a terminal or a script, until it ends or Ctrl-C is pressed."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

from backend.base import Backend
from backend.job_stats import JobStats
from backend.model import DiskKey, DomainKey, JobKey, Operation, domain_of
from backend.observing.memory import Memory
from backend.observing.progress import ProgressMeter
from backend.observing.wait import wait, wait_until_ready
from backend.outcome import Outcome, Verdict
from backend.records.record import JobRecord
from tui.cli.hints import command_line
from tui.cli.output import print_json
from tui.cli.progress_line import PAINT_INTERVAL, ProgressLine
from tui.cli.tables import job_json, phase
from tui.words import outcomes, units
from tui.words.job_names import job_name


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

    def progress(self, stats: JobStats) -> None:
        now = time.monotonic()
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

    def outcome(self, outcome: Outcome, ended: float | None = None) -> None:
        """Print how it ended, and when: `ended`, in seconds since the epoch, if that is not now."""
        with self._line.away():
            line = outcomes.report(outcome)
            if ended is not None:
                line += f" (ended {units.moment(ended)})"
            if self._json:
                print_json(outcome_json(self._uri, outcome, ended))
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


def left_paused_line(uri: str, name: str) -> str:
    return f"{name} was left paused; resume it with: {command_line([uri], 'resume', name)}"


def progress_json(uri: str, domain: DomainKey, stats: JobStats) -> dict[str, Any]:
    """What the hypervisor reports of the job; the sizes of memory are there for jobs of every kind."""
    memory = dict.fromkeys(("memory_total", "memory_processed", "memory_remaining"), 0)
    return {"event": "progress", "uri": uri, "domain": domain.name} | memory | job_json(stats)


def ready_json(uri: str, domain: DomainKey, operation: Operation, disk: str) -> dict[str, Any]:
    return {"event": "ready", "uri": uri, "domain": domain.name, "operation": operation.label, "disk": disk}


def outcome_json(uri: str, outcome: Outcome, ended: float | None = None) -> dict[str, Any]:
    """`ended`: when, in seconds since the epoch, if that is not now."""
    return {
        "event": "outcome",
        "uri": uri,
        "domain": outcome.domain.name,
        "operation": outcome.operation.label,
        "disk": outcome.disk,
        "verdict": outcome.verdict,
        "evidence": outcome.evidence,
        "detail": outcome.detail,
        "error": outcome.error,
        "path": outcome.path,
        "format": outcome.format,
        "time_elapsed": outcome.time_elapsed,
        "left_paused": outcome.left_paused,
        "downtime": outcome.downtime,
        "requester": outcome.requester,
        "ended": ended,
    }
