"""What aborting a job means, for the user who is about to do it."""

from __future__ import annotations

from collections.abc import Sequence

from backend.job_stats import JobStats, Postcopy
from backend.model import BlockOperation
from tui.words.job_names import name_of

Job = tuple[str, JobStats | None]
"""The name of a domain, with that of the disk if the job is of one, and the latest stats of the job."""
RECOVERY = "virsh migrate --postcopy --postcopy-resume"
"""How a migration is recovered whose post-copy was cut."""
_MIRRORED = "The copy is complete as of that moment; the guest stays on its present image."
_BLOCK = {
    BlockOperation.COPY: "The copy is incomplete, and of no use; the guest stays on its present image.",
    BlockOperation.PULL: "The image keeps what was pulled so far, and still needs those below it. No data are lost.",
    BlockOperation.COMMIT: "The images are not merged. No data are lost.",
    BlockOperation.ACTIVE_COMMIT: "The images are not merged; the guest stays on its present one. No data are lost.",
}


def question(domain: str, stats: JobStats | None) -> str:
    """Whether to abort the domain's job, and what is lost with it."""
    preposition = "on" if stats is not None and stats.disk else "of"
    return f"Abort {job(stats)} {preposition} {domain}?\n{consequence(stats) or 'Its progress will be lost.'}"


def question_about_several(jobs: Sequence[Job], skipped: Sequence[tuple[str, str]], queued: Sequence[str] = ()) -> str:
    """Whether to abort several jobs; `skipped`: the names of others, and why theirs cannot be aborted.

    `queued`: the names of those whose dumps have not started.
    """
    lines = [f"Abort the jobs of {', '.join(domain for domain, _ in jobs)}?", "Their progress will be lost."]
    lines += [f"{domain}: {meaning}" for domain, stats in jobs if (meaning := consequence(stats))]
    if queued:
        lines.append(f"Cancels the queued dumps of {', '.join(queued)}.")
    return "\n".join([*lines, *(f"Skipped {domain}: {reason}" for domain, reason in skipped)])


def job(stats: JobStats | None) -> str:
    """What is aborted: ``the push backup``, ``the block copy of vda``."""
    return f"the {name_of(stats)}" if stats is not None else "the job"


def postcopy_interrupted() -> str:
    """What an abort of a migration in its post-copy phase has led to."""
    return f"both sides stay paused until the migration is resumed: {RECOVERY} …"


def consequence(stats: JobStats | None) -> str:
    """What an abort of this job means beyond lost progress; empty: nothing."""
    if stats is None:
        return ""
    if isinstance(stats.operation, BlockOperation):
        return _MIRRORED if stats.ready and stats.operation == BlockOperation.COPY else _BLOCK.get(stats.operation, "")
    if stats.postcopy is Postcopy.ACTIVE:
        return (
            "The guest runs on the other host already, but some of its memory is still here: it will stand still until "
            f"the migration is recovered, with {RECOVERY}."
        )
    if not stats.pull_backup:
        return ""
    return (
        "The client that reads this pull backup loses its export, "
        "and nobody can tell whether what it has read is complete."
    )
