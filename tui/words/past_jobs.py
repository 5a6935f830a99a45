"""A remembered job in words: in a table, in one line to be copied, and in full."""

from __future__ import annotations

import time
from collections.abc import Iterator

from backend.outcome import Verdict
from backend.records.entry import JobEntry
from backend.text import clean
from backend.verdicts.job_sources import Source, SourcedJob
from tui.words import outcomes, units
from tui.words.job_names import job_name

RUNNING, LOST = "▸", "?"
_SOURCES = {
    Source.CALL: "your own call",
    Source.OBSERVATION: "your virt-jobs",
    Source.HOST: "the host's witness",
}


def name(job: SourcedJob) -> str:
    """``dump``, ``block copy of vda``."""
    return job_name(job.entry.operation, job.entry.disk and clean(job.entry.disk))


def symbol(job: SourcedJob) -> str:
    """One character that tells how it ended."""
    if job.entry.verdict is not None:
        return outcomes.SYMBOLS[job.entry.verdict]
    return LOST if job.lost else RUNNING


def result(job: SourcedJob) -> str:
    """``✓ completed``, ``? lost``, ``▸ running``."""
    return f"{symbol(job)} {job.word}"


def began(job: SourcedJob) -> str:
    """Without the year, which is this one or, in winter, the last one: ``11-26 18:24:17``."""
    return time.strftime("%m-%d %H:%M:%S", time.localtime(job.requested))


def took(job: SourcedJob) -> str:
    return units.duration(job.seconds) if job.seconds is not None else ""


def reason(job: SourcedJob) -> str:
    """Why it did not complete, in one line; empty while it is running, and if it did."""
    outcome = job.outcome
    return "" if outcome is None or outcome.verdict is Verdict.COMPLETED else clean(outcomes.reason(outcome))


def path(job: SourcedJob) -> str:
    return clean(job.entry.path or "")


def line(job: SourcedJob, host: str) -> str:
    """All that a line holds, to be pasted somewhere else."""
    words = [units.moment(job.requested), clean(host), clean(job.entry.domain), f"{name(job)} {job.word}"]
    if job.seconds is not None:
        words.append(f"in {units.duration(job.seconds)}")
    if job.requester:
        words.append(f"by {clean(job.requester)}")
    if path(job):
        words.append(f"→ {path(job)}")
    return " ".join(words) + (f": {reason(job)}" if reason(job) else "")


def facts(job: SourcedJob, host: str) -> Iterator[tuple[str, str]]:
    """Everything that is known of it, with labels; without what its result says."""
    entry = job.entry
    run = f", id {entry.domain_id}" if entry.domain_id is not None else ""
    yield "domain", f"{clean(entry.domain)} ({clean(entry.uuid)}{run})"
    yield "host", clean(host) if host == entry.uri else f"{clean(host)} ({clean(entry.uri)})"
    at = f" at {units.moment(job.record.started)}" if job.record is not None else ""
    yield "requested", f"by {clean(job.requester)}{at}" if job.requester else "it is not known by whom"
    seen = "" if entry.exact else " (first seen; it may have begun before)"
    yield "began", units.moment(entry.began) + seen
    if entry.ended is not None:
        yield "ended", units.moment(entry.ended) + (f", after {took(job)}" if took(job) else "")
    if entry.time_elapsed:
        yield "elapsed", f"{units.duration(entry.time_elapsed / 1000)}, according to the hypervisor"
    if entry.bytes is not None:
        yield "processed", f"{units.size(entry.bytes)} ({entry.bytes} bytes)"
    if entry.downtime is not None:
        yield "downtime", f"{entry.downtime} ms"
    if entry.left_paused:
        yield "guest", "left paused by the job"
    if entry.path:
        yield "file", path(job)
    if entry.format:
        yield "format", clean(entry.format)
    for source, part in job.parts:
        yield _SOURCES[source], _observation(part)


def _observation(entry: JobEntry) -> str:
    """What one source knows."""
    if entry.verdict is None:
        return f"no end known · {clean(entry.observer)}"
    return f"{entry.verdict} ({entry.evidence}) · {clean(entry.observer)}"
