"""The one screen that answers: what is running, how far, and is it all right?"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.events import Resize
from textual.widgets import Static

from backend.model import JobOperation
from backend.record import JobRecord
from backend.watcher import DomainView
from tui import news
from tui.commands import (
    Abort,
    ClearFilter,
    ClearMarks,
    Command,
    Dump,
    Filter,
    Help,
    Open,
    Resume,
    ReverseSort,
    ShowHistory,
    ShowInfo,
    ShowJob,
    Sort,
    Wait,
)
from tui.config import Config
from tui.host import Host, Link
from tui.messages import DomainsChanged, HostChanged, PendingFound, WaitEnded
from tui.rows import Row, RowKey
from tui.screens.acting import ActingScreen
from tui.screens.help import HelpScreen
from tui.screens.wait import WaitScreen
from tui.screens.waits import WaitsScreen
from tui.waiting import Waiting
from tui.widgets.details import Details
from tui.widgets.domain_table import DomainTable
from tui.widgets.filter_line import FilterLine
from tui.widgets.key_bar import KeyBar
from tui.widgets.status_line import StatusLine

LEFT_AFTER = 2.0
"""Seconds that a domain must stand paused by a dump, with no job, until it counts as left so."""
FEW = 8
"""News of jobs at one time that are told one by one."""
NARROW = 110
"""Columns below which details and activity stand one above the other."""
LOW, SHORT = 30, 18
"""Lines below which details and activity are small, and not there."""


class MainScreen(ActingScreen):
    """Watches the connections, and shows and tells what changes."""

    OFFERS = (
        Dump,
        Wait,
        Open,
        Abort,
        Resume,
        Filter,
        ClearFilter,
        ClearMarks,
        Sort,
        ReverseSort,
        ShowJob,
        ShowHistory,
        ShowInfo,
        Help,
    )
    BINDINGS: ClassVar[list[BindingType]] = [command.binding() for command in OFFERS]
    AUTO_FOCUS = "DomainTable"

    def __init__(self, uris: list[str], readonly: bool, config: Config) -> None:
        super().__init__(uris, readonly, config)
        self._refused: tuple[str | None, ...] = ()
        self._loaded: set[str] = set()
        self._status = StatusLine(list(self.hosts.values()))
        self._told: set[RowKey] = set()
        """Domains whose job still shows although its end was told."""

    def compose(self) -> ComposeResult:
        yield self._status
        yield Static(id="banner", markup=False)
        yield self.table
        yield FilterLine(id="filter")
        with Container(id="below"):
            yield self.details
            yield self.activity
        yield KeyBar()

    def on_mount(self) -> None:
        self._show_counts()
        self._show_hosts()
        # The first paint waits for nobody.
        self.call_after_refresh(self._attend)

    def _attend(self) -> None:
        for host in self.hosts.values():
            self.run_worker(host.attend(), group="hosts")

    def on_resize(self, event: Resize) -> None:
        self.set_class(event.size.width < NARROW, "-narrow")
        self.set_class(event.size.height < LOW, "-low")
        self.set_class(event.size.height < SHORT, "-short")

    @on(HostChanged)
    def _host_changed(self, event: HostChanged) -> None:
        host = event.host
        if host.link is Link.DOWN:
            self.activity.say(host.name, f"no connection: {host.reason}", "$error")
        elif event.before is not Link.UP:
            self.activity.say(
                host.name, f"connected: {host.capabilities.hypervisor}" if host.capabilities else "connected"
            )
            self.waits.look_for_pending(host)
        elif host.reason:
            self.activity.say(host.name, host.reason, "$warning")
        self._show_hosts()
        if isinstance(self.app.screen, WaitScreen | WaitsScreen):
            self.app.screen.link_changed()

    def _show_hosts(self) -> None:
        self._status.refresh()
        ailing = [host for host in self.hosts.values() if host.reason]
        banner = self.query_one("#banner", Static)
        banner.display = bool(ailing)
        banner.update(Content("\n").join(f" ✗ {host.name}: {host.reason}; trying again" for host in ailing))
        awaited = [host.name for host in self.hosts.values() if host.uri not in self._loaded]
        self.table.show_placeholder(f"waiting for {', '.join(awaited)} …" if awaited else "no domains here")
        self._refresh_refusals()

    def _show_counts(self) -> None:
        self._status.show(len(self.table.rows), self.table.rows.busy)
        self.table.show_title()

    @on(DomainsChanged)
    def _domains_changed(self, event: DomainsChanged) -> None:
        host, table = event.host, self.table
        changed = [self._row(host, view) for view in event.changed]
        removed = [(host.uri, uuid) for uuid in event.removed]
        if event.all:
            present = {row.key for row in changed}
            removed += [key for key in table.rows.of_host(host.uri) if key not in present]
            self._loaded.add(host.uri)
        else:
            self._tell_changes(host, changed)
        self.throughputs.learn(changed)
        self.throughputs.forget(removed)
        table.apply(changed, removed)
        host.watch_closely({uuid for uri, uuid in table.shown_keys if uri == host.uri})
        for row in changed:
            if row.maybe_left_paused and not row.left_paused:
                self.set_timer(LEFT_AFTER, lambda row=row: self._check_left(row))
        self._show_counts()
        if event.all:
            self._show_hosts()

    def _row(self, host: Host, view: DomainView) -> Row:
        known = self.table.rows.get((host.uri, view.domain.key.uuid))
        waiting = self.waits.get((host.uri, view.domain.key.uuid))
        pending = waiting.stage if waiting is not None and view.progress is None else ""
        row = Row(host.uri, view, host.name, pending=pending)
        still = known is not None and known.left_paused and row.maybe_left_paused
        return replace(row, left_paused=True) if still else row

    def waiting_changed(self, waiting: Waiting) -> None:
        row = self.table.rows.get(waiting.key)
        if row is not None:
            self.table.apply([self._row(waiting.host, row.view)])

    def _check_left(self, row: Row) -> None:
        if self.table.rows.get(row.key) == row:
            self.activity.say(row.domain.name, "is left paused by a dump that has no job any more", "$warning")
            self.table.apply([replace(row, left_paused=True)])
            self._refresh_refusals()

    def _tell_changes(self, host: Host, changed: list[Row]) -> None:
        rows, watched, cursor = self.table.rows, host.watched, self.table.cursor_row
        told: list[tuple[Row, str]] = []
        for row in changed:
            before = rows.get(row.key)
            words = news.jobs(before, row, watched)
            if not words:
                continue
            if before is cursor:
                self.details.read_records()
            if row.key in self._told:
                # How that job ended was told when its wait did.
                self._told.discard(row.key)
                words = words[1:]
            if row.key not in self.waits:
                told += [(row, word) for word in words]
        if len(told) > FEW:
            self.activity.count(host.name, len(told), "jobs began or ended")
        else:
            for row, word in told:
                self.activity.say(row.domain.name, word, "$foreground-muted")
        if any(news.operation(row) is JobOperation.DUMP for row, _ in told):
            self.waits.look_for_pending(host)

    @on(PendingFound)
    def _pending_found(self, event: PendingFound) -> None:
        for record in event.records:
            key = (event.host.uri, record.uuid)
            if key not in self.waits and (record.uri == event.host.uri or self._runs(key, record)):
                self.activity.say(record.domain, f"attached to the dump → {record.path}")
                self.waiting_changed(self.waits.begin(Waiting(event.host, record.key, record.operation, record)))

    def _runs(self, key: RowKey, record: JobRecord) -> bool:
        """Whether it is the dump of that very domain, asked for by another of its host's URIs."""
        row = self.table.rows.get(key)
        return row is not None and row.domain.key == record.key and news.operation(row) is JobOperation.DUMP

    @on(WaitEnded)
    def _wait_ended(self, event: WaitEnded) -> None:
        waiting = event.waiting
        self.waits.ended(waiting)
        if waiting.outcome is not None:
            if news.operation(self.table.rows.get(waiting.key)) is waiting.operation:
                self._told.add(waiting.key)
            self.activity.tell(waiting.outcome)
        elif waiting.error is not None:
            what = "dump not started" if waiting.ours and waiting.record is None else "not waited for any more"
            self.activity.say(waiting.domain.name, f"{what}: {waiting.error.message}", "$warning")
        self.waiting_changed(waiting)
        self.details.read_records()

    @on(DomainTable.Highlighted)
    def _highlighted(self, event: DomainTable.Highlighted) -> None:
        row = self.table.cursor_row
        self.details.show(row, self.hosts[row.uri] if row is not None else None)
        self._refresh_refusals()

    @on(Details.Learned)
    def _learned(self) -> None:
        self._refresh_refusals()

    def _refresh_refusals(self) -> None:
        refused = tuple(self.refusal(command) for command in self.OFFERS)
        if [bool(reason) for reason in refused] != [bool(reason) for reason in self._refused]:
            self.refresh_bindings()
        self._refused = refused

    def do_at_once(self, command: type[Command]) -> None:
        if command is Filter:
            filter = self.query_one(FilterLine)
            filter.display = True
            self.set_focus(filter)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action != "command":
            return True
        # While one types a filter, a slash is a character like any other.
        typing = isinstance(self.focused, FilterLine)
        filtered = typing or bool(self.table.rows.filter)
        allowed = {
            Filter.id(): not typing,
            ClearFilter.id(): filtered,
            ClearMarks.id(): not filtered and bool(self.table.marked),
        }
        return allowed.get(str(parameters[0]), True)

    @on(FilterLine.Changed)
    def _filter_changed(self, event: FilterLine.Changed) -> None:
        self.table.filter_by(event.value)
        self._show_counts()
        self.refresh_bindings()

    @on(FilterLine.Submitted)
    def _filter_kept(self, event: FilterLine.Submitted) -> None:
        event.input.display = bool(event.value.strip())
        self.table.focus()

    @on(ClearFilter)
    def _clear_filter(self) -> None:
        filter = self.query_one(FilterLine)
        filter.value = ""
        filter.display = False
        self.table.focus()

    @on(ClearMarks)
    def _clear_marks(self) -> None:
        self.table.clear_marks()

    @on(DomainTable.Marked)
    def _marked(self) -> None:
        self.refresh_bindings()

    @on(Sort)
    def _sort(self) -> None:
        self.table.sort_by_next()

    @on(ReverseSort)
    def _reverse_sort(self) -> None:
        self.table.sort_by(self.table.sorted_by, not self.table.descending)

    @on(ShowJob)
    def _show_job(self) -> None:
        self.details.show_tab("job")

    @on(ShowHistory)
    def _show_history(self) -> None:
        self.details.show_tab("history")

    @on(ShowInfo)
    def _show_info(self) -> None:
        self.details.show_tab("info")

    @on(Help)
    def _help(self) -> None:
        self.app.push_screen(HelpScreen(self))
