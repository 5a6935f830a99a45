"""The rules that turn what is observed of one job into one verdict.

No I/O here: observations and the caller's monotonic clock come in, an Outcome comes out. What counts as a
proof is what libvirt and QEMU were seen to guarantee; a job that is merely gone proves nothing.
"""

from __future__ import annotations

from backend.errors import BackendError, DomainNotRunning, NoConnection, NoSuchDomain, OperationFailed
from backend.events import ConnectionEvent, DumpEvent, JobEvent, Lifecycle, LifecycleEvent, RecordEvent
from backend.model import Domain, DomainKey, DomainState, JobOperation, JobStats, JobType
from backend.records.record import JobRecord
from backend.verdicts.claims import Proof, RecordEvidence, weighed
from backend.verdicts.held_file import HeldFile
from backend.verdicts.observations import (
    FileChecked,
    FileHeld,
    Observation,
    RecordSeen,
    Sampled,
    SampleFailed,
    StateSeen,
)
from backend.verdicts.proofs import LIFECYCLE_PROOFS, backup_verdict, failed_by_file, tells_of_failed_dump
from backend.verdicts.samples import Samples, began
from backend.verdicts.verdict import Evidence, Outcome, Verdict

GRACE = 2.0
"""Seconds after the job's end in which its proof may still arrive."""
RUNNER_GRACE = 10.0
"""The same while the process that holds the result is seen alive."""
FILE_GRACE = 60.0
"""The same while the file is being checked."""
RECONNECT_GRACE = 60.0
"""Seconds without a connection after which a wait gives up; the job goes on."""
ORPHAN_GRACE = 20.0
"""Seconds without any news of a dump whose daemon died, after which nobody will tell of its end."""
_EVENT_LAG = 0.5
"""Seconds by which what the hypervisor tells may come after what was looked up."""


