"""Aborting and pivoting jobs, after confirmation, from the table and from the screens that wait for jobs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from backend.job_stats import JobStats
from backend.model import DiskKey, DiskSource, JobKey
from tui.commands.offering import OfferingScreen
from tui.screens.confirm import ConfirmScreen
from tui.session.host import Host
from tui.session.job_wait import JobWait
from tui.session.rows import Row
from tui.session.session import Session
from tui.words import aborting, hidden, pivoting

Skipped = Sequence[tuple[str, str]]
"""The names of others, and why they are left out."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job that may be aborted or pivoted."""

    host: Host
    key: JobKey
    domain: str
    """The newest name of its domain."""
    stats: JobStats | None
    queued: JobWait | None = None
    """The wait for a dump that has not started."""

    @property
    def disk(self) -> str:
        return self.key.disk if isinstance(self.key, DiskKey) else ""

    @property
    def name(self) -> str:
        """``db-01``, ``db-01 vda``."""
        return f"{self.domain} {self.disk}" if self.disk else self.domain


def job_of_row(session: Session, row: Row) -> Job:
    """The job that a row of the table shows."""
    wait = session.waits.get(row.key)
    queued = wait if wait is not None and wait.queued and row.progress is None else None
    stats = row.progress.stats if row.progress is not None else None
    return Job(session.hosts[row.uri], row.job_key, row.domain.name, stats, queued)


def job_of_wait(wait: JobWait) -> Job:
    """The job that is waited for."""
    key = DiskKey(wait.domain, wait.disk) if wait.disk else wait.domain
    stats = wait.progress.stats if wait.progress is not None else None
    return Job(wait.host, key, wait.name, stats, wait if wait.queued else None)


class JobActions:
    """Asks above `screen`; the session acts."""

    def __init__(self, screen: OfferingScreen[Any], session: Session) -> None:
        self._screen = screen
        self._session = session

    def abort(self, jobs: Sequence[Job], skipped: Skipped = (), unseen: Sequence[str] = ()) -> None:
        """Abort these jobs, if the user confirms it. Queued dumps lose nothing: alone, they are cancelled at once.

        `unseen`: the names of those that the user does not see, because of a filter.
        """
        running = [job for job in jobs if job.queued is None]
        if not running and not unseen:
            self._cancel(jobs)
            return
        if len(jobs) == 1 and not skipped:
            [job] = jobs
            question, yes = aborting.question(job.domain, job.stats), f"Abort {aborting.job(job.stats)}"
            screen = ConfirmScreen(f"Abort · {job.name}", hidden.naming(question, unseen), yes)
        else:
            queued = [job.name for job in jobs if job.queued is not None]
            about = [(job.name, job.stats) for job in running]
            question = aborting.question_about_several(about, skipped, queued)
            count = len(running) or len(jobs)
            title = f"{count} job{'s' if count > 1 else ''}"
            screen = ConfirmScreen(f"Abort · {title}", hidden.naming(question, unseen), f"Abort {title}")
        self._confirm(screen, jobs, self._abort)

    def pivot(
        self,
        jobs: Sequence[Job],
        skipped: Skipped = (),
        unseen: Sequence[str] = (),
        source: DiskSource | None = None,
    ) -> None:
        """Let the disks of these jobs continue on their copies. `source`: what a single one is on, where known."""
        if len(jobs) == 1 and not skipped and jobs[0].stats is not None:
            job = jobs[0]
            question = pivoting.question(job.domain, jobs[0].stats, source)
            screen = ConfirmScreen(f"Pivot · {job.name}", hidden.naming(question, unseen), f"Pivot {job.disk}")
        else:
            question = pivoting.question_about_several([job.name for job in jobs], skipped)
            question = hidden.naming(question, unseen)
            screen = ConfirmScreen(f"Pivot · {len(jobs)} disks", question, f"Pivot {len(jobs)} disks")
        self._confirm(screen, jobs, self._pivot)

    def _confirm(self, screen: ConfirmScreen, jobs: Sequence[Job], do: Callable[[Sequence[Job]], None]) -> None:
        """Ask, and if the answer is yes, do it to those of the jobs whose hosts are still connected."""

        def answered(confirmed: bool | None) -> None:
            if confirmed:
                do([job for job in jobs if self._session.hosts.has(job.host)])

        if jobs:
            self._screen.open(screen, answered)

    def _abort(self, jobs: Sequence[Job]) -> None:
        self._cancel([job for job in jobs if job.queued is not None])
        for job in jobs:
            if job.queued is None:
                postcopy = job.stats is not None and job.stats.postcopy is not None
                self._session.actions.abort(job.host, job.key, postcopy)

    def _cancel(self, jobs: Sequence[Job]) -> None:
        """Remove dumps from the queue; say so of all of them together."""
        queued = [job for job in jobs if job.queued is not None and job.queued.queued]
        for job in queued:
            if job.queued is not None:
                self._session.waits.drop(job.queued)
        if len(queued) == 1:
            self._screen.notify(f"{queued[0].name}: queued dump cancelled; it had not started", markup=False)
        elif queued:
            self._screen.notify(f"{len(queued)} queued dumps cancelled; they had not started", markup=False)
        if late := [job.name for job in jobs if job not in queued]:
            self._screen.refuse(f"not queued any more, but started: {', '.join(late)}")

    def _pivot(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            if isinstance(job.key, DiskKey):
                self._session.actions.pivot(job.host, job.key)
