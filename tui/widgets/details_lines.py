"""The text of the details: a domain's job, its history, the domain itself."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

from textual.content import Content

from backend.backup import Backup
from backend.capabilities import Capabilities
from backend.job_stats import JobStats
from backend.model import BlockOperation, DiskSource, DomainState
from backend.observing.lookup import DomainRecord
from backend.observing.progress import Progress
from backend.observing.remembered import Remembered
from backend.outcome import Verdict
from backend.records import process
from backend.records.command import CommandRecord
from backend.records.entry import entry_of_record
from backend.records.record import JobRecord, RecordState
from backend.text import hide_passwords
from backend.verdicts.job_sources import SourcedJob, is_of_call
from tui.commands.jobs import Abort, Pivot, Resume
from tui.commands.keys import Keys
from tui.session.rows import Row, RowKey, block_jobs
from tui.session.throughput import Throughput, sparkline
from tui.widgets.columns import problem
from tui.widgets.facts import labelled
from tui.widgets.job_columns import result_style
from tui.words import backups, jobinfo, jobs, migrating, runs, states, units
from tui.words.cells import crop, crop_path, fit, shorten, width
from tui.words.job_names import name_of
from tui.words.origins import Origin, sentence
from tui.words.remembered import describe, summary, symbol

LABEL = 11
"""Cells of a label."""
SHOWN = 50
"""Jobs in its history."""
VALUE = 15
"""Cells of the value of a statistic."""
RECORD_STYLES = {
    RecordState.STARTING: ("…", "$foreground"),
    RecordState.RUNNING: ("▸", "$foreground"),
    RecordState.COMPLETED: ("✓", "$success"),
    RecordState.FAILED: ("✗", "$error"),
    RecordState.CANCELLED: ("⊘", "$warning"),
    RecordState.LOST: ("?", "$warning"),
}


def job(
    row: Row,
    keys: Keys,
    records: Sequence[DomainRecord],
    jobs_before: Sequence[SourcedJob],
    origins: Mapping[RowKey, Origin],
    backup: Backup | None,
    life: Throughput | None,
    cells: int,
) -> Iterator[Content]:
    """Where its job comes from, how far it is, and all statistics of that operation.

    `origins`: by the rows of jobs, those of its disks among them. `backup`: what that is made of, where known.
    """
    yield from _problems(row, keys, cells)
    # What a job does to its domain, it says itself.
    paused = row.domain.state is DomainState.PAUSED and not row.progress
    if row.domain.faulty or paused or not row.domain.answering:
        yield from _state(row, cells)
    if row.progress is None:
        if not (row.pending or row.view.block_jobs):
            known = row.view.job_known and row.domain.answering
            yield Content.styled("no job" if known else "its job is not known", "$foreground-muted")
        yield from _block_jobs(row, origins, cells)
        if not row.pending:
            yield from list(history(records, jobs_before, cells, most=1)) if records or jobs_before else ()
        return
    progress, stats = row.progress, row.progress.stats
    yield from _origin(jobs.kind(stats), origins[row.key], cells)
    facts = []
    if stats.closing:
        facts.append("finishing: closing the file (result not known yet)")
    else:
        facts.append(units.percent(progress.fraction))
    if progress.stalled:
        facts.append(f"stalled for {units.duration(progress.stalled)}")
    if jobs.timed(stats):
        facts.append(f"{units.duration(stats.time_elapsed / 1000)} elapsed")
    if progress.eta is not None and not progress.stalled and not row.last_known:
        facts.append(f"~{units.duration(progress.eta)} to go")
    if any(facts):
        style = "bold $warning" if progress.stalled else "bold"
        yield _fact(_progress_label(row), " · ".join(filter(None, facts)), cells, style)
    if progress.convergence is not None:
        style = "bold $warning" if progress.convergence.needs_help else ""
        yield from _wrapped(migrating.sentence(progress.convergence), style, cells)
    if stats.pull_backup:
        low = jobs.scratch_fraction(stats) >= jobs.SCRATCH_LOW
        yield _fact("scratch", jobs.scratch(stats), cells, "bold $warning" if low else "")
        yield _fact("ends", jobs.PULL_ENDS, cells)
    if backup is not None:
        for disk in backup.disks:
            facts_of_disk = [fact for fact in backups.facts(backup, disk) if fact[1] != origins[row.key].target]
            for number, (word, value) in enumerate(facts_of_disk):
                text = f"{word} {crop_path(value, cells - LABEL - len(word) - 1)}"
                yield _fact("" if number else disk.disk, text, cells)
    yield from _block_jobs(row, origins, cells)
    if life is not None and life.remaining and progress.convergence is not None:
        yield _remaining(life, stats, cells)
    elif life is not None and life.rates and stats.measured:
        rate = f" {units.rate(progress.rate)}"
        bars = sparkline(life.rates, cells - LABEL - width(rate) - 1)
        yield Content.assemble((f"{'throughput':<{LABEL}}", "$foreground-muted"), (bars, "$primary"), rate)
    # The first is the operation, which stands above.
    yield from _stats(list(jobinfo.facts(stats))[1:], cells)


def planned(row: Row, path: str, cells: int) -> Iterator[Content]:
    """The dump that was requested here and has no job yet, and its file."""
    if row.pending and path:
        head, tail = "dump → ", f", {row.pending}"
        yield Content.styled(head + shorten(path, cells - width(head + tail)) + tail, "bold")
    elif row.pending:
        yield Content.styled(f"a dump is {row.pending}", "bold")


def commands(records: Sequence[CommandRecord], cells: int) -> Iterator[Content]:
    """The commands that run for it."""
    for record in records:
        yield _fact("command", runs.command_line(record), cells, "bold")
        yield _fact("", f"running since {units.clock(record.started)}, by {record.user}", cells)


def _remaining(life: Throughput, stats: JobStats, cells: int) -> Content:
    """What remains of a migration, over time: it may become more again."""
    now = f" {units.size(stats.remaining)}{', may grow' if stats.may_grow else ''}"
    bars = sparkline(life.remaining, cells - LABEL - width(now) - 1)
    return Content.assemble((f"{'remaining':<{LABEL}}", "$foreground-muted"), (bars, "$primary"), now)


def _wrapped(words: str, style: str, cells: int) -> Iterator[Content]:
    yield from Content.styled(words, style).wrap(max(10, cells))


def block_job(
    row: Row, keys: Keys, origin: Origin, source: DiskSource | None, capabilities: Capabilities | None, cells: int
) -> Iterator[Content]:
    """The job of a disk: where it comes from, how far it is, what comes next, and its images.

    `source`: what the disk is on, where known.
    """
    yield from _problems(row, keys, cells)
    if row.domain.faulty:
        yield from _state(row, cells)
    if row.progress is None:
        return
    stats = row.progress.stats
    yield from _origin(name_of(stats), origin, cells)
    yield _block_fact(_progress_label(row), row.progress, cells)
    yield from _choices(stats, keys, capabilities, cells)
    if source is not None:
        yield _image("disk", source.source, cells)
        if source.mirror is not None:
            yield _image("copy" if stats.operation == BlockOperation.COPY else "commits to", source.mirror, cells)
        for number, image in enumerate(source.backing):
            yield _image("" if number else "backing", image, cells)
    if stats.total:
        done = f"{units.size(stats.processed)} of {units.size(stats.total)} · {units.size(stats.remaining)} left"
        yield _fact("done", done, cells)
    if row.progress.rate is not None:
        yield _fact("rate", units.rate(row.progress.rate), cells)


def _choices(stats: JobStats, keys: Keys, capabilities: Capabilities | None, cells: int) -> Iterator[Content]:
    """What becomes of the job of a disk, and what the user can do about it."""
    mirrors = isinstance(stats.operation, BlockOperation) and stats.operation.becomes_ready
    if not stats.ready:
        yield _fact("then", "mirrors until pivot or abort" if mirrors else "ends by itself", cells)
    if capabilities is not None and capabilities.abort is not None:
        yield _fact("refused", capabilities.abort, cells)
        return
    if stats.ready:
        yield _fact("pivot", f"{keys[Pivot]}: the guest continues on the new image", cells)
    yield _fact("abort", f"{keys[Abort]}: the guest stays on its image" if mirrors else keys[Abort], cells)


def history(
    records: Sequence[DomainRecord], jobs_before: Sequence[Remembered], cells: int, most: int = SHOWN
) -> Iterator[Content]:
    """Its last jobs with their results, newest first, and what only a shared record says."""
    claims = [item.record for item in records if item.shared]
    claims = [record for record in claims if not any(_is_about(record, job) for job in jobs_before)]
    lines = [(job.requested, _past_job(job, cells)) for job in jobs_before]
    lines += [(record.started, _claim(record, cells)) for record in claims]
    if not lines:
        yield Content.styled("no jobs are remembered", "$foreground-muted")
    for _, some in sorted(lines, key=lambda item: -item[0])[:most]:
        yield from some


def _is_about(record: JobRecord, job: Remembered) -> bool:
    """Whether the job is the one of the record, going by when it began."""
    if not isinstance(job, SourcedJob):
        return False
    return record.key == job.key and is_of_call(entry_of_record(record, None), job.entry)


def _past_job(job: Remembered, cells: int) -> Iterator[Content]:
    about = describe(job)
    words = f"{symbol(job) or ' '} {units.moment(job.requested)} {summary(job)}"
    yield Content.styled(crop(words, cells), result_style(job))
    if about.command:
        yield Content.styled(crop(f"  {about.command}", cells), "$foreground-muted")
    if about.path:
        size = job.entry.bytes if isinstance(job, SourcedJob) else None
        yield _file(about.format, size, about.path, cells)
    if about.reason:
        style = "$error" if job.verdict is Verdict.FAILED else "$foreground-muted"
        yield from (Content("  ") + line for line in Content.styled(about.reason, style).wrap(max(10, cells - 2)))


def _claim(record: JobRecord, cells: int) -> Iterator[Content]:
    """A dump that only its shared record tells of."""
    symbol, style = RECORD_STYLES[process.current_state(record)]
    took = f" in {units.duration(record.seconds)}" if record.seconds is not None else ""
    first = f"{symbol} {units.moment(record.started)} {process.current_state(record)}{took}, shared by {record.user}"
    yield Content.styled(crop(first, cells), style)
    yield _file(record.format_name, record.bytes, record.path, cells)
    if record.error:
        yield from (Content("  ") + line for line in Content.styled(record.error, "$error").wrap(max(10, cells - 2)))


def _file(format_name: str, size: int | None, path: str, cells: int) -> Content:
    facts = [format_name, units.size(size) if size is not None else ""]
    what = f"  {', '.join(filter(None, facts))} → "
    return Content.styled(what + crop_path(path, cells - width(what)), "$foreground-muted")


def info(row: Row, keys: Keys, host: str, capabilities: Capabilities | None, cells: int) -> Iterator[Content]:
    """The domain itself."""
    domain = row.domain
    yield from _problems(row, keys, cells)
    yield _fact("name", domain.name, cells)
    yield _fact("uuid", domain.key.uuid, cells)
    yield _fact("id", str(domain.key.id) if domain.key.id is not None else "- (not running)", cells)
    yield from _state(row, cells)
    yield _fact("memory", units.size(domain.memory) if domain.memory else "unknown", cells)
    uri = hide_passwords(row.uri)
    yield _fact("host", host if host == uri else f"{host} ({uri})", cells)
    if capabilities is not None:
        yield _fact("hypervisor", capabilities.hypervisor, cells)


def _block_jobs(row: Row, origins: Mapping[RowKey, Origin], cells: int) -> Iterator[Content]:
    """Where each job of the domain's disks comes from, and how far it is."""
    for job in block_jobs(row):
        if job.progress is not None:
            yield from _origin(name_of(job.progress.stats), origins[job.key], cells)
            yield _block_fact("progress", job.progress, cells)


