"""The last line on the terminal: the progress of all jobs that are followed, in as much detail as fits."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from backend.model import JobKey, domain_of
from backend.observing.progress import Progress
from tui.cli.choices import is_quiet
from tui.cli.layout import shortened
from tui.cli.tables import cells_of, phase
from tui.terminal.encoding import blocks_fit
from tui.words import migrating, units
from tui.words.job_names import name_of, scratch

PAINT_INTERVAL = 0.25
"""Seconds between two updates."""
_SHORTEST_REMARK = 6
"""Cells of a sentence that say more than none."""
_SHORTEST_NAME = 6


class ProgressLine:
    """Shows the jobs on the terminal; nothing without one, with JSON and with -q."""

    def __init__(self, as_json: bool) -> None:
        dumb = os.environ.get("TERM", "dumb") == "dumb"
        self._live = not as_json and not is_quiet() and sys.stderr.isatty() and not dumb
        self._jobs: dict[JobKey, Progress] = {}
        self._next = 0.0

    def show(self, key: JobKey, progress: Progress) -> None:
        """Update the job's progress; painted at an interval, and at once when the phase changes."""
        last = self._jobs.get(key)
        self._jobs[key] = progress
        if time.monotonic() >= self._next or last is None or phase(last.stats) != phase(progress.stats):
            self._paint()

    def drop(self, key: JobKey) -> None:
        """Stop showing the job."""
        if self._jobs.pop(key, None) is not None:
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
        # In its last column, a terminal may wrap the line.
        width = shutil.get_terminal_size().columns - 1
        match list(self._jobs.items()):
            case []:
                self._write("")
            case [(key, progress)]:
                self._write(progress_line(domain_of(key).name, progress, width, blocks_fit(sys.stderr)))
            case several:
                self._write(several_jobs_line([(domain_of(key).name, progress) for key, progress in several], width))

    def _write(self, line: str) -> None:
        if self._live:
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()


@dataclass(frozen=True, slots=True)
class _Detail:
    """How much of the progress a line has; time elapsed and time left are in all of them."""

    bar: int = 20
    """Cells."""
    total: bool = True
    about: bool = True
    """Whether the time left is called an estimate."""
    rate: bool = True
    left: bool = True
    job: bool = True


def _details() -> Iterator[_Detail]:
    """The most first."""
    detail = _Detail()
    for cells in range(detail.bar, 5, -1):
        yield replace(detail, bar=cells)
    detail = replace(detail, bar=6)
    for dropped in ("total", "about", "bar", "rate", "left", "job"):
        detail = replace(detail, **{dropped: False})
        yield detail


def progress_line(name: str, progress: Progress, width: int | None = None, blocks: bool = True) -> str:
    """The domain's progress in at most `width` cells; the bar becomes shorter first."""
    for detail in _details():
        parts, remark = _parts(name, progress, detail, blocks)
        room = _room(parts, width)
        if room is None:
            return "  ".join([*parts, *filter(None, [remark])])
        if room >= 0:
            if detail.bar and progress.fraction is not None:
                # What was dropped may have left more room than was missing.
                wider = replace(detail, bar=min(_Detail().bar, detail.bar + room))
                room -= wider.bar - detail.bar
                parts, remark = _parts(name, progress, wider, blocks)
            room -= 2
            return "  ".join([*parts, *([shortened(remark, room)] if remark and room >= _SHORTEST_REMARK else [])])
    assert width is not None and room is not None
    name = shortened(name, max(_SHORTEST_NAME, cells_of(name) + room))
    return shortened("  ".join([name, *parts[1:]]), width)


def _room(parts: Sequence[str], width: int | None) -> int | None:
    """The cells that are left in the line, negative if it is too long; None: there is no end to it."""
    return None if width is None else width - cells_of("  ".join(parts))


def _parts(name: str, progress: Progress, detail: _Detail, blocks: bool) -> tuple[list[str], str]:
    """What has to be in the line, and a sentence after that."""
    stats = progress.stats
    parts = [name, *([name_of(stats)] if detail.job else [])]
    if stats.ready:
        return parts, "ready: mirrors until someone pivots to it or aborts it"
    if stats.pull_backup:
        parts.append(f"scratch {scratch(stats)}")
    elapsed = units.duration(stats.time_elapsed / 1000)
    convergence = progress.convergence
    if convergence is not None and (progress.fraction is None or convergence.needs_help):
        return [*parts, f"{units.size(stats.remaining)} left", elapsed], migrating.sentence(convergence)
    if progress.fraction is not None:
        if detail.bar:
            parts.append(units.bar(progress.fraction, detail.bar, not blocks))
        parts.append(units.percent(progress.fraction))
        if detail.left:
            total = f" of {units.size(stats.total)}" if detail.total else ""
            parts.append(f"{units.size(stats.remaining)} left{total}")
    if stats.closing:
        parts.append("closing the file")
    elif progress.stalled:
        parts.append(f"stalled {units.duration(progress.stalled)}")
    elif progress.rate is not None and detail.rate:
        parts.append(units.rate(progress.rate))
    if stats.disk is None:  # That of a block job is not reported.
        parts.append(elapsed)
    if progress.eta is not None and not progress.stalled:
        parts.append(f"ETA {'about ' if detail.about else ''}{units.duration(progress.eta)}")
    return parts, "ends when its client ends it" if stats.pull_backup else ""


def several_jobs_line(jobs: Sequence[tuple[str, Progress]], width: int) -> str:
    """How far each of these jobs is, and how many there are that have no room."""
    shown = [f"{len(jobs)} jobs"]
    for number, (name, progress) in enumerate(jobs):
        more = f"+{len(jobs) - number - 1} more" if number + 1 < len(jobs) else ""
        longer = [*shown, _brief(name, progress)]
        if cells_of("  ".join([*longer, *filter(None, [more])])) > width:
            return shortened("  ".join([*shown, f"+{len(jobs) - number} more"]), width)
        shown = longer
    return "  ".join(shown)


def _brief(name: str, progress: Progress) -> str:
    stats = progress.stats
    subject = f"{name} {stats.disk}" if stats.disk is not None else name
    if phase(stats) != "running":
        return f"{subject} {phase(stats)}"
    if progress.convergence is not None and (progress.fraction is None or progress.convergence.needs_help):
        return f"{subject} {migrating.brief(progress.convergence)}"
    if progress.stalled:
        return f"{subject} stalled {units.duration(progress.stalled)}"
    return f"{subject} {units.percent(progress.fraction) if progress.fraction is not None else name_of(stats)}"
