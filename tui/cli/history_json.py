"""What is remembered, as plain values for JSON: everything has the keys of a job."""

from __future__ import annotations

from typing import Any

from backend.observing.remembered import CommandRun, Remembered, WaitingDump
from backend.records import codec
from backend.records.commands import to_json as command_json
from backend.verdicts.job_sources import SourcedJob
from tui.words import runs
from tui.words.remembered import describe, operation


def to_json(item: Remembered) -> dict[str, Any]:
    """All that is known of it."""
    if isinstance(item, CommandRun):
        return _command(item)
    return _queued(item) if isinstance(item, WaitingDump) else _job(item)


def _job(job: SourcedJob) -> dict[str, Any]:
    """Of an own call its record, with what is known of its job; of other jobs the same keys."""
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
        "operation": operation(job),
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


def _command(run: CommandRun) -> dict[str, Any]:
    """The keys of a job's, and those of its record."""
    record = run.record
    of_jobs: dict[str, Any] = dict.fromkeys(("path", "format", "code", "bytes", "disk", "downtime"))
    seconds = record.seconds
    return (
        of_jobs
        | {"flags": [], "operation": operation(run), "detail": "", "left_paused": False, "sources": ["own call"]}
        | {"began": record.started, "seconds": seconds, "time_elapsed": int((seconds or 0.0) * 1000)}
        | {"requester": record.user, "observer": f"{record.user} ({operation(run)})"}
        | command_json(record)
        | {
            "state": run.word,
            "verdict": run.verdict,
            "evidence": runs.evidence(record) if record.over else None,
        }
    )


def _queued(dump: WaitingDump) -> dict[str, Any]:
    """The keys of a job's. It has not begun: `started` and `began` are when it was queued."""
    record = dump.record
    unknown: dict[str, Any] = dict.fromkeys(
        ("ended", "code", "bytes", "disk", "seconds", "verdict", "evidence", "downtime")
    )
    return {
        "id": record.id,
        "uri": record.uri,
        "uuid": record.uuid,
        "domain": record.domain,
        "domain_id": record.domain_id,
        "path": record.path,
        "format": record.format_name,
        "flags": record.flags.labels,
        "user": record.user,
        "started": record.queued,
        "operation": operation(dump),
        "pid": record.pid,
        "state": dump.word,
        "error": "",
        "began": record.queued,
        "detail": describe(dump).reason,
        "time_elapsed": 0,
        "left_paused": False,
        "requester": record.user,
        "observer": f"{record.user} (queue)",
        "sources": ["own queue"],
    } | unknown
