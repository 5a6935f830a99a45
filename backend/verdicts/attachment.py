"""One job, from the moment someone attaches to it to its verdict.

No I/O here: observations and the caller's monotonic clock come in, an Outcome comes out. What counts as a proof is what
libvirt and QEMU were seen to guarantee; a job that is merely gone proves nothing. This module moves an attachment from
phase to phase and enters what it sees into the ledger; the rules themselves are in the modules beside it.
"""

from __future__ import annotations

from dataclasses import replace

from backend.dump_request import AutomaticDump, DumpFlags
from backend.errors import BackendError, DomainNotRunning, NoConnection, NoSuchDomain
from backend.events import (
    ClaimsEvent,
    ConnectionEvent,
    DumpEvent,
    JobEvent,
    Lifecycle,
    LifecycleEvent,
    RecordEvent,
    Report,
)
from backend.job_stats import JobStats, JobType, Postcopy
from backend.model import Domain, DomainKey, DomainState, JobOperation, Operation
from backend.outcome import Evidence, Outcome, Verdict
from backend.records.record import JobRecord
from backend.text import clean
from backend.verdicts import lifecycle, migrations, proofs
from backend.verdicts.claims import RecordEvidence, weigh
from backend.verdicts.held_file import HeldFile, complete_file, incomplete_file
from backend.verdicts.ledger import (
    Ledger,
    Sign,
    all_written,
    dump_reported,
    last_remark,
    stream_reported,
    word_of_hypervisor,
)
from backend.verdicts.observations import (
    FileChecked,
    FileHeld,
    FileUnreadable,
    Observation,
    RecordSeen,
    RequesterSeen,
    Sampled,
    SampleFailed,
    StateSeen,
)
from backend.verdicts.phase import (
    EVENT_LAG,
    RECONNECT_GRACE,
    RUNNER_GRACE,
    Broken,
    Closing,
    Ended,
    Link,
    Orphaned,
    Phase,
    Running,
    Starting,
    Succeeded,
    deadline,
)
from backend.verdicts.recorded import requester
from backend.verdicts.samples import Samples, began


