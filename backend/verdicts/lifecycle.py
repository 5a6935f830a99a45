"""What a domain's own fate says of its job, as libvirt 9.0.0 with QEMU 7.2 was seen to report it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from backend.events import Lifecycle, LifecycleEvent
from backend.model import JobOperation, Operation
from backend.outcome import Evidence, Verdict
from backend.verdicts.ledger import Sign

PROOFS: dict[tuple[Operation, Lifecycle, str], Verdict] = {
    (JobOperation.SAVE, Lifecycle.STOPPED, "saved"): Verdict.COMPLETED,
    (JobOperation.MIGRATION_OUT, Lifecycle.STOPPED, "migrated"): Verdict.COMPLETED,
    (JobOperation.MIGRATION_IN, Lifecycle.RESUMED, "migrated"): Verdict.COMPLETED,
    # What ends the migration of a guest that was paused, or is to be; see qemuMigrationDstComplete.
    (JobOperation.MIGRATION_IN, Lifecycle.SUSPENDED, "paused"): Verdict.COMPLETED,
    (JobOperation.MIGRATION_IN, Lifecycle.STOPPED, "failed"): Verdict.FAILED,
}
"""What happened to the domain -> what that proves of its job."""
CRASHED = "crashed"
"""Why a domain stopped: after a successful dump with --crash, or because it crashed."""


@dataclass(slots=True)
class Fate:
    """What became of the domain."""

    gone: bool = False
    """Whether it was not running any more when it was looked at; why, its own event says."""
    stopped: bool = False
    """Whether its stop was reported."""
    resumed: bool = False
    """Whether it ran again: nobody can resume a domain while it is being dumped, so its dump was nearly over."""
    cut_short: bool = False
    """Whether it may have stopped before libvirt was done with the file, however complete that is."""
    left_paused: bool = False
    """Whether the job left it paused."""

    def vanish(self) -> None:
        """It was not running any more when it was looked at, and its job was not known to be over."""
        self.gone = True
        self.cut_short = not self.resumed

    def stop(self, reason: str, job_ended: bool) -> bool:
        """It stopped; whether it had outlived its job. `job_ended`: whether the job is known to be over."""
        outlived = self.resumed or (job_ended and not (self.gone or self.cut_short))
        self.cut_short = not (outlived or reason == CRASHED)
        return outlived


def proof_by_event(event: LifecycleEvent, operation: Operation, now: float) -> Sign | None:
    """What an event proves of a job of that kind."""
    verdict = PROOFS.get((operation, event.event, event.detail))
    if verdict is None:
        return None
    return Sign(now, Evidence.LIFECYCLE, verdict, f"The domain was {event.event.name.lower()} ({event.detail}).")


def signs_of_crash(work_done: bool, now: float) -> Iterator[Sign]:
    """A dump with --crash ends so, but so does a guest that crashes. `work_done`: whether a dump was seen to be."""
    yield Sign(now, Evidence.NONE, Verdict.UNPROVEN, "The domain stopped as crashed.")
    if work_done:
        yield Sign(now, Evidence.LIFECYCLE, Verdict.COMPLETED, "The domain was stopped as the dump asked for.")


def sign_of_stop(reason: str, may_be_done: bool, now: float) -> Sign:
    """`may_be_done`: whether the job may have ended before its domain stopped."""
    if may_be_done:
        return Sign(now, Evidence.NONE, Verdict.UNPROVEN, f"The domain was stopped ({reason}) as the job ended.")
    return Sign(now, Evidence.LIFECYCLE, Verdict.FAILED, f"The domain was stopped ({reason}) under the job.")
