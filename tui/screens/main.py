"""The main screen: what is running, how far along it is, and whether it is healthy."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from backend.records.command import CommandRecord
from backend.records.entry import JobEntry
from tui.commands import sorting, user_actions
from tui.commands.commands import ClearFilter, Command, Export, Filter, Help, ReverseSort, Sort
from tui.commands.domains import (
    BusyOnly,
    ChooseColumns,
    ClearMarks,
    CopyName,
    CopyPath,
    CopyStats,
    Enlarge,
    FocusActivity,
    LeavePane,
    NextPane,
    PreviousPane,
    ProblemsOnly,
    ShowDone,
    ShowHistory,
    ShowInfo,
    ShowJob,
    ShowPastJobs,
)
from tui.commands.hosts import RetryHosts, ShowHosts
from tui.commands.jobs import Abort, Dump, Migration, Open, Pivot, Resume, ShowWaits, Wait
from tui.commands.keys import Keys
from tui.commands.offering import CommandPane, OfferingScreen
from tui.commands.reach import everywhere
from tui.commands.texts import ShowLog, ShowXml
from tui.commands.user_actions import UserAction
from tui.config.values import Config
from tui.screens.activity_flow import ActivityFlow
from tui.screens.columns_flow import ColumnsFlow
from tui.screens.done_flow import DoneFlow
from tui.screens.dump_flow import DumpFlow
from tui.screens.history_flow import HistoryFlow
from tui.screens.host_flow import HostFlow
from tui.screens.job_actions import JobActions, job_of_row
from tui.screens.left_queue_flow import LeftQueueFlow
from tui.screens.migration import MigrationScreen
from tui.screens.selection import Selection
from tui.screens.text_flow import TextFlow
from tui.screens.wait_flow import WaitFlow
from tui.session.activity import Activity
from tui.session.activity_log import Tone
from tui.session.job_wait import JobWait
from tui.session.rows import Row, RowKey
from tui.session.session import Session
from tui.terminal.private_textual import add_bindings
from tui.widgets.activity_pane import ActivityPane
from tui.widgets.banner import Banner
from tui.widgets.body import Body
from tui.widgets.counts import Counts
from tui.widgets.details_pane import DetailsPane
from tui.widgets.domain_pane import DomainPane
from tui.widgets.domain_table import DomainTable
from tui.widgets.key_bar import KeyBar
from tui.widgets.status_line import StatusLine
from tui.words import hidden


class MainScreen(OfferingScreen[None]):
    """Composes the panes around a session, and handles what concerns more than one of them."""

    AUTO_FOCUS = "DomainTable"
    OFFERS: ClassVar[tuple[type[Command], ...]] = (
        Dump,
        Wait,
        Open,
        ShowWaits,
        Abort,
        Resume,
        Filter,
        Pivot,
        Migration,
        ClearFilter,
        ClearMarks,
        LeavePane,
        Sort,
        ReverseSort,
        *sorting.OF_DOMAINS,
        Help,
        ShowJob,
        ShowHistory,
        ShowInfo,
        CopyName,
        CopyPath,
        CopyStats,
        ShowHosts,
        ShowPastJobs,
        ChooseColumns,
        ShowDone,
        FocusActivity,
        Enlarge,
        NextPane,
        PreviousPane,
        ShowLog,
        ShowXml,
        ProblemsOnly,
        BusyOnly,
        Export,
        RetryHosts,
    )
    BINDINGS: ClassVar[list[BindingType]] = [*(command.binding() for command in OFFERS), *everywhere(DomainTable)]
    PARTS = (DomainTable,)

    @dataclass
    class CommandEnded(Message):
        """A command ended that was run for a domain."""

        record: CommandRecord

    @dataclass
    class WaitEnded(Message):
        """A wait is over: it has an outcome or an error."""

        wait: JobWait

    def __init__(self, uris: list[str], readonly: bool, config: Config, keys: Keys) -> None:
        super().__init__()
        actions = user_actions.commands(config.actions)
        self.OFFERS = (*type(self).OFFERS, *actions)  # type: ignore[misc]
        add_bindings(self, [action.binding() for action in actions])
        self._key_names = keys
        self._activity = Activity()
        self.session = Session(uris, readonly, config, self._activity, self, self.call_later, keys[Resume])
        self._domains = DomainPane(self.session.rows, several_hosts=len(uris) > 1, keys=keys)
        waits = self.session.waits
        self._details = DetailsPane(self.session.throughputs, self.session.commands, waits.planned_path, keys)
        self._body = Body(self._domains, self._details, ActivityPane(self._activity, keys))
        self._status = StatusLine(self.session.hosts.values())
        self._banner = Banner(self.session.hosts.values(), keys[ShowHosts], keys[RetryHosts])
        self._selection = Selection(self.session, self._domains, self._details, keys)
        self._actions = JobActions(self, self.session)
        self._waits = WaitFlow(self, self.session, self._activity, keys)
        self._dumps = DumpFlow(self, self.session, self._dumps_started)
        self._hosts = HostFlow(self, self.session, self._activity, keys)
        self._columns = ColumnsFlow(self, self._domains.table, config.columns)
        self._done = DoneFlow(self, self.session.deeds)
        self._activity_flow = ActivityFlow(self, self.session, self.go_to, self._hosts.show)
        self._history = HistoryFlow(self, self.session)
        self._texts = TextFlow(self, self.session)
        self.left_queue = LeftQueueFlow(self, self.session, self._activity, self._waits.show)
        self._refused: list[bool] = []
        self._loaded = 0
        """The number of hosts whose domains are known."""

    def show_slow_terminal(self, slow: bool) -> None:
        """Say that the terminal takes so little that changes are shown less often, or does not any more."""
        self._status.show_slow_terminal(slow)

    def compose(self) -> ComposeResult:
        yield self._status
        yield self._banner
        yield self._body
        yield KeyBar()

    def on_mount(self) -> None:
        self.rows_changed((), ())
        self.hosts_changed()
        # The first paint does not wait for any host.
        self.call_after_refresh(self.session.start)
        self.run_worker(self._columns.remember())

    async def on_unmount(self) -> None:
        await self.session.close()
        await self._columns.close()

    @property
    def panes(self) -> Sequence[CommandPane]:
        return self._domains, self._details, self._body

    @property
    def main_list(self) -> DomainTable:
        return self._domains.table

    def no_effect(self, binding: Binding) -> str:
        if binding.id in (ClearFilter.id(), ClearMarks.id()):
            return "nothing is filtered, and nothing is marked"
        return f"{binding.description}: not now"

    # Called by the session

    def rows_changed(self, changed: Sequence[Row], removed: Sequence[RowKey]) -> None:
        table = self._domains.table
        before = table.cursor_row
        self._domains.apply(changed, removed)
        self.session.watch_closely(table.shown_keys)
        self._body.show_rows(len(self.session.rows))
        self._show_counts()
        if isinstance(self.app.screen, MigrationScreen):
            for row in changed:
                self.app.screen.show(row)
        if before is not None and any(row.key == before.key and row.progress is None for row in changed):
            self._details.read_records()  # Its job may just have ended.

    def hosts_changed(self) -> None:
        hosts, loaded = self.session.hosts, self.session.loaded
        self._status.refresh()
        self._banner.show_problems()
        table = self._domains.table
        table.show_hosts(len(hosts) > 1)
        loading = [host.name for host in hosts.values() if host.uri not in loaded]
        nothing = "no domains" if hosts else f"no host: {self._key_names[ShowHosts]} adds one"
        table.show_placeholder(f"waiting for {', '.join(loading)} …" if loading else nothing)
        self._hosts.refresh()
        self._waits.refresh()
        self._refresh_refusals()
        if len(loaded) > self._loaded:
            # These objects stay: garbage collection need not visit 10,000 domains again and again.
            gc.freeze()
        self._loaded = len(loaded)

    def _show_counts(self) -> None:
        rows, tally = self.session.rows, self.session.tally
        self._status.show(Counts(rows.domains, rows.problems, rows.jobs, tally.failed, tally.unproven))

    def wait_ended(self, wait: JobWait) -> None:
        self._show_counts()
        self._details.read_records()
        if not wait.left:
            self.post_message(self.WaitEnded(wait))

    def commands_changed(self) -> None:
        self._details.show_commands()
        self._details.read_records()

    def command_ended(self, record: CommandRecord) -> None:
        self.post_message(self.CommandEnded(record))

    def remembered(self, entry: JobEntry) -> None:
        self._show_counts()
        self._history.remembered()
        row = self._domains.table.cursor_row
        if row is not None and (row.uri, row.domain.key.uuid) == (entry.uri, entry.uuid):
            self._details.read_records()

    def deeds_changed(self) -> None:
        self._done.refresh()

    def action_failed(self, subject: str, error: str) -> None:
        self.notify(f"{subject}: {error}", severity="error", markup=False)

    def flashed(self, text: str, tone: Tone) -> None:
        """The flash line says this."""
        self._activity.note(text, tone)

    def queue_left(self) -> None:
        self.left_queue.offer()

    def on_screen_resume(self) -> None:
        self.left_queue.resume()

    # What concerns several panes

    @on(DomainPane.CursorMoved)
    def _cursor_moved(self) -> None:
        row = self._domains.table.cursor_row
        self._details.show(row, self.session.hosts[row.uri] if row is not None else None)
        self._refresh_refusals()

    @on(DetailsPane.Learned)
    def _learned(self) -> None:
        self._refresh_refusals()

    def _refresh_refusals(self) -> None:
        refused = [self.refusal(command) is not None for command in self.OFFERS]
        if refused != self._refused:
            self._refused = refused
            self.refresh_bindings()

    def all_domains(self) -> Iterator[Row]:
        """See DomainScreen."""
        return (row for row in self.session.rows.values() if not row.disk)

    def go_to(self, key: RowKey) -> None:
        """See DomainScreen."""
        self._domains.go_to(key)
        self._body.go_home()

    # Commands

    def refusal(self, command: type[Command]) -> str | None:
        if command is RetryHosts:
            return self._hosts.nothing_to_retry
        if command is ShowWaits:
            return self._waits.refusal
        return self._selection.refusal(command)

    def made(self, command: type[Command]) -> Command:
        if not (command.of_domains or command.of_jobs):
            return super().made(command)
        made = self._selection.command(command)
        if made.hidden and not command.names_hidden:
            self.notify(hidden.left_out(len(made.hidden)), severity="warning", markup=False)
        return made

    @on(ActivityPane.Chosen)
    def _show_entry(self, event: ActivityPane.Chosen) -> None:
        self._activity_flow.show(event.entry)

    @on(DomainTable.Chosen)
    def _chosen(self) -> None:
        self.offer(Open)

    @on(Open)
    def _open(self) -> None:
        row = self._domains.table.cursor_row
        wait = self.session.wait_for(row) if row is not None else None
        if wait is not None:
            self._waits.show([wait])
        elif row is not None:
            self._details.show_tab("job" if row.view.block_jobs else "history")

    @on(Wait)
    def _wait(self, event: Wait) -> None:
        waits = [wait for row in event.rows if (wait := self.session.wait_for(row)) is not None]
        if len(waits) < len(event.rows):
            self.notify(f"{len(event.rows) - len(waits)} of {len(event.rows)} have no job to wait for", markup=False)
        self._waits.show(waits)

    @on(ShowWaits)
    def _show_waits(self) -> None:
        self._waits.show_last()

    @on(Dump)
    def _dump(self, event: Dump) -> None:
        rows, refused = self._selection.split(event)
        if len(event.rows) > 1:
            self._dumps.open_form_for_several(rows, refused, event.hidden_names)
        elif rows:
            self._dumps.open_form(rows[0])

    def _dumps_started(self, waits: Sequence[JobWait]) -> None:
        self._domains.table.clear_marks()
        self._waits.show(waits)

    @on(Abort)
    def _abort(self, event: Abort) -> None:
        rows, refused = self._selection.split(event)
        self._actions.abort([job_of_row(self.session, row) for row in rows], refused, event.hidden_names)

    @on(Pivot)
    def _pivot(self, event: Pivot) -> None:
        rows, refused = self._selection.split(event)
        source = self._details.source_of(rows[0]) if len(rows) == 1 else None
        self._actions.pivot([job_of_row(self.session, row) for row in rows], refused, event.hidden_names, source)

    @on(Migration)
    def _migration(self, event: Migration) -> None:
        rows, _ = self._selection.split(event)
        if len(event.rows) > 1:
            self.refuse("only one migration at a time can be helped: unmark the domains")
        elif rows:
            self.open(MigrationScreen(self.session, rows[0]))

    @on(Resume)
    def _resume(self, event: Resume) -> None:
        rows, refused = self._selection.split(event)
        if refused and not rows:
            self.refuse(refused[0][1])
        for row in rows:
            self.session.actions.resume(self.session.hosts[row.uri], row.domain.key)

    @on(UserAction)
    def _run_action(self, event: UserAction) -> None:
        from tui.screens.action_flow import ActionFlow  # Few have any.

        row = self._domains.table.cursor_row
        host = self.session.hosts[row.uri] if row is not None else None
        ActionFlow(self, self.session, self._activity).run(event, host)

    @on(ShowLog)
    def _show_log(self) -> None:
        if (row := self._domains.table.cursor_row) is not None:
            self._texts.show_log(row)

    @on(ShowXml)
    def _show_xml(self) -> None:
        if (row := self._domains.table.cursor_row) is not None:
            self._texts.show_xml(row)

    @on(Export)
    def _export(self) -> None:
        from tui.screens.export import ExportScreen  # As below.

        self.open(ExportScreen(self._domains.table.export()))

    @on(ShowHosts)
    def _show_hosts(self) -> None:
        self._hosts.show()

    @on(ChooseColumns)
    def _choose_columns(self) -> None:
        self._columns.choose()

    @on(RetryHosts)
    def _retry_hosts(self) -> None:
        self._hosts.retry()
        self._banner.show_problems()

    @on(ShowPastJobs)
    def _show_past_jobs(self) -> None:
        self._history.show()

    @on(ShowDone)
    def _show_done(self) -> None:
        self._done.show()
