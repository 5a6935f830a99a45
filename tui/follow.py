"""Follow one job from a terminal or a script, to its end or until Ctrl-C."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import time
from typing import Any

from backend.base import Backend
from backend.model import DomainKey, JobOperation, JobStats
from backend.progress import Progress, ProgressMeter
from backend.record import JobRecord
from backend.text import clean
from backend.verdict import Outcome, Verdict
from tui import format
from tui.listing import print_json

BAR_WIDTH = 20
PAINT_INTERVAL = 0.25
"""Seconds between two paintings of the progress line, and between two progress objects."""


class Report:
    """Prints progress and the outcome: JSON lines, or words with a progress line where a terminal shows it."""

    def __init__(self, domain: DomainKey, as_json: bool) -> None:
        self._domain = domain
        self._json = as_json
        self._meter = ProgressMeter()
        self._live = not as_json and sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"
        self._next = 0.0
        self._closing = False

    def progress(self, stats: JobStats) -> None:
        now = time.monotonic()
        progress = self._meter.update(stats, now)
        if now < self._next and stats.closing == self._closing:
            return
        self._next, self._closing = now + PAINT_INTERVAL, stats.closing
        if self._json:
            print_json(progress_json(self._domain, stats))
        elif self._live:
            self._paint(progress_line(self._domain.name, progress, _blocks_fit()))

    def outcome(self, outcome: Outcome) -> None:
        self.end_line()
        if self._json:
            print_json(outcome_json(outcome))
        elif outcome.verdict is Verdict.COMPLETED:
            print(outcome_line(outcome), flush=True)
        else:
            print(f"virt-jobs: {outcome_line(outcome)}", file=sys.stderr)

    def end_line(self) -> None:
        """Take the progress line away."""
        if self._live:
            self._paint("")

    def _paint(self, line: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        sys.stderr.write(f"\r\x1b[K{line[:width]}")
        sys.stderr.flush()


async def follow(
    backend: Backend,
    domain: DomainKey,
    operation: JobOperation | None,
    report: Report,
    timeout: float | None = None,
    record: JobRecord | None = None,
) -> Outcome:
    """Wait for the job's end while `report` shows where it stands; see `Backend.wait` for what is raised."""
    try:
        return await backend.wait(domain, operation, timeout, report.progress, record)
    finally:
        report.end_line()


def attach_command(uri: str, name: str) -> str:
    """The command line that attaches to the domain's job again."""
    return shlex.join(["virt-jobs", "-c", uri, "wait", "--operation", "any", "--", name])


def progress_line(name: str, progress: Progress, blocks: bool = True) -> str:
    stats = progress.stats
    parts = [name, stats.operation.label]
    if progress.fraction is not None:
        parts += [format.bar(progress.fraction, BAR_WIDTH, not blocks), format.percent(progress.fraction)]
        parts.append(f"{format.size(stats.remaining)} left of {format.size(stats.total)}")
    if stats.closing:
        parts.append("closing the file")
    elif progress.stalled:
        parts.append(f"stalled {format.duration(progress.stalled)}")
    elif progress.rate is not None:
        parts.append(format.rate(progress.rate))
    parts.append(format.duration(stats.time_elapsed / 1000))
    if progress.eta is not None and not progress.stalled:
        parts.append(f"ETA about {format.duration(progress.eta)}")
    return "  ".join(parts)


def outcome_line(outcome: Outcome) -> str:
    what = f"{outcome.domain.name}: {outcome.operation.label} {outcome.verdict} (evidence: {outcome.evidence})"
    took = f" in {format.duration(outcome.time_elapsed / 1000)}" if outcome.time_elapsed else ""
    where = f" -> {clean(outcome.path)} ({outcome.format})" if outcome.path else ""
    if outcome.verdict is Verdict.COMPLETED:
        return f"{what}{where}{took}"
    return f"{what}{took}: {outcome.error or outcome.detail}"


def progress_json(domain: DomainKey, stats: JobStats) -> dict[str, Any]:
    return {
        "event": "progress",
        "domain": domain.name,
        "operation": stats.operation.label,
        "time_elapsed": stats.time_elapsed,
        "memory_total": stats.memory_total or 0,
        "memory_processed": stats.memory_processed or 0,
        "memory_remaining": stats.memory_remaining or 0,
        "phase": "closing" if stats.closing else "running",
    }


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    return {
        "event": "outcome",
        "domain": outcome.domain.name,
        "operation": outcome.operation.label,
        "verdict": outcome.verdict,
        "evidence": outcome.evidence,
        "detail": outcome.detail,
        "error": outcome.error,
        "path": outcome.path,
        "format": outcome.format,
        "time_elapsed": outcome.time_elapsed,
    }


def _blocks_fit() -> bool:
    try:
        "█░▏".encode(sys.stderr.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
