"""Dumps that a console has queued, between the jobs of a history: as rows of its tables and as plain values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backend.model import JobOperation
from backend.records import process
from backend.records.dump_queue import DumpQueue
from backend.records.history import Query
from backend.records.queued_dump import QueuedDump
from backend.text import clean
from tui.words import units

QUEUED, NOT_STARTED = "queued", "not started"
_WHY = "its console ended first; the next one asks whether to queue it again"


class QueueFeed:
    """The queued dumps that a query is about, and what becomes of them. All methods block, and raise JournalError."""

    def __init__(self, query: Query, wanted: Callable[[QueuedDump], bool] = lambda dump: True) -> None:
        """`wanted`: which of them."""
        self._query = query
        self._wanted = wanted
        self._words: dict[str, str] = {}
        """What was given of each last."""

    def recall(self) -> list[QueuedDump]:
        """Those that are queued, the latest first."""
        if self._query.operation not in (None, JobOperation.DUMP):
            return []
        dumps = [dump for dump in reversed(DumpQueue().all(self._query.uris)) if self._answers(dump)]
        self._words = {dump.id: word(dump) for dump in dumps}
        return dumps

    def changes(self) -> list[QueuedDump]:
        """Those that were queued, or lost their console, since the last call, the earliest first."""
        before = dict(self._words)
        return [dump for dump in reversed(self.recall()) if before.get(dump.id) != word(dump)]

    def _answers(self, dump: QueuedDump) -> bool:
        name = self._query.name
        if name is not None and name not in (dump.domain, clean(dump.domain)) and name.lower() != dump.uuid:
            return False
        return (word(dump) == NOT_STARTED or not self._query.failed) and self._wanted(dump)


def word(dump: QueuedDump) -> str:
    """Where it stands: ``queued``, or ``not started`` if its console is gone."""
    return QUEUED if process.holder_alive(dump) else NOT_STARTED


def row(dump: QueuedDump, width: int) -> list[str]:
    """Its cells for the headings of jobs, on a terminal that is so wide."""
    queued = units.moment(dump.queued)
    cells = [queued if width >= 100 else queued[5:16], clean(dump.domain), "dump", word(dump), "", clean(dump.user)]
    return [*cells, clean(dump.path)]


def full_row(dump: QueuedDump) -> list[str]:
    """Its cells for the headings of jobs, in a file or a pipe."""
    return [
        units.moment(dump.queued),
        clean(dump.domain),
        "dump",
        dump.format_name,
        word(dump),
        "",
        clean(dump.path),
        _WHY if word(dump) == NOT_STARTED else "",
        clean(dump.user),
    ]


def history_json(dump: QueuedDump) -> dict[str, Any]:
    """Plain values: the keys of a job's. It has not begun: `started` and `began` are when it was queued."""
    unknown: dict[str, Any] = dict.fromkeys(
        ("ended", "code", "bytes", "disk", "seconds", "verdict", "evidence", "downtime")
    )
    return {
        "id": dump.id,
        "uri": dump.uri,
        "uuid": dump.uuid,
        "domain": dump.domain,
        "domain_id": dump.domain_id,
        "path": dump.path,
        "format": dump.format_name,
        "flags": dump.flags.labels,
        "user": dump.user,
        "started": dump.queued,
        "operation": JobOperation.DUMP.label,
        "pid": dump.pid,
        "state": word(dump),
        "error": "",
        "began": dump.queued,
        "detail": _WHY if word(dump) == NOT_STARTED else "",
        "time_elapsed": 0,
        "left_paused": False,
        "requester": dump.user,
        "observer": f"{dump.user} (queue)",
        "sources": ["own queue"],
    } | unknown
