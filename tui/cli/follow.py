"""Follow one job, in a terminal or a script, until it ends or Ctrl-C is pressed."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from backend.base import Backend
from backend.model import DomainKey, JobStats, Operation
from backend.observing.progress import Progress, ProgressMeter
from backend.observing.wait import wait
from backend.records.record import JobRecord
from backend.verdicts.verdict import Outcome, Verdict
from tui.cli.output import print_json
from tui.terminal.encoding import blocks_fit
from tui.words import outcomes, units

BAR_WIDTH = 20
PAINT_INTERVAL = 0.25
"""Seconds between two updates of the progress line, and between two progress objects."""


class ProgressLine:
    """The last line on the terminal, with the progress of all followed jobs; nothing without a terminal."""

    def __init__(self, as_json: bool) -> None:
        self._live = not as_json and sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._jobs: dict[DomainKey, Progress] = {}
        self._next = 0.0

    def show(self, domain: DomainKey, progress: Progress) -> None:
        """Update the domain's progress; painted at an interval, and at once when the phase changes."""
        last = self._jobs.get(domain)
        self._jobs[domain] = progress
        if time.monotonic() >= self._next or last is None or last.stats.closing != progress.stats.closing:
            self._paint()

    def drop(self, domain: DomainKey) -> None:
        """Stop showing the domain's job."""
        if self._jobs.pop(domain, None) is not None:
            self._paint()

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Clear the line while other output is written."""
        self._write("")
        yield
        if self._jobs:
            self._paint()

    def _paint(self) -> None:
        self._next = time.monotonic() + PAINT_INTERVAL
        match list(self._jobs.items()):
            case []:
                self._write("")
            case [(domain, progress)]:
                self._write(progress_line(domain.name, progress, blocks_fit(sys.stderr)))
            case several:
                parts = [f"{domain.name} {_brief(progress)}" for domain, progress in several]
                self._write("  ".join([f"{len(several)} jobs", *parts]))

    def _write(self, line: str) -> None:
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            sys.stderr.write(f"\r\x1b[K{line[:width]}")
            sys.stderr.flush()


class Report:
    """Prints one job's progress and outcome: as JSON Lines, or as text with a progress line on a terminal."""

    def __init__(self, domain: DomainKey, uri: str, as_json: bool, line: ProgressLine | None = None) -> None:
        """`uri` is that of the hypervisor. `line` is shared by jobs that are followed together."""
        self._domain = domain
        self._uri = uri
        self._json = as_json
        self._meter = ProgressMeter()
        self._line = line or ProgressLine(as_json)
        self._next = 0.0
        self._closing = False

    def progress(self, stats: JobStats) -> None:
        now = time.monotonic()
        progress = self._meter.update(stats, now)
        self._line.show(self._domain, progress)
        if self._json and (now >= self._next or stats.closing != self._closing):
            self._next, self._closing = now + PAINT_INTERVAL, stats.closing
            print_json(progress_json(self._uri, self._domain, stats))

    def outcome(self, outcome: Outcome) -> None:
        with self._line.away():
            if self._json:
                print_json(outcome_json(self._uri, outcome))
            elif outcome.verdict is Verdict.COMPLETED:
                print(outcomes.report(outcome), flush=True)
            else:
                print(f"virt-jobs: {outcomes.report(outcome)}", file=sys.stderr)
            if outcome.left_paused and not self._json:
                print(f"virt-jobs: {left_paused_line(self._uri, outcome.domain.name)}", file=sys.stderr)

    def end_line(self) -> None:
        """Remove this job from the progress line."""
        self._line.drop(self._domain)


async def follow(
    backend: Backend,
    domain: DomainKey,
    operation: Operation | None,
    report: Report,
    timeout: float | None = None,
    record: JobRecord | None = None,
) -> Outcome:
    """Wait for the job to end while `report` shows its progress; raises what `wait` raises."""
    try:
        return await wait(backend, domain, operation, timeout, report.progress, record)
    finally:
        report.end_line()


def attach_command(hosts: Sequence[str], *names: str) -> str:
    """The command line that attaches to the domains' jobs again; `hosts` are values for the option -c."""
    options = [word for host in hosts for word in ("-c", host)]
    return shlex.join(["virt-jobs", *options, "wait", "--operation", "any", "--", *names])


def progress_line(name: str, progress: Progress, blocks: bool = True) -> str:
    stats = progress.stats
    parts = [name, stats.operation.label]
    if progress.fraction is not None:
        parts += [units.bar(progress.fraction, BAR_WIDTH, not blocks), units.percent(progress.fraction)]
        parts.append(f"{units.size(stats.remaining)} left of {units.size(stats.total)}")
    if stats.closing:
        parts.append("closing the file")
    elif progress.stalled:
        parts.append(f"stalled {units.duration(progress.stalled)}")
    elif progress.rate is not None:
        parts.append(units.rate(progress.rate))
    parts.append(units.duration(stats.time_elapsed / 1000))
    if progress.eta is not None and not progress.stalled:
        parts.append(f"ETA about {units.duration(progress.eta)}")
    return "  ".join(parts)


def _brief(progress: Progress) -> str:
    if progress.stats.closing:
        return "closing"
    if progress.stalled:
        return f"stalled {units.duration(progress.stalled)}"
    return units.percent(progress.fraction) if progress.fraction is not None else progress.stats.operation.label


def left_paused_line(uri: str, name: str) -> str:
    resume = shlex.join(["virt-jobs", "-c", uri, "resume", "--", name])
    return f"{name} was left paused; resume it with: {resume}"


def progress_json(uri: str, domain: DomainKey, stats: JobStats) -> dict[str, Any]:
    return {
        "event": "progress",
        "uri": uri,
        "domain": domain.name,
        "operation": stats.operation.label,
        "time_elapsed": stats.time_elapsed,
        "memory_total": stats.memory_total or 0,
        "memory_processed": stats.memory_processed or 0,
        "memory_remaining": stats.memory_remaining or 0,
        "phase": "closing" if stats.closing else "running",
    }


def outcome_json(uri: str, outcome: Outcome) -> dict[str, Any]:
    return {
        "event": "outcome",
        "uri": uri,
        "domain": outcome.domain.name,
        "operation": outcome.operation.label,
        "verdict": outcome.verdict,
        "evidence": outcome.evidence,
        "detail": outcome.detail,
        "error": outcome.error,
        "path": outcome.path,
        "format": outcome.format,
        "time_elapsed": outcome.time_elapsed,
        "left_paused": outcome.left_paused,
    }
