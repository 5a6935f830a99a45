"""The result of a job as labelled facts: what it wrote, how fast, where, who requested it, and what proves its end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from backend.job_stats import JobStats
from backend.model import BlockOperation, JobOperation, Operation
from backend.outcome import Outcome, Verdict
from backend.records.record import JobRecord
from backend.text import clean
from tui.words import outcomes, units

_WRITTEN: Mapping[Operation, str] = {
    JobOperation.DUMP: "size",
    JobOperation.MIGRATION_OUT: "sent",
    JobOperation.MIGRATION_IN: "received",
    BlockOperation.PULL: "pulled",
    BlockOperation.COMMIT: "committed",
    BlockOperation.ACTIVE_COMMIT: "committed",
}
"""What the bytes of a completed job are called; ``copied`` and ``written`` for the others."""


def facts(outcome: Outcome, stats: JobStats | None, record: JobRecord | None) -> Iterator[tuple[str, str]]:
    """What is known of the job, with labels; what is not known is left out.

    `stats`: the last that were seen of it; `record`: that of a dump of this user's.
    """
    if outcome.path:
        yield "file", clean(outcome.path)
    if outcome.verdict is Verdict.COMPLETED:
        yield from _amounts(outcome, stats)
    elif stats is not None and stats.total:
        yield "reached", f"{units.size(stats.processed)} of {units.size(stats.total)}, when it was last looked at"
    if record is not None:
        yield "requested", f"by {clean(record.user)} at {units.clock(record.started)}"
    elif outcome.requester:
        yield "requested", f"by {clean(outcome.requester)}"
    yield "evidence", clean(outcomes.evidence(outcome))


def _amounts(outcome: Outcome, stats: JobStats | None) -> Iterator[tuple[str, str]]:
    written = outcome.bytes
    if written:
        kind = f" ({clean(outcome.format)})" if outcome.format else ""
        yield _label(outcome.operation), f"{units.size(written)}{kind}"
    elif stats is not None and stats.total and outcome.operation != JobOperation.MIGRATION_OUT:
        # It is completed, so all of it was done, whatever the last look saw. A migration sends pages again and again.
        written = stats.total
        yield "processed", units.size(written)
    if written and outcome.time_elapsed:
        yield "rate", f"{units.rate(written / outcome.time_elapsed * 1000)} on average"


def _label(operation: Operation) -> str:
    default = "copied" if isinstance(operation, BlockOperation) else "written"
    return _WRITTEN.get(operation, default)
