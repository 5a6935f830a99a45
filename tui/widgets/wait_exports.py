"""What the screens that wait for jobs export: their lines as shown, and plain values of each wait."""

from __future__ import annotations

from collections.abc import Sequence

from backend.outcome import Verdict
from backend.text import clean
from tui.session.export import Export, Values
from tui.session.job_wait import JobWait
from tui.widgets.exports import progress_values
from tui.words import outcomes


def of_waits(what: str, lines: Sequence[str], waits: Sequence[JobWait]) -> Export:
    """`what`: for the file's name; `lines`: what is shown now. Sizes are in bytes, times in seconds."""
    values = list(map(_values, waits))
    return Export(what, lambda: lines, lambda: values)


def _values(wait: JobWait) -> Values:
    outcome = wait.outcome
    requester = wait.record.user if wait.record is not None else outcome.requester if outcome is not None else ""
    return {
        "domain": wait.name,
        "disk": wait.disk,
        "host": clean(wait.host.name),
        "uri": clean(wait.host.uri),
        "uuid": wait.domain.uuid,
        "id": wait.domain.id,
        "job": wait.what,
        "result": _result(wait),
        "evidence": str(outcome.evidence) if outcome is not None else None,
        "reason": _reason(wait),
        # What was last seen of its progress says nothing of a job that is over.
        **progress_values(None if wait.over else wait.progress),
        "seconds": outcome.time_elapsed / 1000 if outcome is not None and outcome.time_elapsed else None,
        "bytes": outcome and outcome.bytes,
        "requester": clean(requester),
        "path": clean(wait.path) or None,
        "left_paused": outcome and outcome.left_paused,
    }


def _result(wait: JobWait) -> str:
    """How it ended in a word; ``queued``, ``starting`` or ``running`` before that, and empty if nobody knows."""
    if wait.outcome is not None:
        return str(wait.outcome.verdict)
    if wait.error is not None:
        return "not started" if wait.unstarted else ""
    return wait.stage or "running"


def _reason(wait: JobWait) -> str:
    """Why it did not complete, or why that is not known; empty while it is running, and if it did."""
    if wait.error is not None:
        return wait.error.message
    outcome = wait.outcome
    return "" if outcome is None or outcome.verdict is Verdict.COMPLETED else clean(outcomes.reason(outcome))
