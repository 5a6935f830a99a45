"""The one screen that answers: what is running, how far, and is it all right?"""

from __future__ import annotations

import gc
from dataclasses import replace

from textual import on
from textual.app import ComposeResult
from textual.containers import Container
from textual.events import Resize

from backend.model import JobOperation
from backend.observing.watcher import DomainView
from backend.records.record import JobRecord
from tui.commands.keys import Keys
from tui.config.values import Config
from tui.screens.hosting import HostingScreen
from tui.screens.reporter import Reporter
from tui.screens.wait import WaitScreen
from tui.screens.waits import WaitsScreen
from tui.session import news
from tui.session.foreign import ForeignDumps, Told
from tui.session.host import DomainsChanged, Host, HostChanged, Link
from tui.session.rows import Row, RowKey
from tui.session.waiting import Waiting
from tui.session.waits import PendingFound, WaitEnded
from tui.widgets.details import Details
from tui.widgets.domain_table import DomainTable
from tui.widgets.filter_line import FilterLine
from tui.widgets.key_bar import KeyBar

LEFT_AFTER = 2.0
"""Seconds that a domain must stand paused by a dump, with no job, until it counts as left so."""
NARROW = 110
"""Columns below which details and activity stand one above the other."""
LOW, SHORT = 30, 18
"""Lines below which details and activity are small, and not there."""


class MainScreen(HostingScreen):
    """Watches the connections, and shows and tells what changes."""

    AUTO_FOCUS = "DomainTable"

    def __init__(self, uris: list[str], readonly: bool, config: Config, keys: Keys) -> None:
        super().__init__(uris, readonly, config, keys)
        self._refused: tuple[str | None, ...] = ()
        foreign = ForeignDumps(self.run_worker, self.post_message)
        self.reporter = Reporter(self.activity, self.table.rows, self.waits, foreign, keys)

    def compose(self) -> ComposeResult:
        yield self.status
        yield self.banner
        yield self.table
        yield FilterLine(id="filter")
        with Container(id="below"):
            yield self.details
            yield self.activity
        yield KeyBar()

    def on_mount(self) -> None:
        self.show_counts()
        self.show_hosts()
        # The first paint waits for nobody.
        self.call_after_refresh(self.hosts.attend)

    def on_resize(self, event: Resize) -> None:
        self.set_class(event.size.width < NARROW, "-narrow")
        self.set_class(event.size.height < LOW, "-low")
        self.set_class(event.size.height < SHORT, "-short")

    @on(HostChanged)
    def _host_changed(self, event: HostChanged) -> None:
        host = event.host
        if not self.hosts.has(host):
            return
        if host.link is Link.DOWN:
            self.activity.say(host.name, news.no_connection(host), "$error")
        elif event.before is not Link.UP:
            self.activity.say(
                host.name, f"connected: {host.capabilities.hypervisor}" if host.capabilities else "connected"
            )
            self.waits.look_for_pending(host)
        elif host.reason:
            self.activity.say(host.name, host.reason, "$warning")
        self.show_hosts()
        rows = [self.table.rows[key] for key in self.table.rows.of_host(host.uri)]
        stale = host.link is Link.DOWN
        self.table.apply([replace(row, stale=stale) for row in rows if row.stale is not stale])
        if isinstance(self.app.screen, WaitScreen | WaitsScreen):
            self.app.screen.link_changed()

    def show_hosts(self) -> None:
        super().show_hosts()
        self._refresh_refusals()

    def show_counts(self) -> None:
        self.status.show(len(self.table.rows), self.table.rows.busy)
        self.table.show_title()

    @on(DomainsChanged)
    def _domains_changed(self, event: DomainsChanged) -> None:
        host, table = event.host, self.table
        if not self.hosts.has(host):
            return
        changed = [self._row(host, view) for view in event.changed]
        removed = [(host.uri, uuid) for uuid in event.removed]
        if event.all:
            present = {row.key for row in changed}
            removed += [key for key in table.rows.of_host(host.uri) if key not in present]
            self.loaded.add(host.uri)
            self.reporter.first(host, changed)
        else:
            self.reporter.changes(host, changed, removed)
        ended = {row.key for row in changed if row.progress is None}
        self.throughputs.learn(changed)
        self.throughputs.forget(removed)
        self.show_rows(changed, removed)
        host.watch_closely({uuid for uri, uuid in table.shown_keys if uri == host.uri})
        for row in changed:
            if row.maybe_left_paused and not row.left_paused:
                self.set_timer(LEFT_AFTER, lambda row=row: self._check_left(row))
        self.show_counts()
        cursor = table.cursor_row
        if cursor is not None and cursor.key in ended:
            self.details.read_records()
        if event.all:
            self.show_hosts()
            # What is there stays: the search for garbage need not go through 10,000 domains again and again.
            gc.freeze()

    def _row(self, host: Host, view: DomainView) -> Row:
        known = self.table.rows.get((host.uri, view.domain.key.uuid))
        waiting = self.waits.get((host.uri, view.domain.key.uuid))
        pending = waiting.stage if waiting is not None and view.progress is None else ""
        row = Row(host.uri, view, host.name, pending=pending, stale=host.link is Link.DOWN)
        if known is not None and known.other_end and news.operation(known) == news.operation(row):
            row = replace(row, other_end=known.other_end)
        still = known is not None and known.left_paused and row.maybe_left_paused
        return replace(row, left_paused=True) if still else row

    def waiting_changed(self, waiting: Waiting) -> None:
        row = self.table.rows.get(waiting.key)
        if row is not None:
            self.table.apply([self._row(waiting.host, row.view)])

    def _check_left(self, row: Row) -> None:
        if self.table.rows.get(row.key) == row:
            self.reporter.left_paused(row)
            self.table.apply([replace(row, left_paused=True)])
            self._refresh_refusals()

    @on(PendingFound)
    def _pending_found(self, event: PendingFound) -> None:
        for record in event.records if self.hosts.has(event.host) else ():
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
        self.reporter.ended(waiting)
        self.waiting_changed(waiting)
        self.details.read_records()

    @on(Told)
    def _told(self, event: Told) -> None:
        if event.outcome is not None:
            self.activity.tell(event.outcome)
        else:
            self.activity.say(event.domain, event.words, "$foreground-muted")

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
