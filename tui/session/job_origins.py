"""Where a running job comes from: what its records, what was seen of it, and this machine's processes say together."""

from __future__ import annotations

from collections.abc import Sequence

from backend.job_origin import JobOrigin
from backend.job_stats import JobStats
from backend.model import JobOperation
from backend.observing.lookup import DomainRecord, is_about
from backend.text import clean
from backend.verdicts.job_sources import SourcedJob
from tui.session.job_facts import JobFacts
from tui.session.rows import Row
from tui.words import jobs, origins
from tui.words.origins import Origin


def origin(
    row: Row,
    began: float | None,
    records: Sequence[DomainRecord],
    remembered: Sequence[SourcedJob],
    facts: JobFacts,
) -> Origin:
    """What is known of the row's job, which it has.

    `began`: when it began, where its elapsed time tells. `remembered`: its domain's jobs, the newest first.
    """
    assert row.progress is not None
    stats, seen = row.progress.stats, facts.seen
    entry = _remembered(row, stats, remembered)
    record = next((item for item in records if _is_its(item, row, stats, seen)), None)
    sign, target = _end(row, facts)
    if record is not None and not target:
        target = record.record.path
    first_seen = entry.entry.began if entry is not None else None
    return Origin(
        target=target or (clean(entry.entry.path or "") if entry is not None else ""),
        sign=sign,
        format=record.record.format_name if record is not None else "",
        began=began if began is not None else first_seen,
        exact=began is not None or (entry is not None and entry.entry.exact),
        by=_requester(row, record, seen, entry),
    )


def started(stats: JobStats, now: float) -> float | None:
    """When the job began, if its elapsed time tells; both are seconds since the epoch."""
    return now - stats.time_elapsed / 1000 if jobs.timed(stats) else None


def _is_its(item: DomainRecord, row: Row, stats: JobStats, seen: JobOrigin) -> bool:
    """Whether the record is that of the running job. One that is shared has to name the file that is seen, if any."""
    if stats.operation != JobOperation.DUMP or row.disk or not is_about(item, row.domain.key, stats):
        return False
    return not (item.shared and seen.path and item.record.path != seen.path)


def _remembered(row: Row, stats: JobStats, remembered: Sequence[SourcedJob]) -> SourcedJob | None:
    job = next(
        (
            job
            for job in remembered
            if (job.entry.operation, job.entry.disk or "", job.entry.key) == (stats.operation, row.disk, row.domain.key)
        ),
        None,
    )
    return job if job is not None and not job.entry.over else None


def _end(row: Row, facts: JobFacts) -> tuple[str, str]:
    """What the job's data go to or come from, with the sign before it."""
    operation, seen, backup, source = row.operation, facts.seen, facts.backup, facts.source
    if operation in (JobOperation.MIGRATION_OUT, JobOperation.MIGRATION_IN):
        peer = row.other_end or (seen.client.peer if seen.client is not None else "")
        return "→" if operation == JobOperation.MIGRATION_OUT else "←", clean(peer)
    if row.automatic_dump is not None and row.automatic_dump.path:
        return "→", row.automatic_dump.path
    if backup is not None:
        images = [disk.image for disk in backup.disks if disk.image]
        if backup.pull:
            return "at", backup.server
        return "→", f"{images[0]} and {len(images) - 1} more" if len(images) > 1 else "".join(images)
    if row.disk:
        return "→", source.mirror or "" if source is not None else ""
    return "→", seen.path


def _requester(row: Row, record: DomainRecord | None, seen: JobOrigin, entry: SourcedJob | None) -> str:
    if record is not None and not record.shared:
        return origins.by(record.record.user)
    if row.automatic_dump is not None:
        return origins.by(row.automatic_dump.requester)
    if record is not None:
        return origins.by_claim(record.record.user)
    if seen.client is not None:
        return origins.by_client(seen.client.label)
    return origins.by(clean(entry.requester)) if entry is not None else ""