def _block_fact(label: str, progress: Progress, cells: int) -> Content:
    """How far the job of a disk is."""
    facts = []
    if progress.stats.ready:
        facts.append(jobs.READY)
    else:
        facts.append(units.percent(progress.fraction) or "starting")
    if progress.stalled:
        facts.append(f"stalled for {units.duration(progress.stalled)}")
    elif progress.eta is not None:
        facts.append(f"~{units.duration(progress.eta)} to go")
    return _fact(label, " · ".join(facts), cells, "bold $warning" if progress.stalled else "bold")


def _image(label: str, path: str, cells: int) -> Content:
    return _fact(label, crop_path(path, cells - LABEL), cells)


def _problems(row: Row, keys: Keys, cells: int) -> Iterator[Content]:
    if row.stale:
        yield Content.styled("last known state (host unreachable)", "$error")
    if (trouble := problem(row)) is not None:
        hint = f": {keys[Resume]} resumes it" if row.left_paused else ""
        yield from Content.styled(trouble[0] + hint, "bold $warning").wrap(max(10, cells))


def _origin(name: str, origin: Origin, cells: int) -> Iterator[Content]:
    first, *others = sentence(name, origin, time.time(), cells)
    yield Content.styled(first, "bold")
    yield from map(Content, others)


def _state(row: Row, cells: int) -> Iterator[Content]:
    """Its state and, where a fault of its disks is why, what is wrong with each."""
    last = ", last known" if row.last_known else ""
    style = "bold $warning" if row.domain.faulty else ""
    yield _fact("state", states.label(row.domain) + states.since(row.since) + last, cells, style)
    yield from labelled([("", error) for error in row.io_errors], cells, LABEL)


def _progress_label(row: Row) -> str:
    return "last known" if row.last_known else "progress"


def _fact(label: str, value: str, cells: int, style: str = "") -> Content:
    return Content.assemble((f"{label:<{LABEL}}", "$foreground-muted"), (crop(value, cells - LABEL), style))


def _stats(facts: Sequence[tuple[str, str]], cells: int) -> Iterator[Content]:
    labels = max(len(label) for label, _ in facts) + 2
    columns = max(1, cells // (labels + VALUE))
    each = cells // columns
    for start in range(0, len(facts), columns):
        parts = []
        for label, value in facts[start : start + columns]:
            # virsh pads numbers before their units.
            text = fit(" ".join(value.split()), each - labels - 1)
            parts += [(label.ljust(labels), "$foreground-muted"), (text + " ", "")]
        yield Content.assemble(*parts)
