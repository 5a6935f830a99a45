"""What single signs prove of how a job ended, as libvirt 9.0.0 with QEMU 7.2 was seen to give them."""

from __future__ import annotations

from backend.errors import BackendError, OperationFailed
from backend.events import Lifecycle
from backend.model import JobOperation, JobStats
from backend.verdicts.claims import Proof
from backend.verdicts.observations import FileChecked
from backend.verdicts.verdict import Evidence, Verdict

LIFECYCLE_PROOFS = {
    (JobOperation.SAVE, Lifecycle.STOPPED, "saved"): Verdict.COMPLETED,
    (JobOperation.MIGRATION_OUT, Lifecycle.STOPPED, "migrated"): Verdict.COMPLETED,
    (JobOperation.MIGRATION_IN, Lifecycle.RESUMED, "migrated"): Verdict.COMPLETED,
    # What ends the migration of a guest that was paused, or is to be; see qemuMigrationDstComplete.
    (JobOperation.MIGRATION_IN, Lifecycle.SUSPENDED, "paused"): Verdict.COMPLETED,
    (JobOperation.MIGRATION_IN, Lifecycle.STOPPED, "failed"): Verdict.FAILED,
}
"""What happened to the domain -> what that proves of its job."""
_QUERY_FAILED = "dump query failed"
"""What libvirt's jobStats says of a dump that QEMU gave up, until the job ends (qemuDomainGetJobInfoDumpStats)."""
_CANCELED = "Operation canceled"
"""The message of a backup that was aborted: QEMU's for ECANCELED."""


def backup_verdict(stats: JobStats) -> Verdict:
    """What the stats say that a backup leaves with its event; they have `success`."""
    if stats.success:
        return Verdict.COMPLETED
    return Verdict.CANCELLED if stats.errmsg == _CANCELED else Verdict.FAILED


def tells_of_failed_dump(error: BackendError) -> bool:
    """Whether `error`, raised by a look at a domain's job, means that it has a dump that failed and is being ended."""
    return isinstance(error, OperationFailed) and _QUERY_FAILED in error.message


def failed_by_file(file: FileChecked, told: bool, final: bool) -> Proof | None:
    """That a dump failed, if its own file says so: one that was removed, once nothing better will be `told` of the end,
    and one that is still there, once what it is now is `final`."""
    if file.found.whole is not False:
        return None
    if not file.linked and told:
        detail = "Its file was removed unfinished, as after a dump that failed or was aborted."
        return Evidence.FILE, Verdict.FAILED, detail, ""
    if final:
        return Evidence.FILE, Verdict.FAILED, f"Its file is not whole: {file.found.detail}", ""
    return None
