"""What is worth telling of a domain that changed. No widget in here."""

from __future__ import annotations

from backend.model import DomainState, JobOperation
from tui.session.host import Host
from tui.session.rows import Row

JOB_PAUSES = frozenset({"dumping", "saving", "creating snapshot", "migrating"})
"""Reasons for which a domain is paused by its job."""


def operation(row: Row | None) -> JobOperation | None:
    """That of the row's job, if it has one."""
    return row.progress.stats.operation if row is not None and row.progress is not None else None


def jobs(before: Row | None, after: Row, watched: float) -> tuple[JobOperation | None, JobOperation | None]:
    """The job that ended and the one that began between two looks; `watched`: seconds that this host has been watched.

    That a job is over does not say how it ended.
    """
    was, now = operation(before), operation(after)
    if was == now:
        return None, None
    # One that was there before anyone looked is no news.
    stats = after.progress.stats if after.progress is not None else None
    new = stats is not None and stats.time_elapsed / 1000 < watched
    return was, now if new else None


def states(before: Row | None, after: Row) -> list[str]:
    """What the domain did between two looks, apart from what its job does to it."""
    domain = after.domain
    reason = f" ({domain.reason})" if domain.reason else ""
    if before is None:
        return [f"is new here: {domain.state.label}"]
    told = []
    if before.domain.answering != domain.answering:
        told.append("answers again" if domain.answering else "does not answer")
    if before.domain.state == domain.state and before.domain.key == domain.key:
        return told
    if domain.state is DomainState.CRASHED:
        told.append(f"crashed{reason}")
    elif before.domain.active and not domain.active:
        told.append(f"stopped{reason}")
    elif domain.key != before.domain.key:
        told.append(f"started{reason}")
    elif not (_busy(before) or _busy(after)):
        told.append(f"{domain.state.label}{reason}")
    return told


def no_connection(host: Host) -> str:
    """Why there is none to a host; its name stands beside this, so it is not said again."""
    reason = host.reason.replace(f" to {host.uri}", "")
    return reason if reason.startswith("no connection") else f"no connection: {reason}"


def _busy(row: Row) -> bool:
    """Whether its state is its job's doing."""
    domain = row.domain
    # It is resumed with the job's end, or a moment later.
    paused = domain.state is DomainState.PAUSED and domain.reason in JOB_PAUSES
    return row.progress is not None or paused or bool(row.pending)
