"""The record of a dump as evidence: the journal is believed, the shared record is a claim.

Whoever may change a domain can write its shared record, so a claim is believed only where nothing speaks against it.
"""

from __future__ import annotations

from dataclasses import replace

from backend.files.dumpfile import DumpFile
from backend.records.record import JobRecord
from backend.verdicts.ledger import Sign
from backend.verdicts.observations import RecordSeen
from backend.verdicts.verdict import Evidence, Outcome, Verdict


class RecordEvidence:
    """What is known from the job's record. Times are the caller's monotonic clock, in seconds."""

    def __init__(self, record: JobRecord | None, shared: bool, runner_alive: bool | None) -> None:
        """`shared`: the record is known only from where others can write."""
        self.record = record
        self.shared = shared
        self.claim = record if shared and record is not None and record.over else None
        """The result that the shared record claims."""
        self.alive = runner_alive if record is not None and not record.over else None
        """Whether the process that holds the result lives; None where nobody can tell."""
        self._claimed_at = float("-inf")
        self._refuted = False
        """Whether the shared record claimed a result while the job was still running."""

    @property
    def outcome(self) -> Outcome | None:
        """The result, if it is known for certain."""
        return Outcome.of_record(self.record) if self.record and not self.shared else None

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
        """The job was still running when it was asked about at `sent`."""
        if self.claim is not None and sent > self._claimed_at:
            # Whoever writes that a job is over while it is running is not believed again.
            self.claim, self._refuted = None, True

    def _believe(self, record: JobRecord, runner_alive: bool | None) -> None:
        # Once its record is over, even by having lost the result, a runner that is still alive has nothing to add.
        self.record, self.alive = record, False if record.over else runner_alive


def weigh(claim: JobRecord, proof: Sign | None, file: DumpFile | None, now: float) -> Sign | None:
    """The best proof once the claim is considered. `proof` is the best of the job itself, `file` its own file."""
    claimed = Outcome.of_record(claim, shared=True)
    if claimed is None or (file is not None and file.path != claim.path):
        return proof  # It claims no result, or that of another dump.
    if claimed.verdict is Verdict.COMPLETED:
        words = f"The shared record of {claim.user} claims that it completed."
        if proof is not None and proof.verdict is Verdict.FAILED:
            return replace(proof, detail=f"{proof.detail} {words}")
        if proof is not None and proof.verdict is Verdict.CANCELLED:
            return Sign(now, Evidence.SHARED, Verdict.UNPROVEN, f"{words} But: {proof.detail}")
        if file is not None and file.whole is False:
            return Sign(now, Evidence.SHARED, Verdict.UNPROVEN, f"{words} But its file is not whole: {file.detail}")
    return Sign(now, Evidence.SHARED, claimed.verdict, claimed.detail, claimed.error)
