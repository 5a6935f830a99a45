"""What is remembered of jobs, put together: this user's own calls, what this user's programs saw, and what the host's
witness saw. Each job is there once, with the best of what is known of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from backend.model import DomainKey, Operation
from backend.outcome import Evidence, Outcome, Verdict
from backend.records.entry import SLACK, JobEntry, combined, entry_of_record, is_same_job
from backend.records.record import JobRecord, RecordState
from backend.verdicts.recorded import recorded_outcome

SOON = 2.0
"""Seconds within which the job of a call begins, usually, and by which two may disagree on when it ended."""
_NEIGHBOURS = 20
"""Earlier jobs of a domain, or a disk, that may be the same one."""


class Source(StrEnum):
    """Who remembers a job, most trusted first."""

    CALL = "own call"
    """This user's journal: a dump that virt-jobs requested, and what the call returned."""
    OBSERVATION = "own observation"
    """This user's history: what the console and commands saw."""
    HOST = "host"
    """The host's history: what its witness saw."""
    CLAIM = "claim"
    """The metadata of its domain, which others can write: what a witness is said to have seen."""


@dataclass(frozen=True, slots=True)
class SourcedJob:
    """One job, as all sources together know it."""

    parts: tuple[tuple[Source, JobEntry], ...]
    """What each source knows, most trusted first."""
    entry: JobEntry
    """What they know together, with the id of the first of them."""
    record: JobRecord | None = None
    """That of the call, if this user made it."""
    state: RecordState | None = None
    """The present state of that."""
    unwatched: bool = False
    """Whether nobody who could learn its end is there: it may be running, or be over."""

    @property
    def uri(self) -> str:
        return self.entry.uri

    @property
    def key(self) -> DomainKey:
        return self.entry.key

    @property
    def domain(self) -> str:
        return self.entry.domain

    @property
    def host(self) -> str:
        """The name of the host that it was seen on."""
        return self.entry.host

    @property
    def operation(self) -> Operation:
        return self.entry.operation

    @property
    def sources(self) -> tuple[Source, ...]:
        return tuple(source for source, _ in self.parts)

    @property
    def ids(self) -> frozenset[str]:
        """Its id in each source."""
        return frozenset(entry.id for _, entry in self.parts)

    def is_seen_as(self, entry: JobEntry) -> bool:
        """Whether this is the job that an observer has entered."""
        return any(
            part.id == entry.id or (is_of_call(part, entry) if source is Source.CALL else is_same_job(part, entry))
            for source, part in self.parts
        )

    @property
    def requester(self) -> str:
        """Who requested it; empty where that is not known."""
        return next((entry.requester for _, entry in self.parts if entry.requester), "")

    @property
    def requested(self) -> float:
        """When it was requested, where that is known, or else when it began; seconds since the epoch."""
        return self.record.started if self.record is not None else self.entry.began

    @property
    def ended(self) -> float | None:
        """When it was seen to be over."""
        return self.entry.ended

    @property
    def verdict(self) -> Verdict | None:
        """How it ended; None while it is running, as far as is known."""
        return self.entry.verdict or (Verdict.UNPROVEN if self.lost else None)

    @property
    def lost(self) -> bool:
        """Whether the result of the call was lost, and nobody saw how the job ended."""
        return not self.entry.over and self.state is RecordState.LOST

    @property
    def outcome(self) -> Outcome | None:
        """How it ended; None while it is running, as far as is known."""
        detail = "The result was lost with the process that made the call."
        return self.entry.outcome or (self._unproven(detail) if self.lost else None)

    @property
    def outcome_if_over(self) -> Outcome | None:
        """The same if it is known to be over; None if somebody may still learn its end."""
        detail = f"{self.entry.observer} stopped watching it while it was running."
        return self.outcome or (self._unproven(detail) if self.unwatched else None)

    @property
    def seconds(self) -> float | None:
        """How long it took, or the call that was made for it; None until it is over."""
        return self.record.seconds if self.record is not None and self.record.ended is not None else self.entry.seconds

    @property
    def failed(self) -> bool:
        """Whether it failed, or nobody knows how it ended."""
        return self.verdict in (Verdict.FAILED, Verdict.UNPROVEN)

    @property
    def word(self) -> str:
        """How it ended in a word: its verdict, ``lost``, ``unwatched``, or ``running``."""
        if self.entry.verdict is not None:
            return str(self.entry.verdict)
        return "lost" if self.lost else "unwatched" if self.unwatched else "running"

    def _unproven(self, detail: str) -> Outcome:
        entry = self.entry
        return Outcome(
            entry.key,
            entry.operation,
            Verdict.UNPROVEN,
            Evidence.NONE,
            detail,
            path=entry.path,
            format=entry.format,
            disk=entry.disk,
            requester=self.requester,
        )


