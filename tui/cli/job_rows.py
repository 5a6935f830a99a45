"""What is remembered of a job, as a row of a table and as plain values for JSON."""

from __future__ import annotations

from typing import Any

from backend.outcome import Verdict
from backend.records import codec
from backend.text import clean
from backend.verdicts.job_sources import SourcedJob
from tui.words import outcomes, units
from tui.words.job_names import job_name

HEADINGS = ("Began", "Domain", "Job", "Result", "Took", "By", "Details")
"""On a terminal."""
STEPS = (
    ("Details", 30),
    ("By", 0),
    ("Details", 14),
    ("Domain", 14),
    ("Host", 12),
    ("Job", 17),
    ("Host", 0),
    ("Took", 0),
    ("Domain", 8),
    ("Details", 0),
    ("Job", 6),
)
"""How these are made to fit, see Layout."""
SAMPLE = ("", "x" * 14, "block copy of vda", "completed", "00:00", "x" * 14, "x" * 40)
"""What a table has room for whose rows are not known yet."""
FULL_HEADINGS = ("Began", "Domain", "Job", "Format", "Result", "Took", "File", "Details", "By")
"""In a file or a pipe."""
_WIDE = 100
"""Columns of a terminal that has room for seconds."""


def row(job: SourcedJob, width: int) -> list[str]:
    """The cells of HEADINGS, for a terminal that is so wide."""
    began = units.moment(job.requested)
    return [
        began if width >= _WIDE else began[5:16],
        clean(job.entry.domain),
        name(job),
        job.word,
        _took(job),
        clean(job.requester),
        reason(job) or clean(job.entry.path or ""),
    ]


def full_row(job: SourcedJob) -> list[str]:
    """The cells of FULL_HEADINGS."""
    return [
        units.moment(job.requested),
        clean(job.entry.domain),
        name(job),
        clean(job.entry.format or ""),
        job.word,
        _took(job),
        clean(job.entry.path or ""),
        reason(job),
        clean(job.requester),
    ]


def name(job: SourcedJob) -> str:
    """``dump``, ``block copy of vda``."""
    return job_name(job.entry.operation, job.entry.disk and clean(job.entry.disk))


def reason(job: SourcedJob) -> str:
    """Why it ended as it did, or why that is not known, in one line; empty if it is running, or completed."""
    outcome = job.outcome_if_over
    return "" if outcome is None or outcome.verdict is Verdict.COMPLETED else clean(outcomes.reason(outcome))


def to_json(job: SourcedJob) -> dict[str, Any]:
    """Plain values: of an own call its record, with what is known of its job; of other jobs the same keys."""
    entry, outcome = job.entry, job.outcome
    values: dict[str, Any] = {
        "id": entry.id,
        "uri": entry.uri,
        "uuid": entry.uuid,
        "domain": entry.domain,
        "domain_id": entry.domain_id,
        "path": entry.path,
        "format": entry.format,
        "flags": [],
        "user": job.requester,
        "started": entry.began,
        "operation": entry.operation.label,
        "pid": 0,
        "state": job.word,
        "ended": entry.ended,
        "error": entry.error,
        "code": None,
        "bytes": entry.bytes,
    }
    if job.record is not None:
        values |= codec.to_json(job.record, job.state or job.record.state)
    return values | {
        "disk": entry.disk,
        "began": entry.began,
        "ended": entry.ended if values["ended"] is None else values["ended"],
        "seconds": job.seconds,
        "verdict": outcome and outcome.verdict,
        "evidence": outcome and outcome.evidence,
        "detail": outcome.detail if outcome is not None else "",
        "time_elapsed": entry.time_elapsed,
        "left_paused": entry.left_paused,
        "downtime": entry.downtime,
        "requester": job.requester,
        "observer": entry.observer,
        "sources": [str(source) for source in job.sources],
    }


def _took(job: SourcedJob) -> str:
    return units.duration(job.seconds) if job.seconds is not None else ""
