"""What proves the end of an operation other than a dump, as libvirt 9.0.0 with QEMU 7.2 was seen to tell it."""

from __future__ import annotations

from backend.events import Lifecycle
from backend.model import JobOperation, JobStats
from backend.verdict import Verdict

LIFECYCLE_PROOFS = {
    (JobOperation.SAVE, Lifecycle.STOPPED, "saved"): Verdict.COMPLETED,
    (JobOperation.MIGRATION_OUT, Lifecycle.STOPPED, "migrated"): Verdict.COMPLETED,
    (JobOperation.MIGRATION_IN, Lifecycle.RESUMED, "migrated"): Verdict.COMPLETED,
    # What ends the migration of a guest that was paused, or is to be; see qemuMigrationDstComplete.
    (JobOperation.MIGRATION_IN, Lifecycle.SUSPENDED, "paused"): Verdict.COMPLETED,
    (JobOperation.MIGRATION_IN, Lifecycle.STOPPED, "failed"): Verdict.FAILED,
}
"""What happened to the domain -> what that proves of its job."""
_CANCELED = "Operation canceled"
"""The message of a backup that was aborted: QEMU's for ECANCELED."""


def backup_verdict(stats: JobStats) -> Verdict:
    """What the stats say that a backup leaves with its event; they have `success`."""
    if stats.success:
        return Verdict.COMPLETED
    return Verdict.CANCELLED if stats.errmsg == _CANCELED else Verdict.FAILED
