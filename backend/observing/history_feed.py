"""What a history lists: jobs, commands that were run as jobs, and dumps that wait for their turn in a console."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from backend.errors import JournalError
from backend.observing.histories import JobFeed
from backend.observing.remembered import CommandRun, Remembered, WaitingDump
from backend.observing.rereading import Rereading
from backend.records import process
from backend.records.command import CommandRecord, settled
from backend.records.commands import Commands
from backend.records.database import signature
from backend.records.dump_queue import DumpQueue
from backend.records.history import Query
from backend.records.journal import Journal
from backend.verdicts.job_sources import Source


@dataclass(frozen=True, slots=True)
class Recalled:
    """What is remembered, or what has become of that; and why that may not be everything."""

    items: Sequence[Remembered]
    errors: Mapping[Source, JournalError]
    """Those of the sources that could not be read; commands and queued dumps are in the one of own calls."""
    gone: frozenset[str] = frozenset()
    """The ids of what is remembered no more: cancelled dumps, and commands that made room for others."""


class HistoryFeed:
    """What a query is about, and what becomes of it. All methods block. `wanted`: which of it."""

    def __init__(self, query: Query, wanted: Callable[[Remembered], bool] | None = None) -> None:
        self._query = query
        self._wanted = wanted
        self._jobs = JobFeed(query, wanted)
        self._rereading = Rereading()
        self._own: dict[str, CommandRun | WaitingDump] = {}
        """What is no job, as it was read last, by its id; the latest first."""
        self._failed = False

    def recall(self) -> Recalled:
        """What is remembered, what began last first, as many as the query has a limit."""
        errors = self._reread()
        jobs = self._jobs.recall()
        self._leave_out(jobs.jobs)
        items = heapq.merge(jobs.jobs, self._own.values(), key=_requested, reverse=True)
        return Recalled([*items][: self._query.limit], errors | dict(jobs.errors))

    def changes(self) -> Recalled:
        """What has begun or ended since the last call, or commands of which a job has, the earliest first; the errors
        that are new."""
        before = self._own
        errors = self._reread()
        jobs = self._jobs.changes()
        begun = self._leave_out(jobs.jobs)
        own = reversed(self._own.items())
        changed = [item for id_, item in own if id_ not in before or _news(item) != _news(before[id_])]
        items = heapq.merge(jobs.jobs, changed, key=_requested)
        return Recalled([*items], errors | dict(jobs.errors), frozenset(before.keys() - self._own.keys() - begun))

    def _leave_out(self, jobs: Iterable[Remembered]) -> set[str]:
        """Whatever is one of these jobs has begun: it waits no more. The ids of the jobs.

        What is queued is read before the jobs: a dump that begins meanwhile is there twice, but never missing.
        """
        begun = {id_ for job in jobs for id_ in job.ids}
        self._own = {id_: item for id_, item in self._own.items() if id_ not in begun}
        return begun

    def _reread(self) -> dict[Source, JournalError]:
        """Read what is no job, if that may be another than before; the error if there is a new one."""
        try:
            if not self._rereading.begin_if_due([signature(Journal().path)]):
                return {}
            own: Iterable[CommandRun | WaitingDump]
            own = heapq.merge(self._commands(), self._queue(), key=_requested, reverse=True)
            self._own = {item.record.id: item for item in own if self._means(item)}
        except JournalError as error:
            known, self._failed = self._failed, True
            return {} if known else {Source.CALL: error}
        self._failed = False
        return {}

    def _commands(self) -> Iterator[CommandRun]:
        commands, query = Commands(), self._query
        records = list(map(settled, commands.history(name=query.name, uris=query.uris, limit=query.limit)))
        last = set(_last(records))
        for record in records:
            yield CommandRun(record, commands.output_of(record), record.id in last)

    def _queue(self) -> Iterator[WaitingDump]:
        for dump in reversed(DumpQueue().all(self._query.uris)):
            if self._query.names(dump.domain, dump.uuid):
                yield WaitingDump(dump, process.holder_alive(dump) is not True)

    def _means(self, item: CommandRun | WaitingDump) -> bool:
        """Whether the query is about it."""
        query = self._query
        if query.operation not in (None, item.operation) or (query.failed and not item.failed):
            return False
        over = query.since is not None and item.ended is not None and item.ended < query.since
        return not over and (self._wanted is None or self._wanted(item))


def _requested(item: Remembered) -> float:
    return item.requested


def _news(item: CommandRun | WaitingDump) -> object:
    """What is news if it changes. A lost result is found anew, at another time, with every look."""
    if isinstance(item, WaitingDump):
        return item
    return item.word, item.last, [(job.id, job.over) for job in item.record.jobs]


def _last(records: Iterable[CommandRecord]) -> Iterator[str]:
    """Of each domain, the id of the command that runs, or else of the last one; of several, the latest. They come with
    the latest first."""
    chosen: dict[tuple[str, str], CommandRecord] = {}
    for record in records:
        known = chosen.setdefault((record.uri, record.uuid), record)
        if known.over and not record.over:
            chosen[record.uri, record.uuid] = record
    return (record.id for record in chosen.values())
