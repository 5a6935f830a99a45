"""The begin and the end of each job, each given once, whoever sees or remembers it."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from backend.model import JobKey
from backend.records.entry import SLACK, JobEntry, is_same_job
from backend.verdicts.job_sources import SOON, Source, SourcedJob, is_of_call

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
        """When it happened, in seconds since the epoch. The end of a job that nobody watched is unknown: its begin."""
        return max(self.entry.began, self.entry.ended or 0.0) if self.ended else self.entry.began


Part = tuple[Source, JobEntry]
"""What one source knows of a job."""


@dataclass(slots=True)
class KnownJob:
    """A job whose begin was given."""

    entry: JobEntry
    """What was known of it last."""
    running: bool
    parts: dict[str, Part] = field(default_factory=dict)
    """By the ids that the sources gave it."""
    over: bool = False
    """Whether its end was given."""
    seen: bool = False
    """Whether it is, or was, followed here, and not only remembered by others."""
    unwatched: SourcedJob | None = None
    """The same, as it is remembered: it was found running, but nobody is there to learn its end."""

    @property
    def key(self) -> JobKey:
        return self.entry.job

    @property
    def id(self) -> str:
        """The one that it was given with: others may have named it before."""
        return next(iter(self.parts))


class JobChanges:
    """Makes changes of what is known of jobs; what brings nothing new makes none."""

    def __init__(self) -> None:
        self._jobs: dict[tuple[str, str | None], deque[KnownJob]] = defaultdict(lambda: deque(maxlen=NEIGHBOURS))

    def see(self, entry: JobEntry, running: bool = False) -> list[JobChange]:
        """What an observation of this process changes. `running`: see JobChange."""
        return list(self._take(entry, [(Source.OBSERVATION, entry)], entry.over, running, seen=True))

    def recall(self, job: SourcedJob, running: bool = False, unknown: bool = False) -> list[JobChange]:
        """The same of what is remembered. `running`: it was found running just now; `unknown`: it may be running."""
        over = job.unwatched and not (running or unknown)
        entry = _without_end(job) if over else job.entry
        return list(self._take(entry, job.parts, over or entry.over, running, seen=False, recalled=job))

    def give_up(self) -> list[JobChange]:
        """The ends of jobs that nobody watches: what was found running on their domains is seen to be other jobs."""
        seen = {job.key for job in self.open() if job.seen}
        over = [job.unwatched for job in self.open() if job.unwatched and not job.seen and job.key in seen]
        return [change for job in over for change in self.recall(job)]

    def open(self) -> list[KnownJob]:
        """The jobs that have not ended."""
        return [job for jobs in self._jobs.values() for job in jobs if not job.over]

    def _take(
        self,
        entry: JobEntry,
        parts: Sequence[Part],
        over: bool,
        running: bool,
        seen: bool,
        recalled: SourcedJob | None = None,
    ) -> Iterator[JobChange]:
        jobs = self._jobs[entry.uuid, entry.disk]
        job = next((job for job in reversed(jobs) if _is_about(parts, job)), None)
        if job is None:
            if seen and over:
                # What is seen is seen to begin, if only at its end: this was left without an end by an observer before.
                jobs.append(KnownJob(entry, running, {part.id: (source, part) for source, part in parts}, True, True))
                return
            job = KnownJob(entry, running)
            jobs.append(job)
            yield JobChange(_at_begin(entry), False, running, not seen)
        job.entry = entry
        job.seen = job.seen or seen
        job.unwatched = recalled if recalled is not None and recalled.unwatched else None
        for source, part in parts:
            job.parts[part.id] = source, part
        if over and not job.over:
            job.over = True
            yield JobChange(replace(entry, id=job.id), True, job.running, not seen)


def _is_about(parts: Sequence[Part], job: KnownJob) -> bool:
    return any(
        part.id in job.parts or any(_is_same(source, part, *known) for known in job.parts.values())
        for source, part in parts
    )


def _is_same(source: Source, part: JobEntry, other: Source, known: JobEntry) -> bool:
    if source is Source.CALL:
        return other is not Source.CALL and is_of_call(part, known)
    return is_of_call(known, part) if other is Source.CALL else is_same_job(known, part)


def _without_end(job: SourcedJob) -> JobEntry:
    """The entry of a job whose end nobody saw."""
    outcome = job.outcome_if_over
    assert outcome is not None
    return replace(job.entry, verdict=outcome.verdict, evidence=outcome.evidence, detail=outcome.detail)


def unless_remembered(seen: Sequence[JobEntry], jobs: Sequence[SourcedJob]) -> list[JobEntry]:
    """Those of the observations that are not the mere ends of jobs of which others remember more."""
    ends = {entry.id: entry for entry in seen if entry.seconds is not None and entry.seconds < SLACK}
    known = {id_ for id_, end in ends.items() if any(_end_together(end, job.entry) for job in jobs)}
    return [entry for entry in seen if entry.id not in known]


def _end_together(end: JobEntry, other: JobEntry) -> bool:
    if (end.uuid, end.operation, end.disk) != (other.uuid, other.operation, other.disk):
        return False
    return end.ended is not None and other.ended is not None and abs(end.ended - other.ended) <= SOON


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
