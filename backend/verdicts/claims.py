"""The record of a dump as evidence: the journal is believed, the shared record is a claim.

Anyone who may modify a domain can write its shared record, so a claim counts only if nothing contradicts it.
"""

from __future__ import annotations

from collections.abc import Sequence

from backend.files.dumpfile import DumpFile
from backend.outcome import Evidence, Outcome, Verdict
from backend.records.record import JobRecord, RecordState
from backend.verdicts.ledger import Sign, proof_by, word_of_hypervisor
from backend.verdicts.observations import FileChecked, RecordSeen
from backend.verdicts.recorded import recorded_outcome

NO_ABORT = "Nothing that was seen shows an abort."
"""A dump that failed leaves the same behind as one that was aborted: nothing."""


class RecordEvidence:
    """What is known from the job's record. Times are the caller's monotonic clock, in seconds."""

    def __init__(self, record: JobRecord | None, shared: bool, runner_alive: bool | None) -> None:
        """`shared`: the record is known only from where others can write."""
        self.record = record
        self.shared = shared
        self.claim = record if shared and record is not None and record.over else None
        """The result that the shared record claims."""
        self.alive = runner_alive if record is not None and not record.over else None
        """Whether the process that holds the result is alive; None if that cannot be determined."""
        self._claimed_at = float("-inf")
        self._refuted = False
        """Whether the shared record claimed a result while the job was still running."""

    @property
    def outcome(self) -> Outcome | None:
        """The result, if it is known for certain."""
        return recorded_outcome(self.record) if self.record and not self.shared else None

    @property
    def lost(self) -> bool:
        """Whether this user's own journal says that the result was lost."""
        return self.record is not None and not self.shared and self.record.state == RecordState.LOST

    @property
    def without_runner(self) -> bool:
        """Whether this user has requested the dump, and the process that is to call it has not entered itself yet."""
        return self.record is not None and not self.shared and self.record.state == RecordState.STARTING

    @property
    def pending(self) -> bool:
        """Whether a result may still come."""
        return self.record is not None and not self.record.over and self.alive is not False

    def hear(self, seen: RecordSeen, now: float) -> None:
        """Take in the record's present content, if it is the same record."""
        if self.record is None or seen.record.id != self.record.id:
            return
        if not seen.shared:
            if self.shared or not self.record.over:
                self._believe(seen.record, seen.runner_alive)
                self.shared = False
        elif seen.record.over and not self._refuted:
            if self.claim is None:
                self.claim, self._claimed_at = seen.record, now
        elif self.shared and not self.record.over:
            self._believe(seen.record, seen.runner_alive)

    def contradict(self, sent: float) -> None:
        """The job was still running according to a query sent at `sent`."""
        if self.claim is not None and sent > self._claimed_at:
            # A record that called a running job over is never trusted again.
            self.claim, self._refuted = None, True

    def _believe(self, record: JobRecord, runner_alive: bool | None) -> None:
        # A runner adds nothing once its record is over, even if the runner is alive and the result is lost.
        self.record, self.alive = record, False if record.over else runner_alive


def weigh(
    claim: JobRecord, proof: Sign | None, signs: Sequence[Sign], checked: FileChecked | None, lost: bool, now: float
) -> Sign | None:
    """The best proof once the claim is considered; UNPROVEN, with both sides named, where they contradict each other.

    `proof` is the best of the job itself, `signs` are all that were seen of it, and `checked` is its own file. `lost`:
    this user's own journal says that the result was lost, so nobody else can have it.
    """
    claimed = recorded_outcome(claim, shared=True)
    if claimed is None or (checked is not None and checked.content.path != claim.path):
        return proof  # It claims no result, or that of another dump.
    objection = "This user's own journal says that the result was lost." if lost and proof is None else None
    objection = objection or _objection(claimed.verdict, proof, signs)
    if objection is None:
        objection = objection_by_file(claim, checked.content, checked.linked) if checked else objection_by_file(claim)
    if objection is None and claimed.verdict is Verdict.CANCELLED and not _is_aborted(signs):
        objection = NO_ABORT
    if objection is not None:
        error = claimed.error or (proof.error if proof is not None else "")
        return Sign(now, Evidence.SHARED, Verdict.UNPROVEN, f"{claimed.detail} But: {objection}", error)
    return Sign(now, Evidence.SHARED, claimed.verdict, claimed.detail, claimed.error)


def _objection(claimed: Verdict, proof: Sign | None, signs: Sequence[Sign]) -> str | None:
    """What was seen that contradicts the claim."""
    if proof is not None and proof.verdict is not claimed:
        removed = proof.evidence is Evidence.FILE and proof.verdict is Verdict.FAILED
        if not (removed and claimed is Verdict.CANCELLED):  # libvirt removes the file of an aborted dump, too.
            return proof.detail
    word = word_of_hypervisor(signs)
    if word is not None and word.written and claimed is not Verdict.COMPLETED:
        return word.detail
    return None


def _is_aborted(signs: Sequence[Sign]) -> bool:
    """Whether the job's own stats were seen to say so."""
    stats = proof_by(signs, Evidence.STATS)
    return stats is not None and stats.verdict is Verdict.CANCELLED


def objection_by_file(claim: JobRecord, file: DumpFile | None = None, linked: bool = True) -> str | None:
    """What contradicts a claim about a dump if nothing was seen of it but its `file`, or not even that.

    `linked`: whether the file still has a name; libvirt removes that of a dump that failed, however much is in it.
    """
    state = claim.state
    if state == RecordState.CANCELLED and claim.request.memory_only:
        return "A memory-only dump cannot be aborted."
    if file is not None and file.whole is False and state == RecordState.COMPLETED:
        return f"Its file is not whole: {file.detail}"
    if file is not None and file.whole and linked and state in (RecordState.FAILED, RecordState.CANCELLED):
        return "Its file is whole."
    return None
