"""The record of a dump, and the process that writes it, as witnesses of how it ends."""

from __future__ import annotations

from backend.observations import RecordSeen
from backend.record import JobRecord
from backend.verdict import Outcome


class Witness:
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