class Attachment:
    """Feed it with `observe`; ask for the `outcome` after each observation and when `due` has come."""

    def __init__(
        self,
        domain: DomainKey,
        operation: Operation,
        record: JobRecord | None,
        shared: bool = False,
        dump_events: bool = False,
        *,
        presumed: bool = False,
        runner_alive: bool | None = None,
    ) -> None:
        """`shared`: the record is known only from where others can write.

        `dump_events`: the connection receives the hypervisor's own report of a dump's end.
        `presumed`: the record was only matched to the job by its time, and may be another dump's.
        `runner_alive`: whether the process that holds the record's result lives; None where nobody can tell.
        """
        self.domain = domain
        self.operation = operation
        self._record = RecordEvidence(record, shared, runner_alive)
        self._dump_events = dump_events
        self._presumed = presumed
        trusted = None if shared or presumed else record
        self._raw = trusted is not None and DumpFlags.MEMORY_ONLY not in trusted.flags
        """Whether this user's own journal says that it is a raw dump, which has no DumpEvent."""
        self._attached_at = float("inf")
        self._uncertain = False
        """Whether the job that was seen may be another one than the record's."""
        self._phase: Phase = Starting()
        self._link = Link()
        self._samples = Samples()
        self._fate = lifecycle.Fate()
        self._file = HeldFile()
        self._ledger = Ledger()
        self._automatic: AutomaticDump | None = None
        """What is known of it if the hypervisor itself began it, which proves nothing of its end."""
        self._final: JobStats | None = None
        """The stats that a migration out left with its event."""
        self._doubtful: JobStats | None = None
        """Those of a report that came while the job was first looked at, if it was the only one so far."""

    @property
    def record(self) -> JobRecord | None:
        """The job's record, as last read, if it has one."""
        return self._record.record

    @property
    def shared(self) -> bool:
        """Whether the record is known only from where others can write."""
        return self._record.shared

    @property
    def unchecked_claim(self) -> JobRecord | None:
        """The result that the shared record claims, where the job's own file was not seen."""
        return self._record.claim if self._file.checked is None else None

    @property
    def last(self) -> JobStats | None:
        """The latest sample of this very job."""
        return self._samples.last

    @property
    def seen_at(self) -> float | None:
        """When the job was last seen to be there (the caller's monotonic clock, seconds)."""
        return self._samples.seen_at

    @property
    def sampled_at(self) -> float:
        """When that was asked for; the caller's clock."""
        return self._samples.sent

    @property
    def ended(self) -> bool:
        """Whether this job is known to be over; its verdict may take a little longer."""
        return isinstance(self._phase, Ended)

    @property
    def ended_at(self) -> float | None:
        """Since when it is known to be over."""
        return self._phase.at if isinstance(self._phase, Ended) else None

    @property
    def closing(self) -> bool:
        """Whether the hypervisor has finished and is closing the file."""
        return isinstance(self._phase, Closing)

    @property
    def orphaned(self) -> bool:
        """Whether its daemon died and came back without the job, while the hypervisor may still be working on it."""
        return isinstance(self._phase, Orphaned)

    @property
    def adrift(self) -> bool:
        """Whether its file is the only source left, because nothing else reports on it."""
        return self.ended or self.orphaned or self._link.lost_at is not None

    @property
    def due(self) -> float | None:
        """When `outcome` will have an answer without any further observation; None: not before one."""
        stop_awaited = self._fate.gone and not self._fate.stopped
        due = deadline(self._phase, self._link, self._record, self._file.awaited, stop_awaited)
        if isinstance(self._phase, Ended) and migrations.completed(self.operation, self._ledger.signs):
            return self._phase.at + EVENT_LAG
        return due

    def observe(self, observation: Observation, now: float) -> None:
        """Take one observation into account; `now` is the caller's monotonic clock in seconds."""
        self._attached_at = min(self._attached_at, now)
        match observation:
            case Sampled(stats, sent):
                self._take_sample(stats, sent, now)
            case SampleFailed(error):
                self._take_error(error, now)
            case RecordSeen():
                self._record.hear(observation, now)
            case StateSeen(domain):
                self._take_state(domain, now)
            case RequesterSeen(dump):
                self._automatic = self._automatic if self.ended else dump
            case FileHeld():
                self._file.hold(observation, self._samples)
            case FileChecked():
                self._take_file(observation, now)
            case FileUnreadable(reason):
                self._file.fail(reason, now)
            case ConnectionEvent(connected):
                if connected:
                    self._link.lost_at = None
                else:
                    self._link.lose(now)
            case RecordEvent() | ClaimsEvent():
                pass  # The former is a hint to read the record, which then comes as RecordSeen.
            case LifecycleEvent() | JobEvent() | DumpEvent():
                if observation.domain.uuid == self.domain.uuid and not isinstance(self._phase, Succeeded):
                    self._take_event(observation, now)

    def doubt(self, report: Report, now: float) -> None:
        """This came while the job was first looked at: it is about this one or about the one before it."""
        match report:
            case JobEvent(stats=stats):
                self._doubtful = stats
            case LifecycleEvent(event=Lifecycle.RESUMED) if self.operation == JobOperation.DUMP:
                pass  # The dump before it may have ended so.
            case LifecycleEvent():
                self.observe(report, now)

    def outcome(self, now: float) -> Outcome | None:
        """The verdict, once there is one. NoConnection when the connection stays away with no end in sight."""
        if (recorded := self._record.outcome) is not None:
            return recorded
        over = self.due is not None and now >= self.due
        if self.orphaned and over:
            self._remark("Its daemon died, and nothing was heard of it since.", now)
            self._end(now)
        elif isinstance(self._phase, Broken) and over:
            self._ledger.add(migrations.sign_of_failed_postcopy(now))
            self._end(now)
        elif not self.ended:
            if over:
                raise NoConnection(f"no connection for {RECONNECT_GRACE:.0f} s; the job goes on, attach again later")
            return None
        claim = self._record.claim
        if not over and (self._record.pending or self._file.awaited or claim is not None):
            return None
        proof = self._best_proof(over, now)
        if not over and self._final is None and migrations.completed(self.operation, self._ledger.signs):
            return None  # Its last downtime is told right after its end.
        if claim is not None and not self._file.foreign:
            proof = weigh(claim, proof, self._ledger.signs, self._file.checked, self._record.lost, now)
        if proof is None and over:
            proof = self._nothing_proved(now)
        return self._outcome_by(proof) if proof is not None else None

    # What is observed moves the attachment from phase to phase.

    def _take_sample(self, stats: JobStats | None, sent: float, now: float) -> None:
        self._link.lost_at = None
        if stats is None or stats.type == JobType.NONE:
            self._miss_job(now)
        elif isinstance(self._phase, Ended) and sent <= self._phase.at:
            return  # The question is older than the end: most likely these are this very job's stats.
        elif self.ended or stats.operation != self.operation or self._is_other(stats, sent, now):
            self._succeed(self._samples.successor_began(stats, sent), now)
        else:
            self._record.contradict(sent)
            if self.last is None:
                # After a gap this may be the next job: how old it seems depends on the hypervisor's clock.
                self._uncertain = self._link.gap and self.record is not None and not self._record.alive
            self._link.gap = self._uncertain
            self._doubtful = None  # It went on after that report.
            self._samples.take(stats, sent, now)
            self._file.recognize(self._samples)
            self._phase = self._phase_by(stats, now)
            if (sign := proofs.sign_of_stats(stats, now)) is not None:
                self._ledger.add(sign)

    def _phase_by(self, stats: JobStats, now: float) -> Phase:
        if stats.postcopy is Postcopy.FAILED:
            return self._phase if isinstance(self._phase, Broken) else Broken(now)
        return Closing() if stats.closing else Running()

    def _miss_job(self, now: float) -> None:
        """It was looked for, and the domain has no job."""
        if self._may_be_starting(now):
            return
        if self._link.gap and self.operation == JobOperation.DUMP and not self.ended:
            if not self.orphaned:
                self._phase = Orphaned(now)
            return
        self._end(now)
        self._prove_by_survival(now)

    def _may_be_starting(self, now: float) -> bool:
        """Before its job is seen, a dump whose runner lives is only starting.

        So it is for a while where its runner may not have begun yet, and where others claim that it lives.
        """
        if not isinstance(self._phase, Starting) or not (self._record.alive or self._record.without_runner):
            return False
        missed = now if self._phase.missed is None else self._phase.missed
        self._phase = Starting(missed)
        certain = self._record.alive and not self._record.shared
        return certain or now - missed < RUNNER_GRACE

    def _is_other(self, stats: JobStats, sent: float, now: float) -> bool:
        """Whether these are the stats of a job that followed this one."""
        if self.operation == JobOperation.MIGRATION_IN:
            return False  # No run of a domain has two of these, and libvirt does not report how far one is.
        if self.last is None:
            # This one may have come and gone while the connection was away.
            return self._link.gap and not self._record.alive and began(stats, sent) > self._attached_at
        # A job that was gone does not come back.
        return self.orphaned or not self._samples.follow_on(stats, sent, now)

    def _succeed(self, began: float, now: float) -> None:
        """Another job was seen that followed this one."""
        self._phase = Succeeded(self._end(now), began)
        self._file.disown(began)
        self._prove_by_survival(now)

    def _take_error(self, error: BackendError, now: float) -> None:
        match error:
            case NoSuchDomain() | DomainNotRunning():
                if not self.ended:
                    self._fate.vanish()
                    self._remark("The domain was not running any more when it was next looked at.", now)
                    self._end(now)
            case NoConnection():
                self._link.lose(now)
            case _ if proofs.tells_of_failed_dump(error) and not (self.ended or self._link.gap):
                self._ledger.add(proofs.sign_of_failed_query(error, now))

    def _take_state(self, domain: Domain, now: float) -> None:
        if not self.orphaned:
            return
        self._fate.left_paused = domain.state == DomainState.PAUSED
        if not self._fate.left_paused:
            # The hypervisor lets a guest run again only when its dump is over.
            self._end(now)

    def _take_file(self, checked: FileChecked, now: float) -> None:
        record = self.record
        if record is not None and not self._presumed and clean(record.path) != checked.content.path:
            self._file.discard()  # The domain was being dumped to it, but by another dump than the record's.
            return
        if self.ended_at is not None and checked.linked and checked.asked < self.ended_at:
            return  # It was looked at before: libvirt removes the file of a dump that failed just before the job ends.
        before = self._file.content
        if not self._file.check(checked, now, self._phase.began if isinstance(self._phase, Succeeded) else None):
            return
        # While there is no connection, a raw dump may still be ended by an abort, whole as it is.
        over = self.ended or self.orphaned or (self._link.lost_at is not None and not checked.content.is_stream)
        if over and checked.content.whole:
            self._end(now, by_file=True)
        elif self.orphaned and (before is None or before.size != checked.content.size):
            self._phase = Orphaned(now)
        if self.ended:
            self._file.awaited = False

    def _take_event(self, event: LifecycleEvent | JobEvent | DumpEvent, now: float) -> None:
        is_dump = self.operation == JobOperation.DUMP
        if not isinstance(event, LifecycleEvent):
            self._doubtful = None  # Its own end is reported just once.
        match event:
            case DumpEvent() | JobEvent() if is_dump and self._link.gap:
                # It is about whatever dump came last: this one may have ended unseen, and another one followed.
                if self.orphaned:
                    self._end(now)
            case DumpEvent():
                # There is one for each memory-only dump: a second one is about another dump, as is one after the end
                # of a raw dump, which may be known by nothing else.
                if is_dump and not self._raw and not dump_reported(self._ledger.signs):
                    self._ledger.add(proofs.sign_of_dump_event(event, now))
            case JobEvent() if is_dump:
                self._ledger.add(proofs.sign_of_stream(now))
            case JobEvent(stats=stats) if stats.operation == self.operation == JobOperation.MIGRATION_OUT:
                if self._samples.end_with(stats, now):
                    self._final = stats
            case JobEvent(stats=stats):
                is_backup = self.operation == JobOperation.BACKUP and stats.success is not None
                if is_backup and self._samples.end_with(stats, now):
                    self._ledger.add(proofs.sign_of_backup(stats, now))
            case LifecycleEvent():
                self._take_lifecycle(event, now)

    def _take_lifecycle(self, event: LifecycleEvent, now: float) -> None:
        self._fate.stopped |= event.event is Lifecycle.STOPPED
        if (proof := lifecycle.proof_by_event(event, self.operation, now)) is not None:
            self._ledger.add(proof)
            self._end(now)
        elif event.event is Lifecycle.STOPPED:
            self._take_stop(event.detail, now)
        elif self.operation == JobOperation.DUMP and event.event in (Lifecycle.SUSPENDED, Lifecycle.RESUMED):
            self._fate.resumed = event.event is Lifecycle.RESUMED

    def _take_stop(self, reason: str, now: float) -> None:
        reverted = reason == "snapshot" and self.operation == JobOperation.SNAPSHOT_REVERT
        crashed = reason == lifecycle.CRASHED
        outlived = self._fate.stop(reason, self.ended)
        if crashed and not outlived:
            is_dump = self.operation == JobOperation.DUMP and not self._link.gap
            for sign in lifecycle.signs_of_crash(is_dump and all_written(self._ledger.signs), now):
                self._ledger.add(sign)
        else:
            may_be_done = outlived or reverted or self._may_be_done(now)
            self._ledger.add(lifecycle.sign_of_stop(reason, may_be_done, now))
        self._end(now)

    def _may_be_done(self, now: float) -> bool:
        """Whether the hypervisor may have had nothing left to write when its domain stopped."""
        if all_written(self._ledger.signs) or self._link.gap:
            return True
        # The success of other jobs is reported before their domain stops, and so is a dump's end, where it is reported.
        reported = self.operation != JobOperation.DUMP or (
            self._dump_events and self.last is not None and self.last.remaining > 0
        )
        return not reported and self._samples.may_have_finished(now)

    def _end(self, now: float, by_file: bool = False) -> float:
        """It is over; since when."""
        if isinstance(self._phase, Ended):
            return self._phase.at
        self._phase = Ended(now)
        if not by_file:
            self._file.job_ended()
        return now

    # The ledger, the file and the record decide.

    def _prove_by_survival(self, now: float) -> None:
        sign = proofs.sign_of_survival(self.operation, self._link.gap, self._ledger.signs, now)
        if sign is not None:
            self._ledger.add(sign)

    def _remark(self, detail: str, now: float) -> None:
        self._ledger.add(Sign(now, Evidence.NONE, Verdict.UNPROVEN, detail))

    def _best_proof(self, over: bool, now: float) -> Sign | None:
        file = complete_file(self._link.lost_at is None, now) if self._file.complete and not self._aborted else None
        proof = proofs.best_proof(self._ledger.signs, file, self._fate.cut_short)
        if proof is not None or self._file.complete:
            return proof
        return self._proof_by_incomplete_file(over, now)

    @property
    def _aborted(self) -> bool:
        """Whether the file may be that of an aborted dump, although it is whole; no abort is reported as written."""
        return self._file.is_stream_of_before(self._samples) and not stream_reported(self._ledger.signs)

    def _proof_by_incomplete_file(self, over: bool, now: float) -> Sign | None:
        checked = self._file.final
        if checked is None or not isinstance(self._phase, Ended):
            return None
        # Why a domain is gone is better explained by its own event, if that is given the time.
        last_word = over or (not self._fate.gone and now - self._phase.at >= EVENT_LAG)
        # A file that the next dump overwrites looks the same for a moment: that dump will be seen.
        final = over and not isinstance(self._phase, Succeeded) and not self._fate.left_paused
        return incomplete_file(checked, last_word=last_word, final=final, now=now)

    def _proof_by_only_report(self, now: float) -> Sign | None:
        """What the doubtful report proves, if it must be about this job: each backup leaves one, unless it or the
        connection is cut (qemuBackupJobTerminate)."""
        stats = self._doubtful
        if stats is None or stats.operation != self.operation or self.operation != JobOperation.BACKUP:
            return None
        cut = self._link.gap or self._fate.gone or self._fate.stopped or isinstance(self._phase, Succeeded)
        return proofs.sign_of_backup(stats, now) if stats.success and not cut else None

    def _nothing_proved(self, now: float) -> Sign:
        if (only := self._proof_by_only_report(now)) is not None:
            return only
        word = word_of_hypervisor(self._ledger.signs)
        if word is not None and not word.proves:
            return replace(word, detail=f"{word.detail} {self._file.silence}".rstrip())
        remark = last_remark(self._ledger.signs)
        detail = remark.detail if remark else "The job was gone when it was next looked at."
        error = remark.error if remark else ""
        if self._fate.cut_short and self._file.content is not None and self._file.content.whole:
            detail = "Its file is whole, but its domain may have stopped before that was closed."
        elif self._file.complete and self._aborted:
            detail = "Its file is whole, but may have been there before, and then an abort would not have removed it."
        elif self._file.silence:
            detail = self._file.silence
        return Sign(now, Evidence.NONE, Verdict.UNPROVEN, detail, error)

    def _outcome_by(self, proof: Sign) -> Outcome:
        # The file was seen to be this job's; a record may be one that somebody left behind.
        file, record = self._file.content, self.record
        if file is not None and record is not None and record.path != file.path:
            record = None
        # A path that others wrote is not told of a job that nothing connects with it.
        if file is None and self._record.shared and (self._record.claim is None or not proof.proves):
            record = None
        automatic = self._automatic
        if automatic is not None and file is not None and automatic.path not in (None, file.path):
            automatic = None
        latest = self._final or self.last
        by = requester(record, self._record.shared) if record else automatic.requester if automatic else ""
        return Outcome(
            domain=self.domain,
            operation=self.operation,
            verdict=proof.verdict,
            evidence=proof.evidence,
            detail=proof.detail,
            error=proof.error,
            path=record.path if record else file.path if file else None,
            format=record.format_name if record else file.format if file else None,
            time_elapsed=latest.time_elapsed if latest else 0,
            left_paused=self._fate.left_paused,
            downtime=self._final.downtime if self._final and proof.verdict is Verdict.COMPLETED else None,
            requester=by,
            bytes=file.size if file else self._final.processed if self._final else None,
        )
