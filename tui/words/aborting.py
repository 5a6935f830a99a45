"""What aborting a job means, for the user who is about to do it."""

from __future__ import annotations

from collections.abc import Sequence

from backend.model import JobStats

Job = tuple[str, JobStats | None]
"""A domain's name, and the latest stats of its job."""


def question(domain: str, stats: JobStats | None) -> str:
    """Whether to abort the domain's job, and what is lost with it."""
    return f"Abort {job(stats)} of {domain}?\n{consequence(stats) or 'Its progress will be lost.'}"


def question_about_several(jobs: Sequence[Job], skipped: Sequence[tuple[str, str]]) -> str:
    """Whether to abort the jobs of several domains; `skipped`: the names of others and why theirs cannot be aborted."""
    lines = [f"Abort the jobs of {', '.join(domain for domain, _ in jobs)}?", "Their progress will be lost."]
    lines += [f"{domain}: {meaning}" for domain, stats in jobs if (meaning := consequence(stats))]
    return "\n".join([*lines, *(f"Skipped {domain}: {reason}" for domain, reason in skipped)])


def job(stats: JobStats | None) -> str:
    """What is aborted: ``the backup``."""
    return f"the {stats.operation.label}" if stats is not None else "the job"


def consequence(stats: JobStats | None) -> str:
    """What an abort of this job means beyond lost progress; empty: nothing."""
    if stats is None or not stats.pull_backup:
        return ""
    return (
        "The client that reads this pull backup loses its export, "
        "and nobody can tell whether what it has read is complete."
    )
