"""The job of one disk, from the moment someone attaches to it to its verdict. No I/O here.

libvirt tells how such a job ended, on every connection (BLOCK_JOB_2). Where that was missed, a copy leaves a trace:
from the pivot on, the disk reads and writes its target, whose number libvirt has given to no other copy.

A commit or a pull leaves none that is its own. Another one, begun after this one was aborted, merges the same images,
which keep their numbers, and no job has a number: the chain of the disk then looks as if this one had completed.
"""

from __future__ import annotations

from dataclasses import replace

from backend.errors import BackendError, DomainNotRunning, NoConnection, NoSuchDomain
from backend.events import BlockJobEvent, BlockJobStatus, ConnectionEvent, Lifecycle, LifecycleEvent, Report
from backend.job_stats import JobStats, JobType
from backend.model import BlockOperation, DiskKey, DiskSource
from backend.outcome import Evidence, Outcome, Verdict
from backend.verdicts.ledger import Sign
from backend.verdicts.observations import DiskSeen, Observation, Sampled, SampleFailed
from backend.verdicts.phase import GRACE, RECONNECT_GRACE, Link

_VERDICTS = {
    BlockJobStatus.COMPLETED: Verdict.COMPLETED,
    BlockJobStatus.FAILED: Verdict.FAILED,
    BlockJobStatus.CANCELED: Verdict.CANCELLED,
}


def follows(last: JobStats, stats: JobStats) -> bool:
    """Whether `stats` are those of another job of the disk than `last`, which was seen before."""
    # Before a job is ready, libvirt reports one byte less than all, even if it has reported all before.
    return stats.operation != last.operation or stats.processed < last.processed - 1


