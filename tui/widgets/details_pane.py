"""Everything about the domain, or the job of a disk, under the cursor, on three tabs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar

from textual import events, on, work
from textual.content import Content
from textual.message import Message

from backend.errors import BackendError, NoConnection
from backend.model import DiskSource
from backend.observing.history_feed import HistoryFeed
from backend.observing.lookup import DomainRecord, find_records
from backend.observing.remembered import Remembered
from backend.observing.told import told_jobs
from backend.records.history import Query
from backend.records.record import JobRecord
from backend.text import clean
from backend.threads import in_thread
from backend.verdicts.job_sources import SourcedJob
from tui.commands.commands import Command
from tui.commands.domains import CopyPath, ShowHistory, ShowInfo, ShowJob
from tui.commands.keys import Keys
from tui.session import job_facts, job_origins
from tui.session.command_runs import CommandRuns
from tui.session.host import Host
from tui.session.job_facts import JobFacts
from tui.session.rows import Row, RowKey, block_jobs
from tui.session.throughput import Throughputs
from tui.widgets import details_lines
from tui.widgets.clipboard import copy
from tui.widgets.details_lines import SHOWN
from tui.widgets.lines import Lines
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
        """The records of a domain's dumps were read, and what is remembered of it, newest first."""

        key: RowKey
        records: list[DomainRecord]
        history: Sequence[Remembered]

    @dataclass
    class FactsFound(Message):
        """Something was found out about a running job."""

        key: RowKey
        facts: JobFacts

    def __init__(
        self, throughputs: Throughputs, commands: CommandRuns, planned_path: Callable[[RowKey], str], keys: Keys
    ) -> None:
        """`planned_path`: the file of the dump that waits for its turn, or is starting, for that row."""
        super().__init__()
        self._planned_path = planned_path
        self.tab = next(iter(TABS))
        self._keys = keys
        self._throughputs = throughputs
        self._commands = commands
        self._host: Host | None = None
        self._row: Row | None = None
        self._records: Sequence[DomainRecord] = ()
        self._history: Sequence[Remembered] = ()
        """What is remembered of the domain."""
        self._jobs_shown: dict[RowKey, Row] = {}
        """The jobs that are shown, as they were last seen."""
        self._facts: dict[RowKey, JobFacts] = {}
        """What was found out about them."""
        self._began: dict[RowKey, float] = {}
        """When they began, where their elapsed time tells."""
        self._titled: tuple[str, str] | None = None

    def show(self, row: Row | None, host: Host | None) -> None:
        if row == self._row:
            return
        same = row is not None and self._row is not None and row.key == self._row.key
        self._host, self._row = host, row
        if not same:
            self._records, self._history = (), ()
            self.scroll_to(y=0, animate=False)
            self.read_records()
        self._follow_jobs()
        self._show()

    def _follow_jobs(self) -> None:
        """Look at the jobs that are new among those shown, and forget those that are over."""
        jobs = {row.key: row for row in _jobs_of(self._row)}
        same = {key for key, row in jobs.items() if _is_same_job(self._jobs_shown.get(key), row)}
        self._jobs_shown = jobs
        self._facts = {key: facts for key, facts in self._facts.items() if key in same}
        self._began = {key: began for key, began in self._began.items() if key in same}
        for key, row in jobs.items():
            if key not in self._began and row.progress is not None:
                began = job_origins.started(row.progress.stats, time.time())
                self._began |= {key: began} if began is not None else {}
        if self._host is not None and len(same) < len(jobs):
            self._look_at_jobs(self._host, [row for key, row in jobs.items() if key not in self._facts])

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
        remembered = next((clean(job.entry.path) for job in self._jobs if job.entry.path), "")
        seen = next((facts.seen.path for facts in self._facts.values() if facts.seen.path), "")
        path = seen or (self.records[0].path if self.records else remembered)
        copy(self, path, "the dump path", "dump path")

    def show_tab(self, tab: str) -> None:
        self.tab = tab
        self.scroll_to(y=0, animate=False)
        self._show()

    @property
    def _jobs(self) -> list[SourcedJob]:
        """What is remembered of the domain's jobs themselves, newest first."""
        return [item for item in self._history if isinstance(item, SourcedJob)]

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
        """What the disk of that row is on, if its job is shown and it is known."""
        return self._facts.get(row.key, job_facts.NOTHING).source

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
        recalled = await in_thread(HistoryFeed(query).recall, "history")
        told: list[SourcedJob] = []
        records: list[DomainRecord] = []
        try:
            told = await told_jobs(host.backend, row.domain.key, recalled.items)
            records = await find_records(host.backend, row.domain.key, limit=SHOWN)
        except BackendError as error:
            logger.debug("not all that is told of %s is known: %s", row.domain.name, error)
        records.sort(key=lambda item: -item.record.started)
        history = sorted([*recalled.items, *told], key=lambda item: item.requested, reverse=True)
        self.post_message(self.Learned(row.key, records, history[:SHOWN]))

    @on(Learned)
    def _learned(self, event: Learned) -> None:
        learned = event.records, event.history
        if self._row is not None and event.key == self._row.key and learned != (self._records, self._history):
            self._records, self._history = learned
            self._show()

    @work(group="facts", exclusive=True)
    async def _look_at_jobs(self, host: Host, rows: Sequence[Row]) -> None:
        await asyncio.sleep(RECORDS_AFTER)
        for number in range(LOOKS):
            if number:
                await asyncio.sleep(LOOK_AGAIN)
            unknown = []
            for row in rows:
                try:
                    facts = await job_facts.look(host, row)
                except NoConnection:
                    return
                self.post_message(self.FactsFound(row.key, facts))
                unknown += [] if facts.some else [row]
            rows = unknown

    @on(FactsFound)
    def _facts_found(self, event: FactsFound) -> None:
        if event.key in self._jobs_shown and self._facts.get(event.key) != event.facts:
            self._facts[event.key] = event.facts
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
            source = self.source_of(row)
            lines = details_lines.block_job(row, self._keys, self._origins[row.key], source, host.capabilities, cells)
        elif self.tab == "job":
            running = details_lines.commands(self._commands.of(row.key), cells)
            life, backup = self._throughputs.get(row.key), self._facts.get(row.key, job_facts.NOTHING).backup
            job = details_lines.job(row, self._keys, self._records, self._jobs, self._origins, backup, life, cells)
            planned = details_lines.planned(row, self._planned_path(row.key), cells)
            lines = chain(running, planned, job)
        elif self.tab == "history":
            lines = details_lines.history(self._records, self._history, cells)
        else:
            lines = details_lines.info(row, self._keys, host.name, host.capabilities, cells)
        self.show_lines(list(lines))

    @property
    def _origins(self) -> dict[RowKey, Origin]:
        """Where the jobs come from that are shown."""
        return {
            key: job_origins.origin(
                row, self._began.get(key), self._records, self._jobs, self._facts.get(key, job_facts.NOTHING)
            )
            for key, row in self._jobs_shown.items()
        }

    def _show_title(self, row: Row) -> None:
        titled = row.name, self.tab
        if titled == self._titled:
            return
        self._titled = titled
        tabs = [(self._tab_title(tab), "bold $accent" if tab == self.tab else "$foreground-muted") for tab in TABS]
        self.border_title = Content.assemble((row.name, "bold"), *tabs)

    def _tab_title(self, tab: str) -> str:
        return f" ─ {self._keys[TABS[tab]]}:{tab}"


def _jobs_of(row: Row | None) -> Iterator[Row]:
    """A row for each job that is shown with this one: its own, and those of its disks."""
    if row is not None:
        yield from [row] if row.progress is not None else []
        yield from () if row.disk else block_jobs(row)


def _is_same_job(before: Row | None, now: Row) -> bool:
    """Whether these may be about one job, one after the other."""
    if before is None or before.progress is None or now.progress is None or before.operation != now.operation:
        return False
    return before.progress.stats.time_elapsed <= now.progress.stats.time_elapsed
