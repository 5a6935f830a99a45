"""Commands that were run as jobs, between the jobs of a history: as rows of its tables and as plain values for JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backend.outcome import Verdict
from backend.records.command import CommandRecord, settled, verdict
from backend.records.commands import Commands, to_json
from backend.records.history import Query
from backend.text import clean
from tui.words import runs, units

OPERATION = "run"


class CommandFeed:
    """The commands that a query is about, and what becomes of them. All methods block, and raise JournalError."""

    def __init__(self, query: Query, wanted: Callable[[CommandRecord], bool] = lambda record: True) -> None:
        """`wanted`: which of them."""
        self._query = query
        self._wanted = wanted
        self._words: dict[str, str] = {}
        """What was given of each last."""

    def recall(self) -> list[CommandRecord]:
        """Those that are on record, the latest first."""
        query = self._query
        if query.operation is not None:
            return []
        records = Commands().history(name=query.name, uris=query.uris, limit=query.limit)
        found = [record for record in map(settled, records) if self._answers(record)]
        self._words |= {record.id: word(record) for record in found}
        return found

    def changes(self) -> list[CommandRecord]:
        """Those that have begun or ended since the last call, the earliest first."""
        before = dict(self._words)
        return [record for record in reversed(self.recall()) if before.get(record.id) != word(record)]

    def _answers(self, record: CommandRecord) -> bool:
        if self._query.failed and verdict(record.state) not in (Verdict.FAILED, Verdict.UNPROVEN):
            return False
        since = self._query.since
        return (since is None or record.ended is None or record.ended >= since) and self._wanted(record)


def word(record: CommandRecord) -> str:
    """How it ended in a word: ``completed``, ``failed``, ``lost``, or ``running``."""
    return str(record.state) if record.over else "running"


def row(record: CommandRecord, width: int) -> list[str]:
    """Its cells for the headings of jobs, on a terminal that is so wide."""
    began = units.moment(record.started)
    return [
        began if width >= 100 else began[5:16],
        record.domain,
        _name(record),
        word(record),
        _took(record),
        clean(record.user),
        _details(record),
    ]


def full_row(record: CommandRecord) -> list[str]:
    """Its cells for the headings of jobs, in a file or a pipe."""
    return [
        units.moment(record.started),
        record.domain,
        _name(record),
        "",
        word(record),
        _took(record),
        "",
        _details(record),
        clean(record.user),
    ]


def history_json(record: CommandRecord) -> dict[str, Any]:
    """Plain values: the keys of a job's, and those of its record."""
    of_jobs: dict[str, Any] = dict.fromkeys(("path", "format", "code", "bytes", "disk", "downtime"))
    seconds = record.seconds
    return (
        of_jobs
        | {"flags": [], "operation": OPERATION, "detail": "", "left_paused": False, "sources": ["own call"]}
        | {"began": record.started, "seconds": seconds, "time_elapsed": int((seconds or 0.0) * 1000)}
        | {"requester": record.user, "observer": f"{record.user} ({OPERATION})"}
        | to_json(record)
        | {
            "state": word(record),
            "verdict": verdict(record.state),
            "evidence": runs.evidence(record) if record.over else None,
        }
    )


def _name(record: CommandRecord) -> str:
    return f"{OPERATION} {runs.name(record)}"


def _took(record: CommandRecord) -> str:
    return units.duration(record.seconds) if record.seconds is not None else ""


def _details(record: CommandRecord) -> str:
    """The command line, after why it failed."""
    why = f"{record.result}: " if record.over and verdict(record.state) is not Verdict.COMPLETED else ""
    return f"{clean(why)}{runs.command_line(record)}"
