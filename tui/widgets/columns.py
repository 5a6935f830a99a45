"""The columns of the domain table: what each shows, how rows sort by it, and which are hidden first."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from backend.job_stats import JobStats
from backend.model import DomainState, JobOperation
from backend.observing.progress import Progress
from tui.session.host import BADGES, SIMULATED
from tui.session.rows import Row, SortValue, busy_first, by_name
from tui.words import cells, jobs, migrating, states, units
from tui.words.cells import fit, shorten

Piece = tuple[str, str]
"""Text, and the name of its style: one of `STYLES`, or empty."""
STYLES = ("good", "warn", "bad", "dim", "job", "bar", "track", "head")
NARROW = 10
"""Cells below which the progress is a percentage without a bar."""


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
    least: int = 0
    """Cells in which it still says something, on a narrow screen; 0: those of its width."""


def _text(text: Callable[[Row], Piece], right: bool = False) -> Callable[[Row, int], Sequence[Piece]]:
    def pieces(row: Row, width: int) -> Sequence[Piece]:
        words, style = text(row)
        return ((fit(words, width, right), style),)

    return pieces


def _named(text: Callable[[Row], Piece]) -> Callable[[Row, int], Sequence[Piece]]:
    """The same for names."""

    def pieces(row: Row, width: int) -> Sequence[Piece]:
        name, style = text(row)
        return ((fit(shorten(name, width), width), style),)

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


def _host(row: Row, width: int) -> Sequence[Piece]:
    if row.disk:
        return ((" " * width, ""),)
    # The name of a simulator says what it is, unless it has an alias.
    shown = [badge for badge in row.badges if badge != SIMULATED or not row.host.startswith("sim:")]
    badges = "".join(f" {BADGES[badge]}" for badge in shown)
    name = shorten(row.host, max(1, width - len(badges)))
    return (name, "dim"), (fit(badges, width - cells.width(name)), "warn")


def _state(row: Row, width: int) -> Sequence[Piece]:
    if row.disk:
        return ((" " * width, ""),)  # That of its domain stands above.
    if not row.domain.answering:
        return ((fit("no answer", width), "bad"),)
    style = "dim" if row.stale else "bad" if row.domain.faulty else _STATE_STYLES.get(row.domain.state, "")
    return ((fit(_brief_state(row, width), width), style),)


def _brief_state(row: Row, width: int) -> str:
    """The state in so many cells, with a question mark where it may be another one by now."""
    if not width:
        return ""
    return f"?{states.brief(row.domain, width - 1)}" if row.stale else states.brief(row.domain, width)


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
    style = "dim" if row.last_known else "warn" if progress.stalled else "bar"
    if width < NARROW:
        return ((fit(units.percent(progress.fraction), width), style),)
    percent = f" {units.percent(progress.fraction):>5}"
    bar = units.bar(progress.fraction, width - len(percent))
    done = bar.rstrip("░")
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


def _since(row: Row) -> Piece:
    known = row.since is not None and not row.disk
    return (units.recent(row.since, time.time()) if known and row.since is not None else ""), "dim"


def _memory(row: Row) -> Piece:
    return ("" if row.disk or not row.domain.memory else units.size(row.domain.memory)), ""


def _id(row: Row) -> Piece:
    return ("" if row.disk or row.domain.key.id is None else str(row.domain.key.id)), "dim"


_ALL = (
    Column("name", "Name", 12, _named(_name), by_name, stretch=28),
    Column("host", "Host", 14, _host, lambda row: (row.host, by_name(row)), stretch=12, rank=3, least=6),
    Column("id", "Id", 5, _text(_id, True), lambda row: row.domain.key.id, True, rank=5),
    Column("state", "State", 12, _state, lambda row: (row.domain.state, by_name(row)), stretch=5, rank=2),
    Column("since", "Since", 8, _text(_since), lambda row: row.since, descending=True, stretch=11, rank=5),
    Column("memory", "Memory", 8, _text(_memory, True), lambda row: row.domain.memory, True, True, 1, rank=5),
    Column("job", "Job", 13, _job, busy_first, stretch=2, rank=1),
    Column("progress", "Progress", 14, _progress, _of_progress(lambda progress: progress.fraction),
           descending=True, stretch=26, rank=4, least=8),
    Column("elapsed", "Elapsed", 7, _text(_elapsed, True),
           _of_progress(lambda progress: progress.stats.time_elapsed), True, True, 2, rank=7),
    Column("done", "Done", 8, _text(_done, True),
           _of_progress(lambda progress: progress.stats.processed), True, True, 1, rank=10),
    Column("left", "Left", 8, _text(_left, True),
           _of_progress(lambda progress: progress.stats.remaining), True, True, 1, rank=8),
    Column("rate", "Rate", 12, _text(_rate, True), _of_progress(lambda progress: progress.rate), True, True, rank=9),
    Column("eta", "ETA", 8, _text(_eta, True), _of_progress(lambda progress: progress.eta), True, rank=6),
)  # fmt: skip
COLUMNS: Mapping[str, Column] = {column.id: column for column in _ALL}
"""By id, as `tui.config.columns` has them."""
JOB_COLUMNS = frozenset({"job", "progress", "elapsed", "done", "left", "rate", "eta"})
"""Empty for a domain without a job; `note` may replace them."""


def chosen(ids: Sequence[str], several_hosts: bool) -> tuple[Column, ...]:
    """The columns of these ids, that of the host only if there are several."""
    columns = (COLUMNS[each] for each in ids if each != "host" or several_hosts)
    # There is room for the other end of a migration.
    return tuple(replace(column, stretch=16) if column.id == "job" and several_hosts else column for column in columns)


def note(row: Row, state_cells: int = 99) -> Piece | None:
    """What is shown in place of a job: a problem of the domain, and since when it is in its state.

    `state_cells`: those of its state beside it, which says the reason as far as it has room; 0: no state is shown.
    """
    if row.progress is not None or row.pending:
        return None
    if not row.domain.answering or row.left_paused:
        trouble = problem(row)
        assert trouble is not None
        words, style = trouble
        return words + (states.since(row.since) if row.domain.answering else ""), style
    if not row.view.job_known:
        said = row.domain.paused_by in _brief_state(row, state_cells)
        return ("" if said else f"{row.domain.reason}; ") + "its job is not known yet", "dim"
    if not row.domain.faulty and row.domain.state is not DomainState.PAUSED:
        return None
    words = states.cause(row.domain, row.io_errors, _brief_state(row, state_cells)) if row.domain.faulty else ""
    return (words + states.since(row.since)).strip(), "bad" if row.domain.faulty else "dim"


def problem(row: Row) -> Piece | None:
    """What somebody should see to, and its state does not say."""
    if not row.domain.answering:
        return states.silent(row.view.silent_since), "bad"
    return (states.left_paused(row.domain), "warn") if row.left_paused else None
