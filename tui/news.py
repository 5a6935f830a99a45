"""What is worth telling of a domain that changed. No widget in here."""

from __future__ import annotations

from backend.model import JobOperation
from tui.rows import Row


def operation(row: Row | None) -> JobOperation | None:
    """That of the row's job, if it has one."""
    return row.progress.stats.operation if row is not None and row.progress is not None else None


def jobs(before: Row | None, after: Row, watched: float) -> list[str]:
    """The jobs that began or ended between two looks; `watched`: seconds that this host has been watched.

    That a job is over does not say how it ended: only a wait can.
    """
    was, now = operation(before), operation(after)
    if was == now:
        return []
    told = [f"{was.label} is over"] if was is not None else []
    # One that was there before anyone looked is no news.
    if now is not None and after.progress is not None and after.progress.stats.time_elapsed / 1000 < watched:
        told.append(f"{now.label} began")
    return told
