"""Everything about the domain under the cursor."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from textual import on
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from backend.base import Backend
from backend.errors import BackendError
from backend.model import Domain
from backend.record import JobRecord, RecordState
from tui import format
from tui.cells import crop, crop_path
from tui.host import Host
from tui.rows import Row, RowKey
from tui.widgets.columns import note

RECORDS_AFTER = 0.15
"""Seconds that the cursor must rest until the records of its domain are read."""
RECORDS_SHOWN = 5
Line = tuple[str, str, str]
"""A label, its value, and the value's style."""
_RECORD_STYLES = {
    RecordState.COMPLETED: ("✓", "$success"),
    RecordState.FAILED: ("✗", "$error"),
    RecordState.CANCELLED: ("⊘", "$warning"),
    RecordState.LOST: ("?", "$warning"),
}


class Details(Widget):
    """Reads the records of the domain that it shows; repaints only when what it shows is another thing."""

    @dataclass
    class Learned(Message):
        """What is known of a domain's dumps, newest first."""

        key: RowKey
        records: list[JobRecord]

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._host: Host | None = None
        self._row: Row | None = None
        self._records: Sequence[JobRecord] = ()

    def show(self, row: Row | None, host: Host | None) -> None:
        if row == self._row:
            return
        same = row is not None and self._row is not None and row.key == self._row.key
        self._host = host
        before = self._row.domain.name if self._row is not None else None
        if row is None:
            self.border_title = None
        elif row.domain.name != before:
            self.border_title = Content(row.domain.name)
        self._row = row
        if not same:
            self._records = ()
            self.read_records()
        self.refresh()

    @property
    def running(self) -> JobRecord | None:
        """The record of the domain's running dump, if there is one."""
        if self._row is None:
            return None
        key = self._row.domain.key
        return next((record for record in self._records if not record.over and record.key == key), None)

    def read_records(self) -> None:
        """Read them again: something may have changed."""
        if self._row is not None and self._host is not None:
            self.run_worker(self._read(self._host, self._row), group="records", exclusive=True)

    async def _read(self, host: Host, row: Row) -> None:
        await asyncio.sleep(RECORDS_AFTER)
        try:
            records = await _records(host.backend, row.domain)
        except BackendError:
            return
        self.post_message(self.Learned(row.key, records))

    @on(Learned)
    def _learned(self, event: Learned) -> None:
        if self._row is not None and event.key == self._row.key and event.records != self._records:
            self._records = event.records
            self.refresh()

    def render(self) -> Content:
        if self._row is None:
            return Content("")
        label_cells = 9
        room = max(10, self.size.width - label_cells - 1)
        lines = []
        for label, value, style in (
            *domain_lines(self._row),
            *job_lines(self._row),
            *record_lines(self._records, room),
        ):
            lines.append(Content.assemble((f"{label:<{label_cells}}", "$foreground-muted"), (crop(value, room), style)))
        return Content("\n").join(lines)


async def _records(backend: Backend, domain: Domain) -> list[JobRecord]:
    records = await asyncio.to_thread(backend.journal.history, None, domain.key.uuid, RECORDS_SHOWN)
    shared = await backend.record(domain.key) if domain.active else None
    if shared is not None and shared.id not in {record.id for record in records}:
        records.append(shared)
    return sorted(records, key=lambda record: -record.started)


def domain_lines(row: Row) -> list[Line]:
    domain = row.domain
    reason = f" ({domain.reason})" if domain.reason else ""
    said = note(row)
    facts = [f"{domain.state.label}{reason}", f"{format.size(domain.memory)} of memory"]
    if domain.key.id is not None:
        facts.append(f"id {domain.key.id}")
    lines = [("state", " · ".join(facts), "")]
    return [("", said[0], "$warning"), *lines] if said else lines


def job_lines(row: Row) -> list[Line]:
    if row.progress is None:
        return []
    progress, stats = row.progress, row.progress.stats
    doing = stats.operation.label
    if stats.closing:
        doing += ": closing the file"
    elif progress.stalled:
        doing += f": stalled for {format.duration(progress.stalled)}"
    facts = [doing, format.percent(progress.fraction), f"{format.duration(stats.time_elapsed / 1000)} elapsed"]
    if progress.eta is not None and not progress.stalled:
        facts.append(f"~{format.duration(progress.eta)} to go")
    sizes = [f"{format.size(stats.processed)} of {format.size(stats.total)}" if stats.total else ""]
    sizes += [f"{format.size(stats.remaining)} left" if stats.total else "", format.rate(progress.rate)]
    lines = [("job", " · ".join(filter(None, facts)), "$warning" if progress.stalled else "")]
    if any(sizes):
        lines.append(("memory", " · ".join(filter(None, sizes)), ""))
    return lines


def record_lines(records: Sequence[JobRecord], room: int) -> list[Line]:
    lines: list[Line] = []
    for record in records:
        if not record.over:
            lines.append(("writes", crop_path(f"{record.format_name} → {record.path}", room), ""))
            lines.append(("asked by", f"{record.user} at {format.clock(record.started)}", ""))
            continue
        symbol, style = _RECORD_STYLES[record.state]
        label = "dumps" if not any(label == "dumps" for label, _, _ in lines) else ""
        lines.append((label, f"{symbol} {format.moment(record.ended or record.started)} {record.state}", style))
        what = record.error or crop_path(f"{record.format_name} → {record.path}", room)
        lines.append(("", what, "$foreground-muted"))
    return lines
