"""The jobs of the disks of one hypervisor's domains, as far as somebody watches them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from backend.base import Backend, BlockJobsAnswer, JobAnswer
from backend.errors import BackendError, NoConnection, NotAnswering
from backend.job_stats import JobStats
from backend.model import DiskKey, DomainKey
from backend.observing.progress import Progress, ProgressMeter
from backend.observing.sampler import Follower, sampler_of
from backend.verdicts.block_attachment import follows

INTERVAL = 0.5
"""Seconds between two looks at a block job: they take minutes to hours, and their ends are reported."""


class _Followed:
    """A disk's job."""

    def __init__(self, follower: Follower, stats: JobStats) -> None:
        self.follower = follower
        self.stats = stats
        self.meter = ProgressMeter()
        self.progress: Progress | None = None


class BlockJobs:
    """Follows each block job that it is told of, until it is gone.

    `changed` is called with the job's domain, and `silent` with one that does not answer.
    """

    def __init__(
        self,
        backend: Backend,
        clock: Callable[[], float],
        changed: Callable[[DomainKey], object],
        silent: Callable[[DomainKey], object],
    ) -> None:
        self._backend = backend
        self._clock = clock
        self._changed = changed
        self._silent = silent
        self._followed: dict[DomainKey, dict[str, _Followed]] = {}

    def of(self, domain: DomainKey) -> tuple[Progress, ...]:
        """How far those of the domain are, in the order of the disks."""
        followed = self._followed.get(domain)
        if not followed:
            return ()
        return tuple(job.progress for _, job in sorted(followed.items()) if job.progress is not None)

    def learn(self, answers: Mapping[DomainKey, BlockJobsAnswer]) -> None:
        """Take in what `Backend.block_jobs` has found. NoConnection if that is the answer."""
        for domain, answer in answers.items():
            if isinstance(answer, NoConnection):
                raise answer
            if isinstance(answer, NotAnswering):
                self._silent(domain)
            if isinstance(answer, BackendError):
                continue  # It does not say that there are none.
            present = {stats.disk: stats for stats in answer if stats.disk is not None}
            for disk in self._followed.get(domain, {}).keys() - present.keys():
                self._drop(DiskKey(domain, disk))
            for disk, stats in present.items():
                self._take(DiskKey(domain, disk), stats)

    def hurry(self, uuid: str) -> None:
        """Look at those of the domain at once: something happened to one of them."""
        for domain, jobs in self._followed.items():
            if domain.uuid == uuid:
                for job in jobs.values():
                    job.follower.hurry()

    def forget(self, domain: DomainKey) -> None:
        """That run of the domain is over."""
        for job in self._followed.pop(domain, {}).values():
            job.follower.close()

    def close(self) -> None:
        """Follow none any more."""
        for domain in list(self._followed):
            self.forget(domain)

    def _sampled(self, key: DiskKey, answer: JobAnswer | Exception, sent: float) -> None:
        if isinstance(answer, JobStats):
            self._take(key, answer)
        elif isinstance(answer, NotAnswering):
            self._silent(key.domain)
        elif answer is None or (isinstance(answer, BackendError) and not isinstance(answer, NoConnection)):
            self._drop(key)

    def _take(self, key: DiskKey, stats: JobStats) -> None:
        jobs = self._followed.setdefault(key.domain, {})
        job = jobs.get(key.disk)
        if job is None:
            follower = sampler_of(self._backend).follow(key, partial(self._sampled, key), INTERVAL)
            job = jobs[key.disk] = _Followed(follower, stats)
        elif follows(job.stats, stats):
            job.meter = ProgressMeter()  # Another job has followed.
        job.stats = stats
        job.progress = job.meter.update(stats, self._clock())
        self._changed(key.domain)

    def _drop(self, key: DiskKey) -> None:
        jobs = self._followed.get(key.domain, {})
        if (job := jobs.pop(key.disk, None)) is not None:
            job.follower.close()
            if not jobs:
                del self._followed[key.domain]
            self._changed(key.domain)
