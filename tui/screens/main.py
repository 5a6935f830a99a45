"""The main screen: what is running, how far along it is, and whether it is healthy."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.events import Resize
from textual.message import Message

from backend.records.command import CommandRecord
from backend.records.entry import JobEntry
from tui.commands import refusals, sorting
from tui.commands.commands import (
    Abort,
    ClearFilter,
    ClearMarks,
    Command,
    CopyName,
    CopyPath,
    CopyStats,
    Dump,
    Filter,
    Help,
    Migration,
    Open,
    Pivot,
    Resume,
    ReverseSort,
    ShowHistory,
    ShowHosts,
    ShowInfo,
    ShowJob,
    ShowPastJobs,
    Sort,
    Wait,
)
from tui.commands.keys import Keys
from tui.commands.offering import CommandPane, OfferingScreen
from tui.commands.reach import everywhere
from tui.config.values import Config
from tui.screens.confirm import ConfirmScreen
from tui.screens.dump_flow import DumpFlow
from tui.screens.host_flow import HostFlow
from tui.screens.migration import MigrationScreen
from tui.screens.wait_flow import WaitFlow
from tui.session.job_wait import JobWait
from tui.session.rows import Row, RowKey
from tui.session.session import Session
from tui.widgets.activity_pane import ActivityPane
from tui.widgets.banner import Banner
from tui.widgets.details_pane import DetailsPane
from tui.widgets.domain_pane import DomainPane
from tui.widgets.domain_table import DomainTable
from tui.widgets.key_bar import KeyBar
from tui.widgets.status_line import StatusLine
from tui.words import aborting, hidden, pivoting

if TYPE_CHECKING:
    from tui.screens.history import HistoryScreen

NARROW = 110
"""Columns below which details and activity are stacked."""
LOW, SHORT = 30, 18
"""Lines below which details and activity are small, and hidden."""


class MainScreen(OfferingScreen[None]):
    """Composes the panes around a session, and handles what concerns more than one of them."""

    AUTO_FOCUS = "DomainTable"
    OFFERS = (
        Dump,
        Wait,
        Open,
        Abort,
        Pivot,
        Migration,
        Resume,
        Filter,
        ClearFilter,
        ClearMarks,
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
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        *(command.binding() for command in OFFERS),
        Binding("escape", "leave_pane", "Back to the domains", show=False),
        *everywhere(DomainTable),
    ]

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
        self._key_names = keys
        self._activity = ActivityPane()
        self.session = Session(uris, readonly, config, self._activity, self, self.call_later, keys[Resume])
        self._domains = DomainPane(self.session.rows, several_hosts=len(uris) > 1)
        self._details = DetailsPane(self.session.throughputs, self.session.commands, keys)
        self._status = StatusLine(self.session.hosts.values())
        self._banner = Banner(self.session.hosts.values(), keys[ShowHosts])
        self._waits = WaitFlow(self, self.session, self._activity, keys)
        self._dumps = DumpFlow(self, self.session, self._dumps_started)
        self._hosts = HostFlow(self, self.session, self._activity)
        self._history: HistoryScreen | None = None
        """While it is open."""
        self._refused: list[bool] = []
        self._loaded = 0
        """The number of hosts whose domains are known."""

    def show_slow_terminal(self, slow: bool) -> None:
        """Say that the terminal takes so little that changes are shown less often, or does not any more."""
        self._status.show_slow_terminal(slow)

    def compose(self) -> ComposeResult:
        yield self._status
        yield self._banner
        yield self._domains
        with Container(id="below"):
            yield self._details
            yield self._activity
        yield KeyBar()

    def on_mount(self) -> None:
        self.rows_changed((), ())
        self.hosts_changed()
        # The first paint does not wait for any host.
        self.call_after_refresh(self.session.start)

    async def on_unmount(self) -> None:
        await self.session.close()

    def on_resize(self, event: Resize) -> None:
        self.set_class(event.size.width < NARROW, "-narrow")
        self.set_class(event.size.height < LOW, "-low")
        self.set_class(event.size.height < SHORT, "-short")

    @property
    def panes(self) -> Sequence[CommandPane]:
        return self._domains, self._details

    @property
    def main_list(self) -> DomainTable:
        return self._domains.table

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "leave_pane":
            return not self.main_list.has_focus
        return super().check_action(action, parameters)

    def no_effect(self, binding: Binding) -> str:
        if binding.id in (ClearFilter.id(), ClearMarks.id()):
            return "nothing is filtered, and nothing is marked"
        return f"{binding.description}: not now"

    def action_leave_pane(self) -> None:
        self.main_list.focus()

    # Called by the session

    def rows_changed(self, changed: Sequence[Row], removed: Sequence[RowKey]) -> None:
        table = self._domains.table
        before = table.cursor_row
        self._domains.apply(changed, removed)
        self.session.watch_closely(table.shown_keys)
        self._status.show(self.session.rows.domains, self.session.rows.jobs)
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

    def wait_ended(self, wait: JobWait) -> None:
        self._details.read_records()
        self.post_message(self.WaitEnded(wait))

    def commands_changed(self) -> None:
        self._details.show_commands()

    def command_ended(self, record: CommandRecord) -> None:
        self.post_message(self.CommandEnded(record))

    def remembered(self, entry: JobEntry) -> None:
        if self._history is not None:
            self._history.remembered()
        row = self._domains.table.cursor_row
        if row is not None and (row.uri, row.domain.key.uuid) == (entry.uri, entry.uuid):
            self._details.read_records()

    def action_failed(self, subject: str, error: str) -> None:
        self.notify(f"{subject}: {error}", severity="error", markup=False)

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

    # Commands

    def refusal(self, command: type[Command]) -> str | None:
        if not (command.of_domains or command.of_jobs):
            return None
        rows = self._selected(command)
        if not rows:
            marked = len(self._domains.hidden)
            return hidden.refusal(marked, self._key_names[ClearFilter]) if marked else refusals.NO_DOMAIN
        # Of several, some that allow it are enough.
        first: str | None = None
        for row in rows:
            reason = self._refusal_for(command, row)
            if reason is None:
                return None
            first = first or reason
        return first

    def _refusal_for(self, command: type[Command], row: Row) -> str | None:
        capabilities = self.session.hosts[row.uri].capabilities
        if command is Dump:
            return refusals.dump(row, capabilities, self._key_names)
        if command is Wait:
            return None if row.key in self.session.waits else refusals.wait(row)
        if command is Abort:
            return refusals.abort(row, capabilities, self._details.running_of(row))
        if command is Pivot:
            return refusals.pivot(row, capabilities)
        if command is Migration:
            return refusals.migration(row, capabilities)
        if command is Resume:
            return refusals.resume(row, capabilities)
        return None

    def _split(self, command: Command) -> tuple[list[Row], list[tuple[str, str]]]:
        """The rows that allow `command`, and the names of the others with the reasons."""
        able, refused = [], []
        for row in command.rows:
            reason = self._refusal_for(type(command), row)
            if reason is None:
                able.append(row)
            else:
                refused.append((row.name, reason))
        return able, refused

    def made(self, command: type[Command]) -> Command:
        if not (command.of_domains or command.of_jobs):
            return super().made(command)
        self._domains.table.hold()
        made = command(self._selected(command), self._domains.hidden)
        if made.hidden and not command.names_hidden:
            self.notify(hidden.left_out(len(made.hidden)), severity="warning", markup=False)
        return made

    def _selected(self, command: type[Command]) -> Sequence[Row]:
        """The rows that `command` is for; of the job of a disk, its domain's if it is a command for domains."""
        rows = self._domains.selected
        if not command.names_hidden:
            rows = [row for row in rows if self._domains.table.shows(row.key)]
        if command.of_jobs or not any(row.disk for row in rows):
            return rows
        return [self.session.rows[key] for key in dict.fromkeys(row.key.of_domain for row in rows)]

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

    @on(Dump)
    def _dump(self, event: Dump) -> None:
        rows, refused = self._split(event)
        if len(event.rows) > 1:
            self._dumps.open_form_for_several(rows, refused, event.hidden_names)
        elif rows:
            self._dumps.open_form(rows[0])

    def _dumps_started(self, waits: Sequence[JobWait]) -> None:
        self._domains.table.clear_marks()
        self._waits.show(waits)

    @on(Abort)
    def _abort(self, event: Abort) -> None:
        rows, refused = self._split(event)
        jobs = [(row.name, row.progress.stats if row.progress is not None else None) for row in rows]
        if len(event.rows) == 1 and rows:
            [(name, stats)] = jobs
            question = hidden.naming(aborting.question(rows[0].domain.name, stats), event.hidden_names)
            confirm = ConfirmScreen(f"Abort · {name}", question, f"Abort {aborting.job(stats)}")
        else:
            question = hidden.naming(aborting.question_about_several(jobs, refused), event.hidden_names)
            confirm = ConfirmScreen(f"Abort · {len(rows)} jobs", question, f"Abort {len(rows)} jobs")
        self._confirm(confirm, rows, self._abort_job)

    def _abort_job(self, row: Row) -> None:
        postcopy = row.progress is not None and row.progress.stats.postcopy is not None
        self.session.abort(self.session.hosts[row.uri], row.job_key, postcopy)

    @on(Pivot)
    def _pivot(self, event: Pivot) -> None:
        rows, refused = self._split(event)
        if len(event.rows) == 1 and rows and rows[0].progress is not None:
            row, stats = rows[0], rows[0].progress.stats
            question = pivoting.question(row.domain.name, stats, self._details.source_of(row))
            question = hidden.naming(question, event.hidden_names)
            confirm = ConfirmScreen(f"Pivot · {row.name}", question, f"Pivot {row.disk}")
        else:
            names = [row.name for row in rows]
            question = hidden.naming(pivoting.question_about_several(names, refused), event.hidden_names)
            confirm = ConfirmScreen(f"Pivot · {len(rows)} disks", question, f"Pivot {len(rows)} disks")
        self._confirm(confirm, rows, lambda row: self.session.pivot(self.session.hosts[row.uri], row.disk_key))

    def _confirm(self, screen: ConfirmScreen, rows: Sequence[Row], do: Callable[[Row], None]) -> None:
        """Ask before doing it to each of the rows, if there are any."""

        def answered(confirmed: bool | None) -> None:
            for row in rows if confirmed else ():
                if row.uri in self.session.hosts:
                    do(row)

        if rows:
            self.open(screen, answered)

    @on(Migration)
    def _migration(self, event: Migration) -> None:
        rows, _ = self._split(event)
        if len(event.rows) > 1:
            self.refuse("only one migration at a time can be helped: unmark the domains")
        elif rows:
            self.open(MigrationScreen(self.session, rows[0]))

    @on(Resume)
    def _resume(self, event: Resume) -> None:
        rows, refused = self._split(event)
        if refused and not rows:
            self.refuse(refused[0][1])
        for row in rows:
            self.session.resume(self.session.hosts[row.uri], row.domain.key)

    @on(ShowHosts)
    def _show_hosts(self) -> None:
        self._hosts.show()

    @on(ShowPastJobs)
    def _show_past_jobs(self) -> None:
        from tui.screens.history import HistoryScreen  # Few need it, and everyone waits for the start.

        if self._history is None:
            self._history = HistoryScreen(self.session.host_name, lambda: self.session.memory.trouble)
            self.open(self._history, self._history_left)

    def _history_left(self, _: None) -> None:
        self._history = None
