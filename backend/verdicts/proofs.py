"""What single signs prove of how a job ended, and which of several proofs is the best."""

from __future__ import annotations

from collections.abc import Sequence

from backend.errors import BackendError, OperationFailed
from backend.events import DumpEvent
from backend.job_stats import JobStats, JobType
from backend.model import JobOperation, Operation
from backend.outcome import Evidence, Verdict
from backend.verdicts.ledger import Sign, proof_by, proof_by_signs

_OPERATION_FAILED = 9
"""VIR_ERR_OPERATION_FAILED: what jobStats raises about a dump that QEMU gave up, until the job ends
(qemuDomainGetJobInfoDumpStats). Its message is in the daemon's language."""


def sign_of_stats(stats: JobStats, now: float) -> Sign | None:
    """What the stats of a job that is still listed say of its end."""
    if stats.closing:
        detail = "The hypervisor had finished and was closing the file when it was last looked at."
        return Sign(now, Evidence.NONE, Verdict.UNPROVEN, detail, written=True)
    if stats.type == JobType.FAILED:
        return Sign(now, Evidence.STATS, Verdict.FAILED, "The job's own stats said failed.", stats.errmsg or "")
    if stats.type == JobType.CANCELLED:
        return Sign(now, Evidence.STATS, Verdict.CANCELLED, "The job's own stats said cancelled.")
    return None


def sign_of_failed_query(error: BackendError, now: float) -> Sign:
    """What an error that `tells_of_failed_dump` proves."""
    detail = "The hypervisor reported that the dump failed."
    return Sign(now, Evidence.STATS, Verdict.FAILED, detail, error.message)


def sign_of_dump_event(event: DumpEvent, now: float) -> Sign:
    """QEMU's own word: that a dump failed is a proof, that it was written is none, since the file is not closed yet."""
    if event.completed:
        detail = "QEMU finished writing; the file was not checked."
        return Sign(now, Evidence.HYPERVISOR, Verdict.UNPROVEN, detail, written=True)
    return Sign(now, Evidence.HYPERVISOR, Verdict.FAILED, "QEMU reported that the dump failed.", event.error)


def sign_of_stream(now: float) -> Sign:
    """What the event at the end of a raw dump says: libvirt fires it for a failed one, too."""
    return Sign(now, Evidence.JOB_EVENT, Verdict.UNPROVEN, "The memory was written.", written=True)


def sign_of_backup(stats: JobStats, now: float) -> Sign:
    """What the stats that a backup leaves with its event prove; they have `success`.

    libvirt reports every pull backup that ends as a success, usually together with an error: the one that its client
    ends when it has read everything, the one that somebody aborts, and the one whose scratch disk was full.
    """
    error = stats.errmsg or ""
    if stats.success and (error or stats.pull_backup):
        said = f"success and an error ({error})" if error else "success"
        detail = f"The job's own event said {said}: only the backup's client knows what was read."
        return Sign(now, Evidence.NONE, Verdict.UNPROVEN, detail, error)
    failure = Verdict.CANCELLED if stats.type == JobType.CANCELLED else Verdict.FAILED
    verdict = Verdict.COMPLETED if stats.success else failure
    return Sign(now, Evidence.JOB_EVENT, verdict, f"The job's own event said {verdict}.", error)


def sign_of_survival(operation: Operation, gap: bool, signs: Sequence[Sign], now: float) -> Sign | None:
    """What it proves that the job is gone and the domain still here. `gap`: whether the end may have been missed."""
    if operation == JobOperation.MIGRATION_OUT and gap:
        # A daemon that comes back forgets a migration whose last step it does not know of, and keeps the domain.
        detail = "The job was gone when the daemon was back; the other host knows whether the domain went over."
        return Sign(now, Evidence.NONE, Verdict.UNPROVEN, detail)
    if operation not in (JobOperation.SAVE, JobOperation.MIGRATION_OUT):
        return None
    stats = proof_by(signs, Evidence.STATS)
    if stats is not None and stats.verdict is Verdict.CANCELLED:
        return None
    detail = "The job is gone and the domain is still here: it failed, or was aborted."
    return Sign(now, Evidence.LIFECYCLE, Verdict.FAILED, detail)


def best_proof(signs: Sequence[Sign], complete_file: Sign | None, cut_short: bool) -> Sign | None:
    """The best proof among the signs and a file that is complete, if it is.

    The hypervisor's word that the dump failed, or was aborted, stands against any file. A complete file stands against
    everything less; but where its domain may have stopped first, the call failed: libvirt removes only files that it
    created, and not at once.
    """
    if complete_file is not None:
        words = (proof_by(signs, evidence) for evidence in (Evidence.HYPERVISOR, Evidence.STATS))
        if not any(word is not None and word.verdict in (Verdict.FAILED, Verdict.CANCELLED) for word in words):
            return None if cut_short else complete_file
    return proof_by_signs(signs)


def tells_of_failed_dump(error: BackendError) -> bool:
    """Whether `error`, raised by a look at a domain's job, means that it has a dump that failed and is being ended."""
    return isinstance(error, OperationFailed) and error.code == _OPERATION_FAILED
