"""What this machine remembers of jobs, read from this user's journal and history, and from the host's history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from backend.errors import JournalError
from backend.observing.rereading import Rereading
from backend.records import process
from backend.records.database import Signature, signature
from backend.records.entry import JobEntry
from backend.records.history import History, HostHistory, Query
from backend.records.journal import Journal
from backend.records.record import JobRecord, RecordState
from backend.text import clean
from backend.verdicts.job_sources import Source, SourcedJob, merge_sources

_ALL = 100_000
"""Jobs of a source that are read to find the few that are wanted."""
_RECENT = 200
"""Own calls that are read again to see what has changed."""
_MARGIN = 60.0
"""Seconds by which sources may disagree on when a job ended."""

Wanted = Callable[[SourcedJob], bool]


@dataclass(frozen=True, slots=True)
class Recollection:
    """What is remembered of jobs, and why that may not be everything."""

    jobs: list[SourcedJob]
    errors: Mapping[Source, JournalError]
    """Those of the sources that could not be read."""


class JobFeed:
    """The jobs that a query is about, and what becomes of them. All methods block.

    `wanted`: which of them. Without `host`, only this user's own sources are read.
    """

    def __init__(self, query: Query, wanted: Wanted | None = None, host: bool = True) -> None:
        self._query = query
        self._wanted = wanted
        self._host = host
        self._calls: dict[str, tuple[JobRecord, RecordState]] = {}
        self._own: dict[str, JobEntry] = {}
        self._of_host: dict[str, JobEntry] = {}
        self._own_change = self._host_change = 0
        self._errors: dict[Source, JournalError] = {}
        self._rereading = Rereading()
        self._words: dict[str, str] = {}
        """How each job was given last, by its id in each source."""

    def recall(self) -> Recollection:
        """What is remembered, the job that began last first, as many as the query has a limit."""
        query = self._query
        selective = query.failed or query.operation is not None or self._wanted is not None
        most = replace(query, failed=False, limit=_ALL if selective else query.limit)
        if query.since is not None:
            most = replace(most, since=query.since - _MARGIN)
        self._rereading.begin(self._present())
        self._errors = {}
        with self._reading(Source.CALL):
            records = Journal().history(name=most.name, uris=most.uris, limit=most.limit)
            self._calls = {record.id: (record, process.current_state(record)) for record in reversed(records)}
        with self._reading(Source.OBSERVATION):
            _, self._own_change = History().changes(-1)
            self._own = {entry.id: entry for entry in reversed(History().jobs(most))}
        if self._host:
            with self._reading(Source.HOST):
                _, self._host_change = HostHistory().changes(-1)
                self._of_host = {entry.id: entry for entry in reversed(HostHistory().jobs(most))}
        jobs = self._merged()
        self._note(jobs)
        return Recollection(jobs[: query.limit], dict(self._errors))

    def changes(self) -> Recollection:
        """The jobs that have begun or ended since the last call, the earliest first, and the errors that are new."""
        if not self._rereading.begin_if_due(self._present()):
            return Recollection([], {})
        known, self._errors = self._errors, {}
        with self._reading(Source.CALL):
            records = Journal().history(name=self._query.name, uris=self._query.uris, limit=_RECENT)
            self._calls |= {record.id: (record, process.current_state(record)) for record in reversed(records)}
        with self._reading(Source.OBSERVATION):
            entries, self._own_change = History().changes(self._own_change)
            self._own |= self._relevant(entries)
        if self._host:
            with self._reading(Source.HOST):
                entries, self._host_change = HostHistory().changes(self._host_change)
                self._of_host |= self._relevant(entries)
        jobs = self._merged()
        changed = [job for job in reversed(jobs) if job.word not in {self._words.get(id_) for id_ in job.ids}]
        self._note(jobs)
        return Recollection(changed, {source: error for source, error in self._errors.items() if source not in known})

    def _present(self) -> list[Signature]:
        paths = []
        with self._reading(Source.CALL):
            paths.append(Journal().path)
        with self._reading(Source.OBSERVATION):
            paths.append(History().path)
        return [signature(path) for path in [*paths, HostHistory().path]]

    @contextmanager
    def _reading(self, source: Source) -> Iterator[None]:
        """A source that cannot be read has nothing new, and hides no other."""
        try:
            yield
        except JournalError as error:
            self._errors[source] = error

    def _relevant(self, entries: Iterable[JobEntry]) -> dict[str, JobEntry]:
        """Those of the domain, and of the hypervisors, that the query is about."""
        query = self._query
        if query.uris:
            entries = [entry for entry in entries if entry.uri in query.uris]
        if query.name is not None:
            names, uuids = {query.name, clean(query.name)}, {query.name.lower(), *self._uuids}
            entries = [entry for entry in entries if entry.uuid in uuids or entry.domain in names]
        return {entry.id: entry for entry in entries}

    @property
    def _uuids(self) -> Iterator[str]:
        """Of the domains that the query is about, as far as they are known."""
        yield from (record.uuid for record, _ in self._calls.values())
        yield from (entry.uuid for entries in (self._own, self._of_host) for entry in entries.values())

    def _merged(self) -> list[SourcedJob]:
        jobs = merge_sources(
            list(reversed(self._calls.values())),
            list(reversed(self._own.values())),
            list(reversed(self._of_host.values())),
            process.is_watched,
        )
        return [job for job in jobs if answers(job, self._query) and (self._wanted is None or self._wanted(job))]

    def _note(self, jobs: Iterable[SourcedJob]) -> None:
        for job in jobs:
            self._words |= dict.fromkeys(job.ids, job.word)


def recall(query: Query, wanted: Wanted | None = None, host: bool = True) -> Recollection:
    """What is remembered of the jobs that the query is about, the one that began last first (see JobFeed)."""
    return JobFeed(query, wanted, host).recall()


def answers(job: SourcedJob, query: Query) -> bool:
    """Whether it is what the query is about, with all that is known of it."""
    if query.operation is not None and job.entry.operation != query.operation:
        return False
    if query.failed and not job.failed:
        return False
    last = job.entry.ended if job.entry.over else job.entry.began if job.unwatched else None
    return query.since is None or last is None or last >= query.since
