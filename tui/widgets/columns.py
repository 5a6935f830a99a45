"""The columns of the domain table: what each shows, how rows sort by it, and which are hidden first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from backend.job_stats import JobStats
from backend.model import DomainState, JobOperation
from backend.observing.progress import Progress
from tui.session.rows import Row, SortValue, busy_first, by_name
from tui.words import jobs, migrating, states, units
from tui.words.cells import fit

Piece = tuple[str, str]
"""Text, and the name of its style: one of `STYLES`, or empty."""
STYLES = ("good", "warn", "bad", "dim", "job", "bar", "track", "head")
GAP = 1
"""Minimum number of cells between two columns."""
NAME_WORTH = 20
"""Cells of a name that take precedence over another column."""


@dataclass(frozen=True, slots=True)
class Column:
    id: str
    title: str
    width: int
    """Cells that it needs."""
    pieces: Callable[[Row, int], Sequence[Piece]]
    """What it shows of a row, in exactly that many cells."""
    value: SortValue
    right: bool = False
    descending: bool = False
    """Whether the largest value sorts first."""
    stretch: int = 0
    """Cells that it can use beyond its width."""
    rank: int = 0
    """The column with the highest rank is hidden first; 0 never is."""


def _text(text: Callable[[Row], Piece], right: bool = False) -> Callable[[Row, int], Sequence[Piece]]:
    def pieces(row: Row, width: int) -> Sequence[Piece]:
        words, style = text(row)
        return ((fit(words, width, right), style),)

    return pieces


_STATE_STYLES = {
    DomainState.RUNNING: "good",
    DomainState.PAUSED: "warn",
    DomainState.CRASHED: "bad",
    DomainState.SHUTOFF: "dim",
}


def _name(row: Row) -> Piece:
    if row.disk:
        return f" └ {row.disk}", ""
    return row.domain.name, "" if row.domain.active else "dim"


def _host(row: Row) -> Piece:
    return "" if row.disk else row.host, "dim"


def _state(row: Row) -> Piece:
    if row.disk:
        return "", ""  # That of its domain stands above.
    if not row.domain.answering:
        return "no answer", "bad"
    if row.stale:
        return f"?{row.domain.state.label}", "dim"
    return row.domain.state.label, _STATE_STYLES.get(row.domain.state, "")


def _job(row: Row, width: int) -> Sequence[Piece]:
    words = job(row)
    if len(words) > width and row.other_end:
        words = words.removeprefix("migration ")  # The other end says the most.
    elif len(words) > width:
        words = words.replace("block ", "")
    return ((fit(words, width), "job"),)


def job(row: Row) -> str:
    """Its job: ``dump``, ``pull backup``, ``migration out → hv2``; empty without one."""
    if row.progress is None:
        return "dump" if row.pending else ""
    operation = row.progress.stats.operation
    if not row.other_end:
        return jobs.kind(row.progress.stats)
    return f"{operation.label} {'→' if operation is JobOperation.MIGRATION_OUT else '←'} {row.other_end}"


def _progress(row: Row, width: int) -> Sequence[Piece]:
    progress = row.progress
    if progress is None:
        return ((fit(row.pending, width), "dim"),)
    if progress.stats.closing:
        return ((fit("closing the file" if width >= 16 else "closing", width), "job"),)
    if progress.stats.ready:
        return ((fit(jobs.READY if width >= len(jobs.READY) else "ready", width), "dim" if row.last_known else "good"),)
    if progress.stats.pull_backup:
        scratch = jobs.scratch_fraction(progress.stats)
        words = f"scratch {units.percent(scratch)} used" if width >= 17 else f"scratch {units.percent(scratch)}"
        style = "dim" if row.last_known else "warn" if scratch >= jobs.SCRATCH_LOW else ""
        return ((fit(words, width), style),)
    if progress.fraction is None or (progress.convergence is not None and progress.convergence.needs_help):
        return (_without_bar(row, progress, width),)
    percent = f" {units.percent(progress.fraction):>5}"
    bar = units.bar(progress.fraction, width - len(percent))
    done = bar.rstrip("░")
    style = "dim" if row.last_known else "warn" if progress.stalled else "bar"
    return ((done, style), (bar[len(done) :], "track"), (percent, ""))


def _without_bar(row: Row, progress: Progress, width: int) -> Piece:
    convergence = progress.convergence
    if convergence is None:
        return fit("running", width), "dim"
    style = "dim" if row.last_known else "warn" if convergence.needs_help else ""
    return fit(migrating.brief(convergence), width), style


def _figures(row: Row) -> JobStats | None:
    """Its job's statistics, if they say anything."""
    return row.progress.stats if row.progress is not None and row.progress.stats.measured else None


def _elapsed(row: Row) -> Piece:
    stats = row.progress.stats if row.progress is not None else None
    return (units.duration(stats.time_elapsed / 1000), "") if stats and jobs.timed(stats) else ("", "")


def _done(row: Row) -> Piece:
    stats = _figures(row)
    return (units.size(stats.processed), "") if stats else ("", "")


