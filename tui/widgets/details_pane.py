"""Everything about the domain, or the job of a disk, under the cursor, on three tabs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar

from textual import events, on, work
from textual.content import Content
from textual.message import Message

from backend.backup import Backup
from backend.errors import BackendError
from backend.job_origin import JobOrigin
from backend.job_stats import JobStats
from backend.model import DiskKey, DiskSource, JobOperation
from backend.observing.histories import recall
from backend.observing.lookup import DomainRecord, find_records
from backend.records.history import Query
from backend.records.record import JobRecord
from backend.threads import in_thread
from backend.verdicts.job_sources import SourcedJob
from tui.commands.commands import Command, CopyPath, ShowHistory, ShowInfo, ShowJob
from tui.commands.keys import Keys
from tui.session import job_origins
from tui.session.command_runs import CommandRuns
from tui.session.host import Host
from tui.session.rows import Row, RowKey
from tui.session.throughput import Throughputs
from tui.widgets import details_lines
from tui.widgets.clipboard import copy
from tui.widgets.details_lines import SHOWN
from tui.widgets.lines import Lines
from tui.words import past_jobs
from tui.words.cells import width
from tui.words.origins import Origin

logger = logging.getLogger(__name__)

RECORDS_AFTER = 0.15
"""Seconds that the cursor must rest before the records of its domain are read."""
LOOKS, LOOK_AGAIN = 3, 1.0
"""How often it is looked where a job comes from, as long as nothing is seen, and the seconds between two looks."""
TABS = {"job": ShowJob, "history": ShowHistory, "info": ShowInfo}
_TITLE_AT = 3
"""Where the title begins on the border."""


class DetailsPane(Lines):
    """Reads the records of the domain that it shows; repaints only what changed."""

    OFFERS: ClassVar[tuple[type[Command], ...]] = (ShowJob, ShowHistory, ShowInfo, CopyPath)

    @dataclass
    class Learned(Message):
        """The records of a domain's dumps were read, and what is remembered of its jobs, newest first."""

        key: RowKey
        records: list[DomainRecord]
        jobs: list[SourcedJob]

    @dataclass
    class SourceRead(Message):
        """What a disk with a job reads and writes."""

        key: RowKey
        source: DiskSource | None

    @dataclass
    class BackupRead(Message):
        """What the backup of a domain is made of."""

        key: RowKey
        backup: Backup | None

    @dataclass
    class OriginSeen(Message):
        """What this machine can see of where a job comes from."""

        key: RowKey
        origin: JobOrigin

    def __init__(self, throughputs: Throughputs, commands: CommandRuns, keys: Keys) -> None:
        super().__init__()
        self.tab = next(iter(TABS))
        self._keys = keys
        self._throughputs = throughputs
        self._commands = commands
        self._host: Host | None = None
        self._row: Row | None = None
        self._records: Sequence[DomainRecord] = ()
        self._jobs: Sequence[SourcedJob] = ()
        """What is remembered of the domain's jobs."""
        self._source: DiskSource | None = None
        """What the disk is on whose job is shown, as soon as that is known."""
        self._backup: Backup | None = None
        """What the backup is made of that is shown, as soon as that is known."""
        self._seen = JobOrigin()
        """What is seen of where the job comes from that is shown."""
        self._began: float | None = None
        """When that began, if its elapsed time tells."""
        self._titled: tuple[str, str] | None = None

    def show(self, row: Row | None, host: Host | None) -> None:
        if row == self._row:
            return
        same = row is not None and self._row is not None and row.key == self._row.key
        before = _stats_of(self._row) if same else None
        now = _stats_of(row)
        self._host, self._row = host, row
        if not same:
            self._records, self._jobs, self._source = (), (), None
            self.scroll_to(y=0, animate=False)
            self.read_records()
            if row is not None and host is not None and row.disk:
                self._read_source(host, row)
        if not (same and _is_same_job(before, now)):
            self._backup, self._seen, self._began = None, JobOrigin(), None
            if row is not None and host is not None and now is not None:
                self._look_for_origin(host, row, now)
                if now.operation == JobOperation.BACKUP:
                    self._read_backup(host, row)
        if now is not None and self._began is None:
            self._began = job_origins.started(now, time.time())
        self._show()

    def has_key(self, command: type[Command]) -> bool:
        return True

    def do_at_once(self, command: type[Command]) -> None:
        """None of its commands is done at once."""

    @on(ShowJob)
    def _show_job(self) -> None:
        self.show_tab("job")

    @on(ShowHistory)
    def _show_history(self) -> None:
        self.show_tab("history")

    @on(ShowInfo)
    def _show_info(self) -> None:
        self.show_tab("info")

    @on(CopyPath)
    def _copy_path(self) -> None:
        remembered = next((past_jobs.path(job) for job in self._jobs if job.entry.path), "")
        path = self._seen.path or (self.records[0].path if self.records else remembered)
        copy(self, path, "the dump path", "dump path")

    def show_tab(self, tab: str) -> None:
        self.tab = tab
        self.scroll_to(y=0, animate=False)
        self._show()

    @property
    def records(self) -> Sequence[JobRecord]:
        """The records of the domain's dumps, newest first."""
        return [item.record for item in self._records]

    def running_of(self, row: Row) -> JobRecord | None:
        """The record of that domain's running dump, if that domain is shown and has one."""
        if self._row is None or row.key != self._row.key:
            return None
        return next((record for record in self.records if not record.over and record.key == row.domain.key), None)

    def source_of(self, row: Row) -> DiskSource | None:
        """What the disk of that row is on, if that row is shown and it is known."""
        return self._source if self._row is not None and row.key == self._row.key else None

    def show_commands(self) -> None:
        """Other commands run than before."""
        self._show()

    def read_records(self) -> None:
        """Read the records again: they may have changed."""
        host, row = self._host, self._row
        if row is not None and host is not None:
            self._read(host, row)

    @work(group="records", exclusive=True)
    async def _read(self, host: Host, row: Row) -> None:
        await asyncio.sleep(RECORDS_AFTER)
        query = Query(name=row.domain.key.uuid, limit=SHOWN)
        recollection = await in_thread(lambda: recall(query), "history")
        try:
            records = await find_records(host.backend, row.domain.key, limit=SHOWN)
        except BackendError as error:
            logger.debug("no records of %s: %s", row.domain.name, error)
            records = []
        records.sort(key=lambda item: -item.record.started)
        self.post_message(self.Learned(row.key, records, recollection.jobs))

    @on(Learned)
    def _learned(self, event: Learned) -> None:
        learned = event.records, event.jobs
        if self._row is not None and event.key == self._row.key and learned != (self._records, self._jobs):
            self._records, self._jobs = learned
            self._show()

    @work(group="source", exclusive=True)
    async def _read_source(self, host: Host, row: Row) -> None:
        await asyncio.sleep(RECORDS_AFTER)
        try:
            source = await host.backend.disk_source(DiskKey(row.domain.key, row.disk))
        except BackendError as error:
            logger.debug("what %s is on is not known: %s", row.name, error)
            return
        self.post_message(self.SourceRead(row.key, source))

    @on(SourceRead)
    def _source_read(self, event: SourceRead) -> None:
        if self._row is not None and event.key == self._row.key:
            self._source = event.source
            self._show()

    @work(group="backup", exclusive=True)
    async def _read_backup(self, host: Host, row: Row) -> None:
        await asyncio.sleep(RECORDS_AFTER)
        try:
            backup = await host.backend.backup(row.domain.key)
        except BackendError as error:
            logger.debug("what the backup of %s is made of is not known: %s", row.name, error)
            return
        self.post_message(self.BackupRead(row.key, backup))

    @on(BackupRead)
    def _backup_read(self, event: BackupRead) -> None:
        stats = _stats_of(self._row)
        if self._row is not None and event.key == self._row.key and stats and stats.operation == JobOperation.BACKUP:
            self._backup = event.backup
            self._show()

    @work(group="origin", exclusive=True)
    async def _look_for_origin(self, host: Host, row: Row, stats: JobStats) -> None:
        await asyncio.sleep(RECORDS_AFTER)
        for number in range(LOOKS):
            if number:
                await asyncio.sleep(LOOK_AGAIN)
            try:
                origin = await host.backend.job_origin(row.job_key, stats.operation)
            except BackendError as error:
                logger.debug("where %s of %s comes from is not known: %s", stats.operation.label, row.name, error)
                return
            if origin != JobOrigin():
                self.post_message(self.OriginSeen(row.key, origin))
                return

    @on(OriginSeen)
    def _origin_seen(self, event: OriginSeen) -> None:
        if self._row is not None and event.key == self._row.key and self._row.progress is not None:
            self._seen = event.origin
            self._show()

    def on_resize(self) -> None:
        self._show()

    def on_click(self, event: events.Click) -> None:
        if event.y == 0 and self._row is not None:
            at = _TITLE_AT + width(self._row.name)
            for tab in TABS:
                text = self._tab_title(tab)
                if at <= event.x < at + len(text):
                    self.show_tab(tab)
                at += len(text)

    def _show(self) -> None:
        row, host, cells = self._row, self._host, self.scrollable_content_region.width
        if row is None or host is None:
            self.border_title, self._titled = None, None
            self.show_lines(())
            return
        self._show_title(row)
        if self.tab == "job" and row.disk:
            origin = self._origin(row)
            lines = details_lines.block_job(row, self._keys, origin, self._source, host.capabilities, cells)
        elif self.tab == "job":
            running = details_lines.commands(self._commands.of(row.key), cells)
            life = self._throughputs.get(row.key)
            origin = self._origin(row)
            job = details_lines.job(row, self._keys, self._records, self._jobs, origin, self._backup, life, cells)
            lines = chain(running, job)
        elif self.tab == "history":
            lines = details_lines.history(self._records, self._jobs, cells)
        else:
            lines = details_lines.info(row, self._keys, host.name, host.capabilities, cells)
        self.show_lines(list(lines))

    def _origin(self, row: Row) -> Origin:
        if row.progress is None:
            return Origin()
        seen, remembered = self._seen, self._jobs
        return job_origins.origin(row, self._began, self._records, remembered, seen, self._backup, self._source)

    def _show_title(self, row: Row) -> None:
        titled = row.name, self.tab
        if titled == self._titled:
            return
        self._titled = titled
        tabs = [(self._tab_title(tab), "bold $accent" if tab == self.tab else "$foreground-muted") for tab in TABS]
        self.border_title = Content.assemble((row.name, "bold"), *tabs)

    def _tab_title(self, tab: str) -> str:
        return f" ─ {self._keys[TABS[tab]]}:{tab}"


def _stats_of(row: Row | None) -> JobStats | None:
    """Those of the row's job; None without one."""
    return row.progress.stats if row is not None and row.progress is not None else None


def _is_same_job(before: JobStats | None, now: JobStats | None) -> bool:
    """Whether these may be the stats of one job of a row, one after the other."""
    if before is None or now is None:
        return before is now
    return before.operation == now.operation and before.time_elapsed <= now.time_elapsed
