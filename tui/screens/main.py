"""The one screen that answers: what is running, how far, and is it all right?"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.content import Content
from textual.events import Resize
from textual.widgets import Static
from textual.worker import Worker

from backend.errors import BackendError, JournalError
from backend.model import JobOperation
from backend.record import JobRecord
from backend.watcher import DomainView
from tui import dump_choice, news, refusals
from tui.commands import (
    Abort,
    ClearFilter,
    Command,
    DomainCommand,
    Dump,
    Filter,
    Help,
    Resume,
    ReverseSort,
    Sort,
    Wait,
)
from tui.config import Config
from tui.host import Host, Link
from tui.messages import Acted, DomainsChanged, HostChanged, PendingFound, WaitEnded
from tui.rows import Row, RowKey
from tui.screens.confirm import ConfirmScreen
from tui.screens.dump import DumpScreen
from tui.screens.help import HelpScreen
from tui.screens.offering import OfferingScreen
from tui.screens.wait import WaitScreen
from tui.waiting import Waiting
from tui.widgets.activity import Activity
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


class MainScreen(OfferingScreen[None]):
    """Owns the connections, the waits in the background, and what happened."""

    OFFERS = (Dump, Wait, Abort, Resume, Filter, ClearFilter, Sort, ReverseSort, Help)
    BINDINGS: ClassVar[list[BindingType]] = [command.binding() for command in OFFERS]
    AUTO_FOCUS = "DomainTable"

    def __init__(self, uris: list[str], readonly: bool, config: Config) -> None:
        super().__init__()
        self._config = config
        self._hosts = {uri: Host(uri, readonly, self.post_message, config) for uri in uris}
        self._waits: dict[RowKey, tuple[Waiting, Worker[None]]] = {}
        self._refused: tuple[str | None, ...] = ()
        self._loaded: set[str] = set()
        self._status = StatusLine(list(self._hosts.values()))
        self._table = DomainTable(several_hosts=len(uris) > 1)
        self._details = Details()
        self._activity = Activity()
        self._told: set[RowKey] = set()
        """Domains whose job still shows although its end was told."""

    def compose(self) -> ComposeResult:
        yield self._status
        yield Static(id="banner", markup=False)
        yield self._table
        yield FilterLine(id="filter")
        with Container(id="below"):
            yield self._details
            yield self._activity
        yield KeyBar()

    def on_mount(self) -> None:
        self._show_counts()
        self._show_hosts()
        # The first paint waits for nobody.
        self.call_after_refresh(self._attend)

    def _attend(self) -> None:
        for host in self._hosts.values():
            self.run_worker(host.attend(), group="hosts")

    def on_resize(self, event: Resize) -> None:
        self.set_class(event.size.width < NARROW, "-narrow")
        self.set_class(event.size.height < LOW, "-low")
        self.set_class(event.size.height < SHORT, "-short")

    @on(HostChanged)
    def _host_changed(self, event: HostChanged) -> None:
        host = event.host
        if host.link is Link.DOWN:
            self._activity.say(host.name, f"no connection: {host.reason}", "$error")
        elif event.before is not Link.UP:
            self._activity.say(
                host.name, f"connected: {host.capabilities.hypervisor}" if host.capabilities else "connected"
            )
            self._take_up(host)
        elif host.reason:
            self._activity.say(host.name, host.reason, "$warning")
        self._show_hosts()
        if isinstance(self.app.screen, WaitScreen):
            self.app.screen.link_changed()

    def _show_hosts(self) -> None:
        self._status.refresh()
        ailing = [host for host in self._hosts.values() if host.reason]
        banner = self.query_one("#banner", Static)
        banner.display = bool(ailing)
        banner.update(Content("\n").join(f" ✗ {host.name}: {host.reason}; trying again" for host in ailing))
        awaited = [host.name for host in self._hosts.values() if host.uri not in self._loaded]
        self._table.show_placeholder(f"waiting for {', '.join(awaited)} …" if awaited else "no domains here")
        self._refresh_refusals()

    def _show_counts(self) -> None:
        self._status.show(len(self._table.rows), self._table.rows.busy)
        self._table.show_title()

    @on(DomainsChanged)
    def _domains_changed(self, event: DomainsChanged) -> None:
        host, table = event.host, self._table
        changed = [self._row(host, view) for view in event.changed]
        removed = [(host.uri, uuid) for uuid in event.removed]
        if event.all:
            present = {row.key for row in changed}
            removed += [key for key in table.rows.of_host(host.uri) if key not in present]
            self._loaded.add(host.uri)
        else:
            self._tell_changes(host, changed)
        table.apply(changed, removed)
        for row in changed:
            if row.maybe_left_paused and not row.left_paused:
                self.set_timer(LEFT_AFTER, lambda row=row: self._check_left(row))
        self._show_counts()
        if event.all:
            self._show_hosts()

    def _row(self, host: Host, view: DomainView) -> Row:
        known = self._table.rows.get((host.uri, view.domain.key.uuid))
        row = Row(host.uri, view)
        still = known is not None and known.left_paused and row.maybe_left_paused
        return Row(host.uri, view, left_paused=True) if still else row

    def _check_left(self, row: Row) -> None:
        if self._table.rows.get(row.key) == row:
            self._activity.say(row.domain.name, "is left paused by a dump that has no job any more", "$warning")
            self._table.apply([Row(row.uri, row.view, left_paused=True)])
            self._refresh_refusals()

    def _tell_changes(self, host: Host, changed: list[Row]) -> None:
        rows, watched, cursor = self._table.rows, host.watched, self._table.cursor_row
        told: list[tuple[Row, str]] = []
        for row in changed:
            before = rows.get(row.key)
            words = news.jobs(before, row, watched)
            if not words:
                continue
            if before is cursor:
                self._details.read_records()
            if row.key in self._told:
                # How that job ended was told when its wait did.
                self._told.discard(row.key)
                words = words[1:]
            if row.key not in self._waits:
                told += [(row, word) for word in words]
        if len(told) > FEW:
            self._activity.say(host.name, f"{len(told)} jobs began or ended", "$foreground-muted")
        else:
            for row, word in told:
                self._activity.say(row.domain.name, word, "$foreground-muted")
        if any(news.operation(row) is JobOperation.DUMP for row, _ in told):
            self._take_up(host)

    def _take_up(self, host: Host) -> None:
        """Attach to this user's dumps that have no result yet, whoever started them from wherever."""
        self.run_worker(self._find_pending(host), group=f"pending {host.uri}", exclusive=True)

    async def _find_pending(self, host: Host) -> None:
        try:
            records = await asyncio.to_thread(host.backend.journal.pending)
        except BackendError as error:
            self.post_message(Acted("journal", "read", error.message))
            return
        self.post_message(PendingFound(host, records))

    @on(PendingFound)
    def _pending_found(self, event: PendingFound) -> None:
        for record in event.records:
            key = (event.host.uri, record.uuid)
            if key not in self._waits and (record.uri == event.host.uri or self._runs(key, record)):
                self._activity.say(record.domain, f"attached to the dump → {record.path}")
                self._wait_for(event.host, Waiting(event.host, record.key, record.operation, record))

    def _runs(self, key: RowKey, record: JobRecord) -> bool:
        """Whether it is the dump of that very domain, asked for by another of its host's URIs."""
        row = self._table.rows.get(key)
        return row is not None and row.domain.key == record.key and news.operation(row) is JobOperation.DUMP

    def _wait_for(self, host: Host, waiting: Waiting) -> Waiting:
        worker = self.run_worker(self._run_wait(waiting), group="waits")
        self._waits[host.uri, waiting.domain.uuid] = waiting, worker
        return waiting

    async def _run_wait(self, waiting: Waiting) -> None:
        await waiting.run()
        self.post_message(WaitEnded(waiting))

    @on(WaitEnded)
    def _wait_ended(self, event: WaitEnded) -> None:
        waiting = event.waiting
        key = (waiting.host.uri, waiting.domain.uuid)
        self._waits.pop(key, None)
        if waiting.outcome is not None:
            if news.operation(self._table.rows.get(key)) is waiting.operation:
                self._told.add(key)
            self._activity.tell(waiting.outcome)
        elif waiting.error is not None:
            self._activity.say(waiting.domain.name, f"not waited for any more: {waiting.error.message}", "$warning")
        self._details.read_records()

    @on(DomainTable.Highlighted)
    def _highlighted(self, event: DomainTable.Highlighted) -> None:
        row = self._table.cursor_row
        self._details.show(row, self._hosts[row.uri] if row is not None else None)
        self._refresh_refusals()

    @on(Details.Learned)
    def _learned(self) -> None:
        self._refresh_refusals()

    def refusal(self, command: type[Command]) -> str | None:
        row = self._table.cursor_row
        capabilities = self._hosts[row.uri].capabilities if row is not None else None
        if command is Dump:
            return refusals.dump(row, capabilities)
        if command is Wait:
            return None if row is not None and row.key in self._waits else refusals.wait(row)
        if command is Abort:
            return refusals.abort(row, capabilities, self._details.running)
        if command is Resume:
            return refusals.resume(row, capabilities)
        return None

    def made(self, command: type[Command]) -> Command:
        row = self._table.cursor_row
        if row is None or not issubclass(command, DomainCommand):
            return super().made(command)
        self._table.hold()
        return command(row)

    def _refresh_refusals(self) -> None:
        refused = tuple(self.refusal(command) for command in self.OFFERS)
        if [bool(reason) for reason in refused] != [bool(reason) for reason in self._refused]:
            self.refresh_bindings()
        self._refused = refused

    @on(DomainTable.Chosen)
    def _chosen(self) -> None:
        self.offer(Wait)

    @on(Wait)
    def _wait(self, event: Wait) -> None:
        row = event.row
        host = self._hosts[row.uri]
        if row.key in self._waits:
            self._show_wait(self._waits[row.key][0])
        elif row.progress is not None:
            waiting = Waiting(host, row.domain.key, row.progress.stats.operation)
            self._show_wait(self._wait_for(host, waiting))

    def _show_wait(self, waiting: Waiting) -> None:
        self.app.push_screen(WaitScreen(waiting), lambda _: self._detached(waiting))

    def _detached(self, waiting: Waiting) -> None:
        key = (waiting.host.uri, waiting.domain.uuid)
        if waiting.over or key not in self._waits:
            return
        name, operation = waiting.domain.name, waiting.operation.label
        if waiting.record is None:
            _, worker = self._waits.pop(key)
            worker.cancel()
            said = f"detached from the {operation}, which goes on; w attaches again"
        else:
            said = f"detached from the {operation}, which goes on; its end will be told here"
        self._activity.say(name, said)
        self.notify(f"{name}: {said}", markup=False)

    @on(Dump)
    def _dump(self, event: Dump) -> None:
        self.run_worker(self._open_dump(self._hosts[event.row.uri], event.row), group="open", exclusive=True)

    async def _open_dump(self, host: Host, row: Row) -> None:
        capabilities = host.capabilities
        if capabilities is None:
            return
        try:
            folder = await asyncio.to_thread(dump_choice.suggested_folder, host.uri, capabilities.local)
        except (JournalError, OSError) as error:
            self.post_message(Acted(row.domain.name, "dump", str(error)))
            return
        form = DumpScreen(host, row.domain, capabilities, folder, self._config.dump)
        self.app.push_screen(form, lambda record: self._dump_begun(host, record))

    def _dump_begun(self, host: Host, record: JobRecord | None) -> None:
        if record is None:
            self._take_up(host)
            return
        self._activity.say(record.domain, f"dump started → {record.path}")
        key = (host.uri, record.uuid)
        known = self._waits.get(key)
        if known is not None:
            self._show_wait(known[0])
        else:
            self._show_wait(self._wait_for(host, Waiting(host, record.key, record.operation, record)))

    @on(Abort)
    def _abort(self, event: Abort) -> None:
        row = event.row
        if row.progress is None:
            return
        operation = row.progress.stats.operation.label
        question = f"Abort the {operation} of {row.domain.name}?\nWhat it has done so far will be lost."
        confirm = ConfirmScreen(f"Abort · {row.domain.name}", question, f"Abort the {operation}")

        def answered(confirmed: bool | None) -> None:
            if confirmed:
                self.run_worker(self._act(row, "abort"), group="acts")

        self.app.push_screen(confirm, answered)

    @on(Resume)
    def _resume(self, event: Resume) -> None:
        self.run_worker(self._act(event.row, "resume"), group="acts")

    async def _act(self, row: Row, what: str) -> None:
        try:
            backend = self._hosts[row.uri].backend
            await (backend.abort if what == "abort" else backend.resume)(row.domain.key)
        except BackendError as error:
            self.post_message(Acted(row.domain.name, what, error.message))
        else:
            self.post_message(Acted(row.domain.name, what))

    @on(Acted)
    def _acted(self, event: Acted) -> None:
        if event.error:
            self._activity.say(event.domain, f"✗ {event.what} failed: {event.error}", "$error")
            self.notify(f"{event.domain}: {event.error}", severity="error", markup=False)
        else:
            self._activity.say(event.domain, f"{event.what} was asked for and taken")

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
        allowed = {Filter.id(): not typing, ClearFilter.id(): typing or bool(self._table.rows.filter)}
        return allowed.get(str(parameters[0]), True)

    @on(FilterLine.Changed)
    def _filter_changed(self, event: FilterLine.Changed) -> None:
        self._table.filter_by(event.value)
        self._show_counts()
        self.refresh_bindings()

    @on(FilterLine.Submitted)
    def _filter_kept(self, event: FilterLine.Submitted) -> None:
        event.input.display = bool(event.value.strip())
        self._table.focus()

    @on(ClearFilter)
    def _clear_filter(self) -> None:
        filter = self.query_one(FilterLine)
        filter.value = ""
        filter.display = False
        self._table.focus()

    @on(Sort)
    def _sort(self) -> None:
        self._table.sort_by_next()

    @on(ReverseSort)
    def _reverse_sort(self) -> None:
        self._table.sort_by(self._table.sorted_by, not self._table.descending)

    @on(Help)
    def _help(self) -> None:
        self.app.push_screen(HelpScreen(self))
