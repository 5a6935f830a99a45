"""The outcome that a record of a dump proves, or claims."""

from __future__ import annotations

from backend.outcome import Evidence, Outcome, Verdict
from backend.records.record import JobRecord, RecordState

_PROVED = {
    RecordState.COMPLETED: (Verdict.COMPLETED, "The dump call returned success."),
    RecordState.FAILED: (Verdict.FAILED, "The dump call returned an error."),
    RecordState.CANCELLED: (Verdict.CANCELLED, "The dump call was aborted."),
}


def recorded_outcome(record: JobRecord, shared: bool = False) -> Outcome | None:
    """The outcome that a record's result proves; None while it has none, or lost it.

    `shared`: the record is known only from where others can write, and its outcome says so.
    """
    proved = _PROVED.get(record.state)
    if proved is None:
        return None
    verdict, detail = proved
    if shared:
        detail = f"The shared record of {record.user} says: {detail}"
    return Outcome(
        domain=record.key,
        operation=record.operation,
        verdict=verdict,
        evidence=Evidence.SHARED if shared else Evidence.RESULT,
        detail=detail,
        error=record.error,
        path=record.path,
        format=record.format_name,
        time_elapsed=int((record.seconds or 0.0) * 1000),
        requester=requester(record, shared),
        bytes=record.bytes,
    )


def requester(record: JobRecord, shared: bool) -> str:
    """Who requested the dump, and whether only the shared record says so."""
    return f"{record.user} (claimed)" if shared else record.user