def _left(row: Row) -> Piece:
    return (units.size(row.progress.stats.remaining), "") if row.progress and row.progress.stats.total else ("", "")


def _rate(row: Row) -> Piece:
    if row.progress is None or row.progress.stats.closing:
        return "", ""
    if row.last_known:
        return "last seen", "dim"
    if row.progress.stalled:
        return f"stalled {units.duration(row.progress.stalled)}", "warn"
    return units.rate(row.progress.rate), ""


def _eta(row: Row) -> Piece:
    if row.progress is None or row.last_known:
        return "", ""
    if row.progress.stalled:
        return "stalled", "warn"
    return ("" if row.progress.eta is None else "~" + units.duration(row.progress.eta)), ""


def _of_progress(value: Callable[[Progress], float | None]) -> SortValue:
    return lambda row: value(first) if (first := row.first_job) else None


HOST = Column("host", "Host", 14, _text(_host), lambda row: (row.host, by_name(row)), stretch=12, rank=2)
COLUMNS = (
    Column("name", "Name", 12, _text(_name), by_name, stretch=28),
    Column("state", "State", 8, _text(_state), lambda row: (row.domain.state, by_name(row)), stretch=3, rank=3),
    Column("job", "Job", 13, _job, busy_first, stretch=2, rank=1),
    Column(
        "progress",
        "Progress",
        14,
        _progress,
        _of_progress(lambda progress: progress.fraction),
        descending=True,
        stretch=26,
    ),
    Column(
        "elapsed",
        "Elapsed",
        7,
        _text(_elapsed, True),
        _of_progress(lambda progress: progress.stats.time_elapsed),
        True,
        True,
        2,
        rank=5,
    ),
    Column(
        "done",
        "Done",
        8,
        _text(_done, True),
        _of_progress(lambda progress: progress.stats.processed),
        True,
        True,
        1,
        rank=8,
    ),
    Column(
        "left",
        "Left",
        8,
        _text(_left, True),
        _of_progress(lambda progress: progress.stats.remaining),
        True,
        True,
        1,
        rank=6,
    ),
    Column("rate", "Rate", 12, _text(_rate, True), _of_progress(lambda progress: progress.rate), True, True, rank=7),
    Column("eta", "ETA", 8, _text(_eta, True), _of_progress(lambda progress: progress.eta), True, rank=4),
)
SEVERAL_HOSTS = (
    COLUMNS[0],
    HOST,
    # There is room for the other end of a migration.
    *(replace(column, stretch=16) if column.id == "job" else column for column in COLUMNS[1:]),
)
JOB_COLUMNS = frozenset({"job", "progress", "elapsed", "done", "left", "rate", "eta"})
"""Empty for a domain without a job; `note` may replace them."""


def note(row: Row) -> Piece | None:
    """What is shown in place of a job: a problem of the domain, or why it is paused."""
    if row.progress is not None or row.pending:
        return None
    if (trouble := problem(row)) is not None:
        words, style = trouble
        return words + (states.since(row.since) if row.domain.answering else ""), style
    if not row.view.job_known:
        return f"{row.domain.reason}; its job is not known yet", "dim"
    paused = row.domain.state is DomainState.PAUSED and row.domain.reason
    return (row.domain.reason + states.since(row.since), "dim") if paused else None


def problem(row: Row) -> Piece | None:
    """What somebody should see to."""
    if not row.domain.answering:
        return states.silent(row.view.silent_since), "bad"
    if row.left_paused:
        return states.left_paused(row.domain), "warn"
    return (states.trouble(row.domain, row.io_errors), "bad") if row.domain.faulty else None


def fitting(columns: Sequence[Column], width: int, longest_name: int, skipped: int = 0) -> list[tuple[Column, int]]:
    """The columns that have room in `width` cells, and how wide each is.

    Those of the highest ranks give way; where the first `skipped` after the name are scrolled out, the last ones do.
    """
    widths = {column.id: column.width for column in columns}
    widths["name"] = max(widths["name"], min(longest_name, NAME_WORTH))
    shown = [columns[0], *columns[1 + skipped :]]
    while len(shown) > 2 and sum(widths[column.id] + GAP for column in shown) - GAP > width:
        shown.remove(shown[-1] if skipped else max(shown, key=lambda column: column.rank))
    return _stretched(shown, widths, width, longest_name)


def _stretched(
    shown: Sequence[Column], widths: dict[str, int], width: int, longest_name: int
) -> list[tuple[Column, int]]:
    spare = width - sum(widths[column.id] + GAP for column in shown) + GAP
    # Columns that are cut off get space first; the progress takes the rest.
    for column in sorted(shown, key=lambda column: (column.id == "progress", column.id != "name")):
        stretch = min(column.stretch, max(0, longest_name - widths["name"])) if column.id == "name" else column.stretch
        taken = max(0, min(stretch, spare))
        widths[column.id] += taken
        spare -= taken
    return [(column, widths[column.id]) for column in shown]
