"""The rules that turn what was observed of one job into one verdict.

No I/O here: observations and the caller's monotonic clock come in, an Outcome comes out. What counts as a
proof is what libvirt and QEMU were seen to guarantee; a job that is merely gone proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from backend.errors import BackendError, DomainNotRunning, NoConnection, NoSuchDomain, OperationFailed
from backend.events import ConnectionEvent, DumpEvent, Event, JobEvent, Lifecycle, LifecycleEvent, RecordEvent
from backend.model import DomainKey, JobOperation, JobStats, JobType
from backend.record import JobRecord, RecordState

GRACE = 2.0
"""Seconds after the job's end in which its proof may still arrive."""
RUNNER_GRACE = 10.0
"""The same while the process that holds the result is seen alive."""
RECONNECT_GRACE = 60.0
"""Seconds without a connection after which a wait gives up; the job goes on."""
_GAP = 2.0
"""Seconds between two samples in which an unseen job may have come and gone."""
_START_SLACK = 1.0
"""Seconds by which two estimates of one job's start may differ."""


class Verdict(StrEnum):
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNPROVEN = "unproven"


class Evidence(StrEnum):
    """What a verdict rests on, best first."""

    RESULT = "result"
    """The return value of the call itself, from the record."""
    LIFECYCLE = "lifecycle event"
    JOB_EVENT = "job event"
    HYPERVISOR = "hypervisor"
    """QEMU's own word, before libvirt closed the file."""
    STATS = "job stats"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one job ended, and how that is known."""

    domain: DomainKey
    operation: JobOperation
    verdict: Verdict
    evidence: Evidence
    detail: str
    """One sentence."""
    error: str = ""
    """The hypervisor's own message, where it gave one."""
    path: str | None = None
    format: str | None = None
    time_elapsed: int = 0
    """ms."""

    @classmethod
    def of_record(cls, record: JobRecord) -> Outcome | None:
        """The outcome that a record's result proves; None while it has none, or lost it."""
        proved = _PROVED_BY_RECORD.get(record.state)
        if proved is None:
            return None
        verdict, detail = proved
        elapsed = int(max(0.0, (record.ended or record.started) - record.started) * 1000)
        return cls(
            domain=record.key,
            operation=record.operation,
            verdict=verdict,
            evidence=Evidence.RESULT,
            detail=detail,
            error=record.error,
            path=record.path,
            format=record.format_name,
            time_elapsed=elapsed,
        )


_PROVED_BY_RECORD = {
    RecordState.COMPLETED: (Verdict.COMPLETED, "The dump call returned success."),
    RecordState.FAILED: (Verdict.FAILED, "The dump call returned an error."),
    RecordState.CANCELLED: (Verdict.CANCELLED, "The dump call was aborted."),
}


@dataclass(frozen=True, slots=True)
class Sampled:
    """What `job` returned for a question sent at `sent` (the caller's monotonic clock, seconds)."""

    stats: JobStats | None
    sent: float


@dataclass(frozen=True, slots=True)
class SampleFailed:
    """`job` raised."""

    error: BackendError


@dataclass(frozen=True, slots=True)
class RecordSeen:
    """The record, read again, and whether its runner lives (None: this host cannot tell)."""

    record: JobRecord
    runner_alive: bool | None


Observation = Sampled | SampleFailed | RecordSeen | Event


