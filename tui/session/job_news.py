"""Tells in the activity which jobs begin, and how they end, whoever requested them: as the console remembers them."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from backend.dump_request import AutomaticDump
from backend.model import DomainKey, JobOperation, Operation
from backend.outcome import Outcome, Verdict
from backend.records.entry import JobEntry
from tui.session import news
from tui.session.activity_log import ActivityLog, Tone
from tui.session.background_tasks import BackgroundTasks
from tui.session.background_waits import BackgroundWaits
from tui.session.dump_origins import find_origin
from tui.session.host import Host
from tui.session.job_wait import JobWait
from tui.session.rows import RowKey, RowStore
from tui.words.job_names import job_name

FEW = 8
"""Entries of one host at a time that are told one by one; more are counted."""
FOLD = 0.25
"""Seconds in which entries come together."""
KEPT = 1000
"""Jobs whose ends are known as told; the memory forgets earlier which observations are of the same job."""
Key = TypeVar("Key")
SOON = 5.0
"""Seconds by which a wait and what is remembered may disagree on when a job ended."""
_PROBLEMS = (Verdict.FAILED, Verdict.UNPROVEN)


@dataclass(frozen=True, slots=True)
class _End:
    operation: Operation
    record: str
    at: float
    """By the event loop's clock."""


@dataclass(frozen=True, slots=True)
class _ToldEnd:
    """What a wait has told."""

    operation: Operation | None
    record: str
    outcome: Outcome
    at: float
    """Seconds since the epoch."""
    entry: str = ""
    """The id of the entry that turned out to be that job's."""


