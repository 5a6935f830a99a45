"""The begin and the end of each job, each given once, whoever sees or remembers it."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from backend.model import DiskKey, JobKey, Operation
from backend.records.entry import JobEntry, is_same_job

NEIGHBOURS = 20
"""Jobs of a domain, or of a disk, that are kept to recognize them: an observation may come late."""


@dataclass(frozen=True, slots=True)
class JobChange:
    """A job began, or it ended."""

    entry: JobEntry
    """What is known of the job: of one that ended, its verdict as well (`entry.outcome`)."""
    ended: bool
    running: bool = False
    """Whether the job had begun before anybody watched, and was found running: at the start, or after an outage."""
    replayed: bool = False
    """Whether it is from a history, and was not seen as it happened."""

    @property
    def at(self) -> float:
        """When it happened, in seconds since the epoch."""
        return max(self.entry.began, self.entry.ended or 0.0) if self.ended else self.entry.began


@dataclass(slots=True)
class KnownJob:
    """A job whose begin was given."""

    observations: dict[str, JobEntry] = field(default_factory=dict)
    """What each observer knows of it, by the ids that they gave it."""
    running: bool = False
    over: bool = False
    """Whether its end was given."""
    seen: bool = False
    """Whether it is, or was, followed here, and not only remembered by others."""

    @property
    def entry(self) -> JobEntry:
        """What was known of it last."""
        return next(reversed(self.observations.values()))


class JobChanges:
    """Makes changes of what is known of jobs; what brings nothing new makes none."""

    def __init__(self) -> None:
        self._jobs: dict[tuple[str, str | None], deque[KnownJob]] = defaultdict(lambda: deque(maxlen=NEIGHBOURS))

    def see(self, entry: JobEntry, running: bool = False) -> list[JobChange]:
        """What an observation of this process changes. `running`: see JobChange."""
        return list(self._take(entry, [entry], running, seen=True, replayed=False))

    def recall(self, entry: JobEntry, parts: Iterable[JobEntry], running: bool = False) -> list[JobChange]:
        """The same of what is remembered: `entry` is what the observers of `parts` know together."""
        return list(self._take(entry, [entry, *parts], running, seen=False, replayed=True))

    def open(self) -> list[KnownJob]:
        """The jobs that have not ended."""
        return [job for jobs in self._jobs.values() for job in jobs if not job.over]

    def _take(
        self, entry: JobEntry, parts: list[JobEntry], running: bool, seen: bool, replayed: bool
    ) -> Iterator[JobChange]:
        jobs = self._jobs[entry.uuid, entry.disk]
        job = next((job for job in reversed(jobs) if any(_is_about(part, job) for part in parts)), None)
        if job is None:
            job = KnownJob(running=running)
            jobs.append(job)
            yield JobChange(_at_begin(entry), False, running, replayed)
        job.seen = job.seen or seen
        for part in parts:
            job.observations[part.id] = part
        if entry.over and not job.over:
            job.over = True
            yield JobChange(entry, True, job.running, replayed)


def key_of(entry: JobEntry) -> JobKey:
    """What identifies the job while it is running."""
    return entry.key if entry.disk is None else DiskKey(entry.key, entry.disk)


def is_running(entry: JobEntry, jobs: Mapping[JobKey, Operation]) -> bool:
    """Whether that job may be one of these, which were found running."""
    return jobs.get(key_of(entry)) == entry.operation


def _is_about(part: JobEntry, job: KnownJob) -> bool:
    return part.id in job.observations or any(is_same_job(part, known) for known in job.observations.values())


def _at_begin(entry: JobEntry) -> JobEntry:
    """The entry as it was when its job began."""
    return replace(
        entry,
        ended=None,
        ended_uptime=None,
        verdict=None,
        evidence=None,
        detail="",
        error="",
        bytes=None,
        time_elapsed=0,
        left_paused=False,
        downtime=None,
    )