class BlockAttachment:
    """Feed it with `observe`; ask for the `outcome` after each observation and when `due` has come.

    Times are the caller's monotonic clock, in seconds.
    """

    def __init__(self, key: DiskKey, operation: BlockOperation, source: DiskSource | None = None) -> None:
        """`source`: what the disk read and wrote while the job was running, where that is known."""
        self.key = key
        self.operation = operation
        self.last: JobStats | None = None
        """The latest sample of this very job."""
        self.sampled_at = 0.0
        """When that was asked for."""
        self.seen_at: float | None = None
        """When it came."""
        self.ready = False
        """Whether it has copied everything, and mirrors what the guest writes."""
        self._source = source
        self._link = Link()
        self._proof: Sign | None = None
        self._remark = "The job was gone when it was next looked at."
        self.ended_at: float | None = None
        """Since when it is known to be over."""
        self._vanished = False
        """Whether it is known to be over because the domain was found stopped."""
        self._doubtful: BlockJobEvent | None = None
        """What was reported while the job was first looked at, if that was the only report so far."""

    @property
    def ended(self) -> bool:
        """Whether this job is known to be over; its verdict may take a little longer."""
        return self.ended_at is not None

    @property
    def due(self) -> float | None:
        """When `outcome` will have an answer without any further observation; None: not before one."""
        if self.ended_at is not None:
            return self.ended_at + GRACE
        return None if self._link.lost_at is None else self._link.lost_at + RECONNECT_GRACE

    def observe(self, observation: Observation, now: float) -> None:
        """Take one observation into account."""
        match observation:
            case Sampled(stats, sent):
                self._take_sample(stats, sent, now)
            case SampleFailed(error):
                self._take_error(error, now)
            case DiskSeen(source):
                self._take_source(source, now)
            case ConnectionEvent(True):
                self._link.lost_at = None
            case ConnectionEvent():
                self._link.lose(now)
            case BlockJobEvent() if observation.domain.uuid == self.key.domain.uuid:
                self._take_event(observation, now)
            case LifecycleEvent(event=Lifecycle.STOPPED) if observation.domain.uuid == self.key.domain.uuid:
                self._take_stop(observation.detail, now)

    def doubt(self, report: Report, now: float) -> None:
        """This came while the job was first looked at: it is about this one or about the one before it."""
        match report:
            case BlockJobEvent() if self._tells_of_end(report):
                self._doubtful = report
            case LifecycleEvent():
                self.observe(report, now)

    def outcome(self, now: float) -> Outcome | None:
        """The verdict, once there is one. NoConnection when the connection stays away with no end in sight."""
        proof = self._proof
        if proof is None:
            if self.due is None or now < self.due:
                return None
            if not self.ended:
                raise NoConnection(f"no connection for {RECONNECT_GRACE:.0f} s; the job goes on, attach again later")
            proof = self._proof_by_only_report(now) or Sign(now, Evidence.NONE, Verdict.UNPROVEN, self._remark)
        return Outcome(
            domain=self.key.domain,
            operation=self.operation,
            verdict=proof.verdict,
            evidence=proof.evidence,
            detail=proof.detail,
            disk=self.key.disk,
            bytes=self.last.total if self.last is not None and proof.verdict is Verdict.COMPLETED else None,
        )

    def _take_sample(self, stats: JobStats | None, sent: float, now: float) -> None:
        self._link.lost_at = None
        if self.ended:
            return
        if stats is None or stats.type == JobType.NONE:
            self._end(now)
        elif stats.operation != self.operation or self._is_other(stats):
            self._remark = "Another job of the disk had followed when it was next looked at."
            self._doubtful = None
            self._end(now)
        else:
            self._link.gap = False
            self._doubtful = None  # It went on after that report.
            self.ready = self.ready or stats.ready is True
            # libvirt tells it in two ways, and one of them may come late.
            self.sampled_at, self.seen_at = sent, now
            self.last = replace(stats, ready=self.ready) if self.operation.becomes_ready else stats

    def _is_other(self, stats: JobStats) -> bool:
        """Whether these are the stats of a job that followed this one while nobody looked."""
        return self.last is not None and (
            follows(self.last, stats) or (self._link.gap and self.ready and stats.ready is False)
        )

    def _take_event(self, event: BlockJobEvent, now: float) -> None:
        if event.disk != self.key.disk or event.operation != self.operation or self._proof is not None:
            return
        if self._link.gap:
            return  # The disk may have another job by now: the next look will show that.
        if event.status == BlockJobStatus.READY:
            self.ready = True
            if self.last is not None:
                self.last = replace(self.last, ready=True)
        elif self._tells_of_end(event):
            self._prove(self._sign_of_end(event, now), now)

    def _tells_of_end(self, event: BlockJobEvent) -> bool:
        """Whether it is the report on the end of such a job of the disk."""
        return event.disk == self.key.disk and event.operation == self.operation and event.status in _VERDICTS

    def _sign_of_end(self, event: BlockJobEvent, now: float) -> Sign:
        verdict = _VERDICTS[BlockJobStatus(event.status)]
        detail = f"The job's own event said {verdict}."
        if verdict is Verdict.CANCELLED and self.ready:
            detail += " Its copy was whole at that moment; the disk stays on its old image."
        return Sign(now, Evidence.JOB_EVENT, verdict, detail)

    def _proof_by_only_report(self, now: float) -> Sign | None:
        """The doubtful report must be about this job: each leaves one, unless it or the connection is cut."""
        cut = self._link.gap or self._vanished
        return self._sign_of_end(self._doubtful, now) if self._doubtful is not None and not cut else None

    def _take_stop(self, reason: str, now: float) -> None:
        self._doubtful = None
        if self._proof is not None:
            return
        if self._link.gap or (self.ended and not self._vanished):
            self._remark = f"The domain was stopped ({reason}), and the job may have ended before."
            self._end(now)
        else:
            detail = f"The domain was stopped ({reason}) under the job."
            self._prove(Sign(now, Evidence.LIFECYCLE, Verdict.FAILED, detail), now)

    def _take_error(self, error: BackendError, now: float) -> None:
        match error:
            case NoConnection():
                self._link.lose(now)
            case NoSuchDomain() | DomainNotRunning() if not self.ended:
                # Why, its own event says, if that is given the time.
                self._remark = "The domain was not running any more when it was next looked at."
                self._vanished = True
                self._end(now)

    def _take_source(self, source: DiskSource | None, now: float) -> None:
        """The disk was looked at after its job was gone."""
        before = self._source
        if not self.ended or self._proof is not None or source is None or before is None:
            return
        # Another job may have gone to the same place in the meantime: its number tells copies apart, but no commits.
        if source.index is not None and source.index == before.mirror_index:
            if self.operation != BlockOperation.COPY:
                self._remark = f"The disk reads and writes {source.source} now, which another commit may have led to."
                return
            detail = f"The disk reads and writes {source.source} since then."
            self._prove(Sign(now, Evidence.DISK, Verdict.COMPLETED, detail), now)
        elif source.index is not None and source.index == before.index:
            self._remark = f"The disk is still on {source.source}: the job was aborted, or it failed."

    def _prove(self, sign: Sign, now: float) -> None:
        self._proof = sign
        self._end(now)

    def _end(self, now: float) -> None:
        if self.ended_at is None:
            self.ended_at = now