class Attachment:
    """One job, from the moment that someone attached to it, to its verdict.

    Feed it with `observe`, ask `outcome` after each observation and when `due` has come.
    """

    def __init__(self, domain: DomainKey, operation: JobOperation, record: JobRecord | None) -> None:
        self.domain = domain
        self.operation = operation
        self.record = record
        self.last: JobStats | None = None
        """The latest sample of this very job."""
        self._last_at = 0.0
        self._started_by = 0.0
        self._ended_at: float | None = None
        self._successor = False
        self._runner_alive: bool | None = record.runner_alive() if record else None
        self._disconnected_at: float | None = None
        self._closing = False
        self._still_there = False
        self._proofs: dict[Evidence, tuple[Verdict, str, str]] = {}
        self._hypervisor_done = False
        self._seen = "The job was gone when it was next looked at."

    @property
    def ended(self) -> bool:
        """Whether this job is known to be over; its verdict may take a little longer."""
        return self._ended_at is not None

    @property
    def due(self) -> float | None:
        """When `outcome` will have an answer without any further observation; None: not before one."""
        if self._ended_at is not None:
            return self._ended_at + (RUNNER_GRACE if self._runner_alive else GRACE)
        if self._disconnected_at is not None and not self._runner_alive:
            return self._disconnected_at + RECONNECT_GRACE
        return None

    def observe(self, observation: Observation, now: float) -> None:
        """Take one observation into account; `now` is the caller's monotonic clock in seconds."""
        match observation:
            case Sampled(stats, sent):
                self._sampled(stats, sent, now)
            case SampleFailed(error):
                self._sample_failed(error, now)
            case RecordSeen(record, alive):
                self._record_seen(record, alive)
            case ConnectionEvent(connected):
                self._disconnected_at = None if connected else (self._disconnected_at or now)
            case RecordEvent():
                pass  # a hint to read the record; RecordSeen brings what it says
            case LifecycleEvent() | JobEvent() | DumpEvent():
                # Once another job follows, what is told is about that one.
                if observation.domain.uuid == self.domain.uuid and not self._successor:
                    self._told(observation, now)

    def outcome(self, now: float) -> Outcome | None:
        """The verdict, once there is one. NoConnection when the connection stays away with no end in sight."""
        proved = Outcome.of_record(self.record) if self.record else None
        if proved is not None:
            return proved
        due = self.due
        if self._ended_at is None:
            if due is not None and now >= due:
                raise NoConnection(f"no connection for {RECONNECT_GRACE:.0f} s; the job goes on, attach again later")
            return None
        result_may_come = self.record is not None and not self.record.over and self._runner_alive is not False
        over = due is not None and now >= due
        best = next((self._concluded(evidence) for evidence in Evidence if evidence in self._proofs), None)
        if best is not None and (over or not result_may_come):
            return best
        return self._unproven() if over else None

    def _sampled(self, stats: JobStats | None, sent: float, now: float) -> None:
        self._disconnected_at = None
        if self.ended:
            self._still_there = self._still_there or (stats is None)
            return
        if stats is None or stats.type is JobType.NONE:
            # Before its job shows, a dump whose runner lives is only starting.
            if self.last is not None or not self._runner_alive:
                self._still_there = True
                self._end(now)
        elif stats.operation != self.operation or self._is_other(stats, sent):
            self._successor = True
            self._still_there = True
            self._end(now)
        else:
            self._take(stats, now)
        if self._ended_at is not None and self._still_there:
            self._prove_by_survival()

    def _is_other(self, stats: JobStats, sent: float) -> bool:
        """Whether these are the stats of a job that followed ours."""
        last = self.last
        if last is None:
            return False
        moved_on = stats.processed > last.processed > 0 and stats.total == last.total
        if stats.time_elapsed < last.time_elapsed:
            # A clock that was set back makes elapsed drop too, but the same job's bytes go on.
            return not (moved_on and sent - self._last_at < _GAP)
        if sent - self._last_at < _GAP or stats.closing:
            return False
        return sent - stats.time_elapsed / 1000 > self._started_by + _START_SLACK

    def _take(self, stats: JobStats, now: float) -> None:
        started_by = now - stats.time_elapsed / 1000
        self._started_by = started_by if self.last is None else min(self._started_by, started_by)
        self.last, self._last_at = stats, now
        if stats.closing:
            self._closing = True
            self._seen = "The hypervisor had finished and was closing the file when it was last looked at."
        elif stats.type is JobType.FAILED:
            self._prove(Evidence.STATS, Verdict.FAILED, "The job's own stats said failed.", stats.errmsg or "")
        elif stats.type is JobType.CANCELLED:
            self._prove(Evidence.STATS, Verdict.CANCELLED, "The job's own stats said cancelled.")

    def _sample_failed(self, error: BackendError, now: float) -> None:
        match error:
            case NoSuchDomain() | DomainNotRunning():
                if not self.ended:
                    self._seen = "The domain was not running any more when it was next looked at."
                    self._end(now)
            case OperationFailed():
                if not self.ended and self.operation is JobOperation.DUMP:
                    self._prove(
                        Evidence.STATS,
                        Verdict.FAILED,
                        "The hypervisor reported that the dump failed.",
                        error.message,
                    )
            case NoConnection():
                self._disconnected_at = self._disconnected_at or now

    def _record_seen(self, record: JobRecord, alive: bool | None) -> None:
        if self.record is not None and record.id == self.record.id and not self.record.over:
            self.record = record
            self._runner_alive = alive

    def _told(self, event: LifecycleEvent | JobEvent | DumpEvent, now: float) -> None:
        match event:
            case DumpEvent(completed=True):
                self._hypervisor_done = True
                self._seen = "QEMU finished writing; the file was not checked."
            case DumpEvent(error=error):
                if self.operation is JobOperation.DUMP and not self.ended:
                    self._prove(Evidence.HYPERVISOR, Verdict.FAILED, "QEMU reported that the dump failed.", error)
            case JobEvent(stats=stats):
                if self.operation is JobOperation.BACKUP and stats.success is not None:
                    verdict = Verdict.COMPLETED if stats.success else Verdict.FAILED
                    self._prove(
                        Evidence.JOB_EVENT,
                        verdict,
                        f"The job's own event said {verdict}.",
                        stats.errmsg or "",
                    )
            case LifecycleEvent(event=kind, detail=detail):
                self._lived(kind, detail, now)

    def _lived(self, kind: Lifecycle, detail: str, now: float) -> None:
        proves = _LIFECYCLE_PROOFS.get((self.operation, kind, detail))
        if proves is not None:
            self._prove(Evidence.LIFECYCLE, proves, f"The domain was {kind.name.lower()} ({detail}).")
            self._end(now)
        elif kind is Lifecycle.STOPPED:
            self._stopped(detail, now)
        elif kind is Lifecycle.RESUMED and self.operation is JobOperation.DUMP and self.last is not None:
            # Nobody can resume a domain while it is dumped: this is the end of the dump, good or bad.
            self._end(now)

    def _stopped(self, detail: str, now: float) -> None:
        finished = self._closing or self._hypervisor_done
        if self.ended or (finished and detail != "crashed"):
            self._seen = f"The domain was stopped ({detail}) as the job ended."
        elif detail == "crashed":
            # What a successful dump with --crash does to its domain, but also what a crash does.
            self._seen = "The domain stopped as crashed."
            if finished and self.operation is JobOperation.DUMP:
                self._prove(Evidence.LIFECYCLE, Verdict.COMPLETED, "The domain was stopped as the dump asked for.")
        else:
            self._prove(Evidence.LIFECYCLE, Verdict.FAILED, f"The domain was stopped ({detail}) under the job.")
        self._end(now)

    def _prove_by_survival(self) -> None:
        if self.operation in (JobOperation.SAVE, JobOperation.MIGRATION_OUT):
            self._prove(Evidence.LIFECYCLE, Verdict.FAILED, "The job is gone and the domain still runs here.")

    def _prove(self, evidence: Evidence, verdict: Verdict, detail: str, error: str = "") -> None:
        self._proofs.setdefault(evidence, (verdict, detail, error))

    def _end(self, now: float) -> None:
        if self._ended_at is None:
            self._ended_at = now

    def _concluded(self, evidence: Evidence) -> Outcome:
        verdict, detail, error = self._proofs[evidence]
        return self._as_outcome(verdict, evidence, detail, error)

    def _unproven(self) -> Outcome:
        evidence = Evidence.HYPERVISOR if self._hypervisor_done else Evidence.NONE
        return self._as_outcome(Verdict.UNPROVEN, evidence, self._seen)

    def _as_outcome(self, verdict: Verdict, evidence: Evidence, detail: str, error: str = "") -> Outcome:
        return Outcome(
            domain=self.domain,
            operation=self.operation,
            verdict=verdict,
            evidence=evidence,
            detail=detail,
            error=error,
            path=self.record.path if self.record else None,
            format=self.record.format_name if self.record else None,
            time_elapsed=self.last.time_elapsed if self.last else 0,
        )


_LIFECYCLE_PROOFS = {
    (JobOperation.SAVE, Lifecycle.STOPPED, "saved"): Verdict.COMPLETED,
    (JobOperation.MIGRATION_OUT, Lifecycle.STOPPED, "migrated"): Verdict.COMPLETED,
    (JobOperation.MIGRATION_IN, Lifecycle.RESUMED, "migrated"): Verdict.COMPLETED,
    (JobOperation.MIGRATION_IN, Lifecycle.STOPPED, "failed"): Verdict.FAILED,
}