class JobNews:
    """Give it every entry of the console's memory with `take`.

    `learned` gets the row of a domain whose dump turns out to have been begun by the hypervisor, once
    `automatic_dump` knows it.
    """

    def __init__(
        self,
        log: ActivityLog,
        hosts: Mapping[str, Host],
        rows: RowStore,
        waits: BackgroundWaits,
        tasks: BackgroundTasks,
        learned: Callable[[RowKey], object],
    ) -> None:
        self._log = log
        self._hosts = hosts
        self._rows = rows
        self._waits = waits
        self._tasks = tasks
        self._learned = learned
        self._taken: dict[str, tuple[JobEntry, bool]] = {}
        """What is to be told next: the entries by their ids, and whether each is that of a job that just began."""
        self._since = time.time()
        self._due: asyncio.TimerHandle | None = None
        self._told: dict[str, Outcome] = {}
        """The ends that were told last, by the ids of their entries, oldest first."""
        self._begins: dict[str, asyncio.Task[None]] = {}
        """By the id of the entry: who began that dump is being found out, and is told then."""
        self._ends: dict[RowKey, _End] = {}
        """The last one that was taken of each domain and disk."""
        self._told_by_waits: dict[RowKey, _ToldEnd] = {}
        """The last one of each domain and disk of which there was no entry yet."""
        self._automatic: dict[RowKey, tuple[DomainKey, AutomaticDump]] = {}

    def take(self, entry: JobEntry) -> None:
        """A job was first seen, or its end is known now."""
        host = self._hosts.get(entry.uri)
        if host is None or (entry.ended is not None and entry.ended < self._since):
            return  # What ended before anyone looked is history.
        loop, key = asyncio.get_running_loop(), _row_key(entry)
        known = self._taken.get(entry.id)
        if entry.over:
            self._ends.pop(key, None)
            self._ends[key] = _End(entry.operation, entry.record, loop.time())
            _keep_latest(self._ends)
            self._automatic.pop(key, None)
        if self._due is None:
            self._due = loop.call_later(FOLD, self.tell)
        self._taken[entry.id] = entry, known[1] if known is not None else not entry.over and _is_new(entry, host)

    def tells_end_of(self, wait: JobWait) -> bool:
        """Whether the end that this wait has seen is told as that of an entry."""
        end = self._ends.get(wait.key)
        if end is None or end.operation != wait.operation:
            return False
        if wait.record is not None and end.record:
            return wait.record.id == end.record
        return end.at >= wait.began

    def told_by(self, wait: JobWait) -> None:
        """How that wait ended is told, without the entry of its job, which may come yet."""
        if wait.outcome is not None:
            record = wait.record.id if wait.record is not None else ""
            self._told_by_waits.pop(wait.key, None)
            self._told_by_waits[wait.key] = _ToldEnd(wait.operation, record, wait.outcome, time.time())
            _keep_latest(self._told_by_waits)

    def told_end(self, entry: JobEntry) -> Outcome | None:
        """How a wait has told that the entry's job ended, if one has."""
        told = self._told_by_waits.get(_row_key(entry))
        if told is None or entry.ended is None or told.operation != entry.operation:
            return None
        if told.entry:
            return told.outcome if told.entry == entry.id else None
        same = told.record == entry.record if told.record and entry.record else abs(told.at - entry.ended) <= SOON
        if not same:
            return None
        self._told_by_waits[_row_key(entry)] = replace(told, entry=entry.id)
        return told.outcome

    def automatic_dump(self, domain: DomainKey, key: RowKey) -> AutomaticDump | None:
        """The dump that runs, if the hypervisor is known to have begun it by itself."""
        known, dump = self._automatic.get(key, (None, None))
        return dump if known == domain else None

    def tell(self) -> None:
        """Tell now what was taken so far."""
        self.close()
        taken, self._taken = self._taken, {}
        of_host: dict[str, list[tuple[JobEntry, bool]]] = {}
        for entry, began in taken.values():
            of_host.setdefault(entry.uri, []).append((entry, began))
        for uri, entries in of_host.items():
            if (host := self._hosts.get(uri)) is not None:
                self._tell_of(host, entries)

    def close(self) -> None:
        """Tell no more by itself."""
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _tell_of(self, host: Host, entries: Sequence[tuple[JobEntry, bool]]) -> None:
        running = [(entry, began) for entry, began in entries if not entry.over]
        ended = [entry for entry, _ in entries if entry.over and self._is_news(entry)]
        begun = [entry for entry, began in running if began and not self._is_own(entry)]
        if len(begun) > FEW:
            self._log.count(host.name, len(begun), "job started", "jobs started")
        for entry, began in running:
            words = began and len(begun) <= FEW and not self._is_own(entry)
            if entry.operation is JobOperation.DUMP:
                task = self._tasks.start(entry.domain, self._tell_dump(host, entry, words))
                self._begins[entry.id] = task
                task.add_done_callback(lambda _, job=entry.id: self._begins.pop(job, None))  # type: ignore[misc]
            elif words:
                self._log.say(host.name_of(entry.key), f"{_name(entry)} started", Tone.QUIET)
        self._tell_ends(host, ended)

    def _tell_ends(self, host: Host, ended: Sequence[JobEntry]) -> None:
        own = [entry for entry in ended if self._is_attached(entry)]
        others = [entry for entry in ended if entry not in own]
        problems = [entry for entry in others if entry.verdict in _PROBLEMS]
        shown = own + (others if len(others) <= FEW else problems if len(problems) <= FEW else [])
        counted = Counter(entry.verdict for entry in ended if entry not in shown)
        for verdict, number in counted.items():
            keep = verdict in _PROBLEMS
            self._log.count(host.name, number, f"job ended: {verdict}", f"jobs ended: {verdict}", keep)
        for entry in shown:
            if (begin := self._begins.get(entry.id)) is not None:
                self._tasks.start(entry.domain, self._tell_after(begin, host, entry, entry in own))
            else:
                self._tell_end(host, entry, entry in own)

    async def _tell_after(self, begin: asyncio.Task[None], host: Host, entry: JobEntry, own: bool) -> None:
        await asyncio.wait({begin})
        self._tell_end(host, entry, own)

    def _tell_end(self, host: Host, entry: JobEntry, own: bool) -> None:
        outcome = entry.outcome
        assert outcome is not None
        self._log.tell(replace(outcome, domain=replace(outcome.domain, name=host.name_of(outcome.domain))), entry, own)

    async def _tell_dump(self, host: Host, entry: JobEntry, words: bool) -> None:
        """Find out who began the dump, and say so if it just began."""
        row = self._rows.get(RowKey(entry.uri, entry.uuid))
        by_hypervisor = host.happenings.may_be_dumped(entry.uuid, row.domain if row is not None else None)
        key = _row_key(entry)
        origin = await find_origin(host, entry.key, by_hypervisor, lambda: self._has_ended(entry))
        if origin.automatic is not None and not self._has_ended(entry):
            self._automatic[key] = entry.key, origin.automatic
            self._learned(key)
        if words and not self._is_own(entry):
            self._log.say(host.name_of(entry.key), f"{_name(entry)} started{origin.words}", Tone.QUIET)

    def _has_ended(self, entry: JobEntry) -> bool:
        taken = self._taken.get(entry.id)
        return entry.id in self._told or (taken is not None and taken[0].over)

    def _is_own(self, entry: JobEntry) -> bool:
        """Whether this user has requested it: then who requested it says that it began."""
        wait = self._waits.get(_row_key(entry))
        return bool(entry.record) or (wait is not None and wait.ours)

    def _is_attached(self, entry: JobEntry) -> bool:
        """Whether this user has requested it, or waits for it."""
        wait = self._waits.get(_row_key(entry))
        return wait is not None and wait.operation == entry.operation

    def _is_news(self, entry: JobEntry) -> bool:
        """Whether its end was not told, or as another one; it will be now."""
        outcome, before = entry.outcome, self._told.pop(entry.id, None) or self.told_end(entry)
        assert outcome is not None
        self._told[entry.id] = outcome
        _keep_latest(self._told)
        return before is None or before.verdict is not outcome.verdict


def _keep_latest(known: dict[Key, Any]) -> None:
    while len(known) > KEPT:
        del known[next(iter(known))]


def _row_key(entry: JobEntry) -> RowKey:
    return RowKey(entry.uri, entry.uuid, entry.disk or "")


def _name(entry: JobEntry) -> str:
    return job_name(entry.operation, entry.disk)


def _is_new(entry: JobEntry, host: Host) -> bool:
    """Whether it began while the host was watched: one that ran before anyone looked is no news."""
    return time.time() - entry.began < host.watched if entry.exact else host.watched >= news.SETTLED
