"""What is worth reporting about a domain, or the job of a disk, that changed."""

from __future__ import annotations

from backend.model import DomainState, Operation
from tui.session.host import Host
from tui.session.rows import Row

JOB_PAUSES = frozenset({"dumping", "saving", "creating snapshot", "migrating"})
"""Reasons for which a job pauses its domain."""
POSTCOPY_FAILED = "post-copy failed"
"""The reason of a domain whose migration has to be recovered."""
SETTLED = 5.0
"""Seconds that a host must have been watched for a disk's job to be new: libvirt does not tell since when it runs."""


def started(before: Row | None, after: Row, watched: float) -> Operation | None:
    """The job that started between two looks; `watched`: seconds that the host was watched."""
    was = before.operation if before else None
    return after.operation if after.operation != was and _is_new(after, watched) else None


def became_ready(before: Row | None, after: Row, watched: float) -> bool:
    """Whether the job of a disk copied everything between two looks."""
    if not after.ready:
        return False
    return not before.ready if before is not None else _is_new(after, watched)


def _is_new(row: Row, watched: float) -> bool:
    """Whether its job is: one that ran before anyone looked is no news."""
    if row.progress is None:
        return False
    return watched >= SETTLED if row.disk else row.progress.stats.time_elapsed / 1000 < watched


def states(before: Row | None, after: Row) -> list[str]:
    """What the domain did between two looks, apart from what its job did to it."""
    if after.disk:
        return []  # The row of its domain tells.
    domain = after.domain
    reason = f" ({domain.reason})" if domain.reason else ""
    if before is None:
        return [f"appeared ({domain.state.label})"]
    words = []
    if before.domain.answering != domain.answering:
        words.append("answers again" if domain.answering else "does not answer")
    if before.domain.name != domain.name:
        words.append(f"renamed from {before.domain.name}")
    if domain.reason == POSTCOPY_FAILED and before.domain.reason != POSTCOPY_FAILED:
        return [*words, "post-copy failed: its migration has to be recovered"]
    if before.domain.state == domain.state and before.domain.key == domain.key:
        return words
    if domain.state is DomainState.CRASHED:
        words.append(f"crashed{reason}")
    elif before.domain.active and not domain.active:
        words.append(f"stopped{reason}")
    elif domain.key != before.domain.key:
        words.append(f"started{reason}")
    elif not (_has_job(before) or _has_job(after)):
        words.append(f"{domain.state.label}{reason}")
    return words


def concerns_waits(before: Row | None, after: Row) -> bool:
    """Whether the domain has another name, or answers no more or again: waits for its job show that."""
    if before is None or before.domain is after.domain:
        return False
    return (before.domain.name, before.domain.answering) != (after.domain.name, after.domain.answering)


def no_connection(host: Host) -> str:
    """Why a host has no connection, without the host's name, which is shown next to this, and without advice."""
    reason = host.reason.replace(f" to {host.uri}", "").removeprefix("no connection: ")
    return f"no connection: {reason.removeprefix('cannot connect: ').partition('; ')[0]}"


def _has_job(row: Row) -> bool:
    """Whether a job explains the domain's state."""
    domain = row.domain
    # The hypervisor resumes the domain when the job ends, or a moment later.
    paused = domain.state is DomainState.PAUSED and domain.reason in JOB_PAUSES
    return row.progress is not None or paused or bool(row.pending)
