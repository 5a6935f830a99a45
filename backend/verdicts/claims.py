"""A result that the shared record claims, held against what was seen of the job.

Whoever may change a domain can write its shared record, so a claim is believed only where nothing speaks against it.
"""

from __future__ import annotations

from backend.files.dumpfile import DumpFile
from backend.records.record import JobRecord
from backend.verdicts.observations import RecordSeen
from backend.verdicts.verdict import Evidence, Outcome, Verdict

Proof = tuple[Evidence, Verdict, str, str]
"""What is known, how it ended by that, one sentence, the hypervisor's message."""


def weighed(claim: JobRecord, seen: Proof | None, file: DumpFile | None) -> Proof | None:
    """What is known once the claim is, too. `seen` is the best that the job itself proved, `file` its own file."""
    claimed = Outcome.of_record(claim, shared=True)
    if claimed is None or (file is not None and file.path != claim.path):
        return seen  # It claims no result, or that of another dump.
    if claimed.verdict is Verdict.COMPLETED:
        contrary = f"The shared record of {claim.user} claims that it completed."
        if seen is not None and seen[1] is Verdict.FAILED:
            evidence, verdict, detail, error = seen
            return evidence, verdict, f"{detail} {contrary}", error
        if seen is not None and seen[1] is Verdict.CANCELLED:
            return Evidence.SHARED, Verdict.UNPROVEN, f"{contrary} But: {seen[2]}", ""
        if file is not None and file.whole is False:
            return Evidence.SHARED, Verdict.UNPROVEN, f"{contrary} But its file is not whole: {file.detail}", ""
    return Evidence.SHARED, claimed.verdict, claimed.detail, claimed.error


class RecordEvidence:
    """The journal is believed. What stands where others can write is a claim, to be weighed against what was seen."""

    def __init__(self, record: JobRecord | None, shared: bool) -> None:
        """`shared`: the record is known only from where others can write."""
        self.record = record
        self.shared = shared
        self.claim = record if shared and record is not None and record.over else None
        """The result that the shared record claims."""
        self.alive: bool | None = record.runner_alive() if record and not record.over else None
        """Whether the process that holds the result lives; None where nobody can tell."""
        self._claimed_at = float("-inf")
        self._refuted = False
        """Whether the shared record claimed a result while the job still ran."""

    @property
    def outcome(self) -> Outcome | None:
        """The result, if it is known for certain."""
        return Outcome.of_record(self.record) if self.record and not self.shared else None

    @property
    def may_tell(self) -> bool:
        """Whether a result may still come."""
        return self.record is not None and not self.record.over and self.alive is not False

    def hear(self, seen: RecordSeen, now: float) -> None:
        """Take in what the record says now, if it is the same one."""
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
        """The job was still there when it was asked for at `sent`."""
        if self.claim is not None and sent > self._claimed_at:
            self.claim, self._refuted = None, True  # Who writes that a job is over while it runs, is not believed.

    def _believe(self, record: JobRecord, runner_alive: bool | None) -> None:
        # Once its record is over, also by having lost the result, a runner that still lives has nothing more to tell.
        self.record, self.alive = record, False if record.over else runner_alive
