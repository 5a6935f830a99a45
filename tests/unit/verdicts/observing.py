"""Observations to feed the rules of verdicts with."""

from __future__ import annotations

from dataclasses import replace
from math import inf

from backend.dump_request import DumpFlags, DumpFormat
from backend.errors import NoConnection
from backend.events import ConnectionEvent, Lifecycle, LifecycleEvent
from backend.files.dumpfile import DumpFile
from backend.job_stats import JobStats, JobType
from backend.model import Domain, DomainKey, DomainState, JobOperation
from backend.outcome import Outcome
from backend.records.record import JobRecord, RecordState
from backend.verdicts.attachment import Attachment
from backend.verdicts.observations import FileChecked, FileHeld, Observation, RecordSeen, Sampled, StateSeen
from backend.verdicts.phase import FILE_GRACE

KEY = DomainKey("6d5e3a05-590e-4843-9af4-d4b2ecfa4b83", 7, "db-01")
TOTAL = 1000
"""GiB of memory."""


def stats(elapsed: int = 1000, processed: int = 100, type: JobType = JobType.UNBOUNDED, **others: object) -> JobStats:
    """A dump's, `elapsed` ms after its begin."""
    values: dict[str, object] = {
        "memory_total": TOTAL << 30,
        "memory_processed": processed << 30,
        "memory_remaining": TOTAL - processed << 30,
    }
    return JobStats(type, JobOperation.DUMP, time_elapsed=elapsed, **(values | others))  # type: ignore[arg-type]


def record(state: RecordState = RecordState.RUNNING, **others: object) -> JobRecord:
    values: dict[str, object] = {"flags": DumpFlags.MEMORY_ONLY}
    if state not in ("starting", "running"):
        values["ended"] = 1020.0
    return JobRecord(
        id="a",
        uri="qemu:///system",
        uuid=KEY.uuid,
        domain=KEY.name,
        domain_id=KEY.id,
        path="/dumps/db-01",
        format=DumpFormat.RAW,
        user="root@elsewhere",
        started=1000.0,
        state=state,
        **(values | others),  # type: ignore[arg-type]
    )


def checked(
    whole: bool | None,
    linked: bool = True,
    size: int = 10,
    untouched: float = 0.0,
    *,
    format: str = "ELF core",
    asked: float = inf,
    age: float | None = None,
) -> FileChecked:
    """`asked`: by default, right when it is observed."""
    return FileChecked(DumpFile("/dumps/db-01", format, size, whole, "As looked at."), linked, untouched, asked, age)


def seen(state: DomainState) -> StateSeen:
    return StateSeen(Domain(KEY, state))


def claimed(state: RecordState = RecordState.COMPLETED, **others: object) -> RecordSeen:
    """What the domain's shared record says in the end."""
    return RecordSeen(record(state, **others), None, shared=True)


def lifecycle(event: Lifecycle, detail: str) -> LifecycleEvent:
    return LifecycleEvent(replace(KEY, id=None), event, detail)


def verdict_of(
    *observations: Observation,
    operation: JobOperation = JobOperation.DUMP,
    of_record: JobRecord | None = None,
    shared: bool = False,
) -> Outcome | None:
    """The outcome once all was observed, 0.1 s apart, and every grace is over."""
    attachment = Attachment(KEY, operation, of_record, shared)
    now = 100.0
    for observation in observations:
        attachment.observe(observation, now)
        now += 0.1
    try:
        return attachment.outcome(now + FILE_GRACE)
    except NoConnection:
        return None


RUNNING = Sampled(stats(), 100.0)
GONE = Sampled(None, 100.1)
CLOSING = Sampled(stats(1100, TOTAL, JobType.COMPLETED), 100.1)
LOST = ConnectionEvent(False, "the daemon died")
BACK = ConnectionEvent(True)
HELD = FileHeld(100.0)
"""Found right before RUNNING was asked for."""
