"""What tables and texts export: their lines as shown, and plain values. Sizes in bytes, times in seconds."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from datetime import datetime

from backend.observing.progress import Progress
from backend.observing.remembered import Remembered
from backend.text import clean
from backend.verdicts.job_sources import SourcedJob
from tui.session.domain_texts import Reading
from tui.session.export import Export, Values
from tui.session.rows import Row
from tui.widgets.columns import job as job_words
from tui.widgets.columns import note
from tui.widgets.job_table import JobTable
from tui.widgets.row_painter import RowPainter
from tui.words.remembered import describe, operation


def of_domains(rows: Sequence[Row], painter: RowPainter) -> Export:
    """The rows in the columns that are shown; the values are those of all columns."""
    painter = copy.copy(painter)  # It is used in another thread, while its table may be laid out anew.
    return Export(
        "domains",
        lambda: [painter.titles(), *map(painter.text, rows)],
        lambda: list(map(_row_values, rows)),
    )


def of_history(jobs: Sequence[Remembered], table: JobTable) -> Export:
    """Remembered jobs in the columns that are shown; the values are everything that is known of them."""
    text = table.texts()
    return Export(
        "history",
        lambda: text(jobs),
        lambda: [_job_values(job, table.host_name(job)) for job in jobs],
    )


def of_text(name: str, domain: str, reading: Reading) -> Export:
    """A log or XML, after what is said of it."""
    said = [text for text in (reading.problem, *reading.messages, *reading.notes) if text]
    lines = [*said, *([""] if said else []), *reading.lines]
    return Export(
        f"{name.lower()}-{domain}",
        lambda: lines,
        lambda: [{"line": number, "text": line} for number, line in enumerate(reading.lines, 1)],
        name.lower(),
    )


def _row_values(row: Row) -> Values:
    domain = row.domain
    words = note(row)
    return {
        "domain": domain.name,
        "disk": row.disk or None,
        "host": row.host,
        "uri": clean(row.uri),
        "uuid": domain.key.uuid,
        "id": domain.key.id,
        "state": domain.state.label,
        "reason": domain.reason,
        "answering": domain.answering,
        "stale": row.last_known,
        "problem": row.troubled,
        "note": words[0] if words is not None else "",
        "job": job_words(row),
        "pending": row.pending or None,
        **progress_values(row.progress),
    }


def progress_values(progress: Progress | None) -> Values:
    """How far a job is; all None without one."""
    stats = progress.stats if progress is not None else None
    return {
        "fraction": progress and progress.fraction,
        "elapsed": stats and stats.time_elapsed / 1000,
        "processed": stats and stats.processed,
        "remaining": stats and stats.remaining,
        "total": stats and stats.total,
        "rate": progress and progress.rate,
        "eta": progress and progress.eta,
        "stalled": progress and progress.stalled,
        "ready": stats and stats.ready,
    }


def _job_values(job: Remembered, host: str) -> Values:
    about = describe(job)
    entry = job.entry if isinstance(job, SourcedJob) else None
    return {
        "began": _moment(job.requested),
        "ended": _moment(job.ended) if job.ended is not None else None,
        "host": clean(host),
        "uri": clean(job.uri),
        "domain": clean(job.domain),
        "uuid": clean(job.key.uuid),
        "disk": clean(entry.disk) if entry is not None and entry.disk else None,
        "operation": operation(job),
        "result": job.word,
        "evidence": about.evidence or None,
        "reason": about.reason,
        "seconds": job.seconds,
        "bytes": entry.bytes if entry is not None else None,
        "requester": clean(job.requester),
        "command": about.command or None,
        "path": about.path or None,
        "format": about.format or None,
    }


def _moment(timestamp: float) -> str:
    """ISO 8601, with this machine's offset."""
    return datetime.fromtimestamp(timestamp).astimezone().isoformat(timespec="seconds")