class Attachment:
    """One job, from the moment that someone attached to it, to its verdict.

    Feed it with `observe`, ask `outcome` after each observation and when `due` has come.
    """

    def __init__(
        self,
        domain: DomainKey,
        operation: JobOperation,
        record: JobRecord | None,
        shared: bool = False,
        dump_events: bool = False,
    ) -> None:
        """`shared`: the record is known only from where others can write.

        `dump_events`: whoever is connected hears the hypervisor's own word on a dump's end.
        """
        self.domain = domain
        self.operation = operation
        self._record = RecordEvidence(record, shared)
        self._dump_events = dump_events
        self._attached_at = float("inf")
        self._starting_since: float | None = None
        self._samples = Samples()
        self._ended_at: float | None = None
        self._successor: float | None = None
        """When the job that followed this one began, at the earliest."""
        self._disconnected_at: float | None = None
        self._interrupted = False
        self._orphan_news: float | None = None
        self._left_paused = False
        self._domain_gone = False
        self._went_on = False
        self._cut_short = False
        """Whether the domain may have stopped before libvirt was done with the file, however whole that is."""
        self._closing = False
        self._streamed = False
        self._proofs: dict[Evidence, tuple[Verdict, str, str]] = {}
        self._dump_event: DumpEvent | None = None
        self._file = HeldFile()
        self._seen = "The job was gone when it was next looked at."

    @property
    def record(self) -> JobRecord | None:
        """What is known of the job's record, if it has one."""
        return self._record.record

    @property
    def last(self) -> JobStats | None:
        """The latest sample of this very job."""
        return self._samples.last

    @property
    def ended(self) -> bool:
        """Whether this job is known to be over; its verdict may take a little longer."""
        return self._ended_at is not None

    @property
    def orphaned(self) -> bool:
        """Whether its daemon died and came back without the job, while the hypervisor may still be at it."""
        return self._orphan_news is not None and not self.ended

    @property
    def adrift(self) -> bool:
        """Whether nobody tells of it any more, so that its file has to."""
        return self.ended or self.orphaned or self._disconnected_at is not None

    @property
    def due(self) -> float | None:
        """When `outcome` will have an answer without any further observation; None: not before one."""
        if self._ended_at is not None:
            if self._file.awaited:
                return self._ended_at + FILE_GRACE
            if self._record.shared and self._record.claim is not None:
                return self._ended_at + _EVENT_LAG
            return self._ended_at + (RUNNER_GRACE if self._record.alive else GRACE)
        if self._orphan_news is not None:
            return self._orphan_news + ORPHAN_GRACE
        if self._disconnected_at is not None and not self._record.alive:
            return self._disconnected_at + RECONNECT_GRACE
        return None

    def observe(self, observation: Observation, now: float) -> None:
        """Take one observation into account; `now` is the caller's monotonic clock in seconds."""
        self._attached_at = min(self._attached_at, now)
        match observation:
            case Sampled(stats, sent):
                self._sampled(stats, sent, now)
            case SampleFailed(error):
                self._sample_failed(error, now)
            case RecordSeen():
                self._record.hear(observation, now)
            case StateSeen(domain):
                self._state_seen(domain, now)
            case FileHeld(since):
                self._file.hold(since, self._samples)
            case FileChecked():
                self._file_checked(observation, now)
            case ConnectionEvent(connected):
                if connected:
                    self._disconnected_at = None
                else:
                    self._disconnect(now)
            case RecordEvent():
                pass  # A hint to read the record; RecordSeen brings what it says.
            case LifecycleEvent() | JobEvent() | DumpEvent():
                # Once another job follows, what is told is about that one.
                if observation.domain.uuid == self.domain.uuid and self._successor is None:
                    self._told(observation, now)

    def outcome(self, now: float) -> Outcome | None:
        """The verdict, once there is one. NoConnection when the connection stays away with no end in sight."""
        if (proved := self._record.outcome) is not None:
            return proved
        over = self.due is not None and now >= self.due
        if self.orphaned and over:
            self._seen = "Its daemon died, and nothing was heard of it since."
            self._end(now)
        elif not self.ended:
            if over:
                raise NoConnection(f"no connection for {RECONNECT_GRACE:.0f} s; the job goes on, attach again later")
            return None
        claim = self._record.claim
        if not over and (self._record.may_tell or self._file.awaited or claim is not None):
            return None
        proof = self._best_proof(over, now)
        if claim is not None:
            proof = weighed(claim, proof, self._file.found)
        if proof is not None:
            return self._as_outcome(*proof)
        return self._unproven() if over else None

    def _sampled(self, stats: JobStats | None, sent: float, now: float) -> None:
        self._disconnected_at = None
        if stats is None or stats.type is JobType.NONE:
            self._gone(now)
        elif self._ended_at is not None and sent <= self._ended_at:
            return  # It was asked for before the end: most likely it is this very job's.
        elif self.ended or stats.operation != self.operation or self._is_other(stats, sent, now):
            self._successor = began(stats, sent)
            self._file.disown(self._successor)
            self._end(now)
            self._prove_by_survival()
        else:
            self._take(stats, sent, now)

    def _gone(self, now: float) -> None:
        if self.last is None and self._record.alive and self._may_be_starting(now):
            return
        if self._interrupted and self.operation is JobOperation.DUMP and not self.ended:
            if self._orphan_news is None:
                self._orphan_news = now
            return
        self._end(now)
        self._prove_by_survival()

    def _may_be_starting(self, now: float) -> bool:
        """Before its job shows, a dump whose runner lives is only starting. Others may say so for a while."""
        if self._starting_since is None:
            self._starting_since = now
        return not self._record.shared or now - self._starting_since < RUNNER_GRACE

    def _is_other(self, stats: JobStats, sent: float, now: float) -> bool:
        """Whether these are the stats of a job that followed ours."""
        if self.operation is JobOperation.MIGRATION_IN:
            return False  # No run of a domain has two of these, and libvirt tells nothing of how far one is.
        if self.last is None:
            # Ours may have come and gone while the connection was away.
            return self._interrupted and not self._record.alive and began(stats, sent) > self._attached_at
        # One that was gone already does not come back.
        return self._orphan_news is not None or not self._samples.follow_on(stats, sent, now)

    def _take(self, stats: JobStats, sent: float, now: float) -> None:
        self._record.contradict(sent)
        self._samples.take(stats, sent, now)
        self._file.recognize(self._samples)
        self._interrupted = False
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
                    # Why it stopped, its own event will say.
                    self._domain_gone = True
                    self._cut_short = not self._went_on
                    self._seen = "The domain was not running any more when it was next looked at."
                    self._end(now)
            case OperationFailed() if tells_of_failed_dump(error) and not self.ended:
                detail = "The hypervisor reported that the dump failed."
                self._prove(Evidence.STATS, Verdict.FAILED, detail, error.message)
            case NoConnection():
                self._disconnect(now)

    def _disconnect(self, now: float) -> None:
        self._interrupted = True
        self._disconnected_at = self._disconnected_at or now

    def _state_seen(self, domain: Domain, now: float) -> None:
        if not self.orphaned:
            return
        self._left_paused = domain.state is DomainState.PAUSED
        if not self._left_paused:
            # The hypervisor lets a guest go on only when it is done with it.
            self._end(now)

    def _file_checked(self, checked: FileChecked, now: float) -> None:
        before = self._file.found
        if not self._file.check(checked, now, self._successor):
            return
        if self.adrift and checked.found.whole:
            self._end(now)
        elif self.orphaned and (before is None or before.size != checked.found.size):
            self._orphan_news = now
        if self.ended:
            self._file.awaited = False

    def _told(self, event: LifecycleEvent | JobEvent | DumpEvent, now: float) -> None:
        match event:
            case DumpEvent() | JobEvent() if self._interrupted and self.operation is JobOperation.DUMP:
                # It tells of whatever dump was the last: ours may have ended unseen, and another one followed.
                if self.orphaned:
                    self._end(now)
            case DumpEvent(completed=completed, error=error):
                # There is one for each dump: a second one is another dump's.
                if self._dump_event is None and self.operation is JobOperation.DUMP:
                    self._dump_event = event
                    if not completed:
                        self._prove(Evidence.HYPERVISOR, Verdict.FAILED, "QEMU reported that the dump failed.", error)
            case JobEvent() if self.operation is JobOperation.DUMP:
                self._streamed = True
            case JobEvent(stats=stats):
                if (
                    self.operation is JobOperation.BACKUP
                    and stats.success is not None
                    and self._samples.end_with(stats, now)
                ):
                    verdict = backup_verdict(stats)
                    self._prove(Evidence.JOB_EVENT, verdict, f"The job's own event said {verdict}.", stats.errmsg or "")
            case LifecycleEvent(event=kind, detail=detail):
                self._lived(kind, detail, now)

    def _lived(self, kind: Lifecycle, detail: str, now: float) -> None:
        proves = LIFECYCLE_PROOFS.get((self.operation, kind, detail))
        if proves is not None:
            self._prove(Evidence.LIFECYCLE, proves, f"The domain was {kind.name.lower()} ({detail}).")
            self._end(now)
        elif kind is Lifecycle.STOPPED:
            self._stopped(detail, now)
        elif self.operation is JobOperation.DUMP and kind in (Lifecycle.SUSPENDED, Lifecycle.RESUMED):
            # Nobody can resume a domain while it is dumped: its end is near, good or bad; the next sample shows it.
            self._went_on = kind is Lifecycle.RESUMED

    def _stopped(self, detail: str, now: float) -> None:
        reverted = detail == "snapshot" and self.operation is JobOperation.SNAPSHOT_REVERT
        over_before = self.ended and not (self._domain_gone or self._cut_short)
        self._cut_short = not (self._went_on or over_before or detail == "crashed")
        if self._went_on or over_before or reverted or (self._may_be_done(now) and detail != "crashed"):
            self._seen = f"The domain was stopped ({detail}) as the job ended."
        elif detail == "crashed":
            # What a successful dump with --crash does to its domain, but also what a crash does.
            self._seen = "The domain stopped as crashed."
            if self._work_done and self.operation is JobOperation.DUMP and not self._interrupted:
                self._prove(Evidence.LIFECYCLE, Verdict.COMPLETED, "The domain was stopped as the dump asked for.")
        else:
            self._prove(Evidence.LIFECYCLE, Verdict.FAILED, f"The domain was stopped ({detail}) under the job.")
        self._end(now)

    def _may_be_done(self, now: float) -> bool:
        """Whether the hypervisor may have had nothing left to write when its domain stopped."""
        if self._work_done or self._interrupted:
            return True
        # What proves the success of others is told before their domain stops, and a dump's end to whoever hears that.
        told = self.operation is not JobOperation.DUMP or (
            self._dump_events and self.last is not None and self.last.remaining > 0
        )
        return not told and self._samples.may_have_finished(now)

    @property
    def _work_done(self) -> bool:
        """Whether the hypervisor was seen to have nothing left to write."""
        return self._closing or self._streamed or (self._dump_event is not None and self._dump_event.completed)

    def _prove_by_survival(self) -> None:
        if self.operation is JobOperation.MIGRATION_OUT and self._interrupted:
            # A daemon that comes back forgets a migration whose last step it does not know of, and keeps the domain.
            self._seen = "The job was gone when the daemon was back; the other host knows whether the domain went over."
        elif self.operation in (JobOperation.SAVE, JobOperation.MIGRATION_OUT) and not self._cancelled:
            detail = "The job is gone and the domain is still here: it failed, or was aborted."
            self._prove(Evidence.LIFECYCLE, Verdict.FAILED, detail)

    @property
    def _cancelled(self) -> bool:
        told = self._proofs.get(Evidence.STATS)
        return told is not None and told[0] is Verdict.CANCELLED

    def _prove(self, evidence: Evidence, verdict: Verdict, detail: str, error: str = "") -> None:
        self._proofs.setdefault(evidence, (verdict, detail, error))

    def _end(self, now: float) -> None:
        if self._ended_at is None:
            self._ended_at = now

    def _best_proof(self, over: bool, now: float) -> Proof | None:
        file = self._file.checked
        whole = file is not None and bool(file.found.whole) and file.linked
        # QEMU's word that it failed stands against any file. A whole one stands against everything less, but where
        # its domain stopped first, the call failed: libvirt removes only what it made, and not at once.
        failures = [self._proofs.get(evidence) for evidence in (Evidence.HYPERVISOR, Evidence.STATS)]
        if whole and not any(proof and proof[0] is Verdict.FAILED for proof in failures):
            paused = "; without a connection, nobody can say whether its domain was left paused"
            detail = f"Its file is whole{paused if self._disconnected_at is not None else ''}."
            return None if self._cut_short else (Evidence.FILE, Verdict.COMPLETED, detail, "")
        for evidence in Evidence:
            if proof := self._proofs.get(evidence):
                return evidence, *proof
        return self._failed_by_file(over, now)

    def _failed_by_file(self, over: bool, now: float) -> Proof | None:
        file = self._file.checked
        if file is None or self._ended_at is None:
            return None
        # Why a domain is gone its own event says better, if it is given the time.
        told = over or (not self._domain_gone and now - self._ended_at >= _EVENT_LAG)
        # A file that the next dump writes to anew looks the same for a moment: that dump will be seen.
        final = over and self._successor is None and not self._left_paused
        return failed_by_file(file, told, final)

    def _unproven(self) -> Outcome:
        if self._dump_event is not None and self._dump_event.completed:
            seen = "QEMU finished writing; the file was not checked."
            return self._as_outcome(Evidence.HYPERVISOR, Verdict.UNPROVEN, seen, "")
        if self._cut_short and self._file.found is not None and self._file.found.whole:
            self._seen = "Its file is whole, but its domain may have stopped before that was closed."
        return self._as_outcome(Evidence.NONE, Verdict.UNPROVEN, self._seen, "")

    def _as_outcome(self, evidence: Evidence, verdict: Verdict, detail: str, error: str) -> Outcome:
        # The file was seen to be this job's; a record may be one that somebody left behind.
        file, record = self._file.found, self.record
        if file is not None and record is not None and record.path != file.path:
            record = None
        return Outcome(
            domain=self.domain,
            operation=self.operation,
            verdict=verdict,
            evidence=evidence,
            detail=detail,
            error=error,
            path=record.path if record else file.path if file else None,
            format=record.format_name if record else file.format if file else None,
            time_elapsed=self.last.time_elapsed if self.last else 0,
            left_paused=self._left_paused,
        )