def merge_sources(
    calls: Sequence[tuple[JobRecord, RecordState]],
    own: Sequence[JobEntry] = (),
    host: Sequence[JobEntry] = (),
    is_watched: Callable[[JobEntry], bool] = lambda entry: True,
) -> list[SourcedJob]:
    """All jobs, the one that began last first; the sources have them in that order, too.

    `calls`: this user's records, each with its present state. `is_watched`: whether the observer of an entry without an
    end may still be there.
    """
    records = {record.id: (record, state) for record, state in calls}
    called = [entry_of_record(record, recorded_outcome(record)) for record, _ in records.values()]
    sources = {Source.CALL: called, Source.OBSERVATION: own, Source.HOST: host}
    # Oldest first, so that those of one moment stay in the order of their source.
    entries = [(source, entry) for source, known in sources.items() for entry in reversed(known)]
    jobs: list[_Parts] = []
    groups: dict[tuple[object, ...], list[_Parts]] = {}
    for source, entry in _oldest_first(entries):
        group = groups.setdefault((entry.uuid, entry.domain_id, entry.operation, entry.disk), [])
        parts = next((parts for parts in reversed(group[-_NEIGHBOURS:]) if _fits(parts, source, entry)), None)
        if parts is None:
            parts = {}
            group.append(parts)
            jobs.append(parts)
        parts[source] = entry
    return [_job(parts, records, is_watched) for parts in reversed(jobs)]


_Parts = dict[Source, JobEntry]


def _job(
    parts: _Parts, records: dict[str, tuple[JobRecord, RecordState]], is_watched: Callable[[JobEntry], bool]
) -> SourcedJob:
    sorted_parts = tuple((source, parts[source]) for source in Source if source in parts)
    record, state = records[parts[Source.CALL].id] if Source.CALL in parts else (None, None)
    pending = record is not None and not record.over and state is not RecordState.LOST
    (_, entry), *others = sorted_parts
    for _, other in others:
        # While the result of the call may still come, nobody else knows better.
        entry = combined(entry, replace(other, ended=None, verdict=None, evidence=None) if pending else other)
    watched = any(is_watched(part) for source, part in sorted_parts if source is not Source.CALL and not part.over)
    return SourcedJob(sorted_parts, entry, record, state, unwatched=not (entry.over or watched or pending))


def _fits(parts: _Parts, source: Source, entry: JobEntry) -> bool:
    """Whether the entry is about the job with these parts; a source has each job once."""
    if source in parts:
        return False
    if source is Source.CALL:
        return any(is_of_call(entry, part) for part in parts.values())
    return any(
        is_of_call(part, entry) if other is Source.CALL else is_same_job(part, entry) for other, part in parts.items()
    )


def is_of_call(call: JobEntry, seen: JobEntry) -> bool:
    """Whether the job that was seen is the one of that call, in whose entry stands when it was requested.

    A call may wait for the job before it, which ends without it; its own job ends with it. If the call has lost its
    result, that job may go on.
    """
    if (call.uuid, call.domain_id, call.operation, call.disk) != (
        seen.uuid,
        seen.domain_id,
        seen.operation,
        seen.disk,
    ):
        return False
    if seen.record:
        return seen.record == call.record
    if call.boot and call.boot == seen.boot:
        requested, began = call.began_uptime, seen.began_uptime
        returned, ended = call.ended_uptime, seen.ended_uptime
    else:
        requested, began = call.began, seen.began
        returned, ended = call.ended, seen.ended
    if began < requested - SLACK or (returned is not None and began > returned):
        return False
    if returned is not None:
        return ended is None or abs(returned - ended) <= SOON
    return ended is None or began <= requested + SOON


def _oldest_first(entries: Sequence[tuple[Source, JobEntry]]) -> Iterator[tuple[Source, JobEntry]]:
    """In the order in which they began, whatever was done to the wall clock in between: what began under one kernel is
    ordered by its uptime, the kernels by the wall clock."""
    latest: dict[str, float] = {}
    for _, entry in entries:
        latest[entry.boot] = max(latest.get(entry.boot, 0.0), entry.began)

    def age(item: tuple[Source, JobEntry]) -> tuple[float, float]:
        entry = item[1]
        timed = entry.boot and entry.began_uptime
        return (latest[entry.boot], entry.began_uptime) if timed else (entry.began, 0.0)

    yield from sorted(entries, key=age)
