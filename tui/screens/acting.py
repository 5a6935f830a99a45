"""What a user can do to domains, wherever they are shown in a table."""

from __future__ import annotations

import asyncio

from textual import on

from backend.errors import BackendError, JournalError
from backend.record import JobRecord
from tui import dump_choice, refusals
from tui.commands import Abort, Command, DomainCommand, Dump, Resume, Wait
from tui.config import Config
from tui.host import Host
from tui.messages import Acted
from tui.rows import Row
from tui.screens.confirm import ConfirmScreen
from tui.screens.dump import DumpScreen
from tui.screens.offering import OfferingScreen
from tui.screens.wait import WaitScreen
from tui.waiting import Waiting
from tui.waits import Waits
from tui.widgets.activity import Activity
from tui.widgets.details import Details
from tui.widgets.domain_table import DomainTable


class ActingScreen(OfferingScreen[None]):
    """Dumps, waits, aborts and resumes; what came of it stands in the activity."""

    def __init__(self, uris: list[str], readonly: bool, config: Config) -> None:
        super().__init__()
        self.config = config
        self.hosts = {uri: Host(uri, readonly, self.post_message, config) for uri in uris}
        self.waits = Waits(self.run_worker, self.post_message)
        self.table = DomainTable(several_hosts=len(uris) > 1)
        self.details = Details()
        self.activity = Activity()

    def refusal(self, command: type[Command]) -> str | None:
        row = self.table.cursor_row
        capabilities = self.hosts[row.uri].capabilities if row is not None else None
        if command is Dump:
            return refusals.dump(row, capabilities)
        if command is Wait:
            return None if row is not None and row.key in self.waits else refusals.wait(row)
        if command is Abort:
            return refusals.abort(row, capabilities, self.details.running)
        if command is Resume:
            return refusals.resume(row, capabilities)
        return None

    def made(self, command: type[Command]) -> Command:
        row = self.table.cursor_row
        if row is None or not issubclass(command, DomainCommand):
            return super().made(command)
        self.table.hold()
        return command(row)

    @on(DomainTable.Chosen)
    def _chosen(self) -> None:
        self.offer(Wait)

    @on(Wait)
    def _wait(self, event: Wait) -> None:
        row = event.row
        known = self.waits.get(row.key)
        if known is not None:
            self._show_wait(known)
        elif row.progress is not None:
            waiting = Waiting(self.hosts[row.uri], row.domain.key, row.progress.stats.operation)
            self._show_wait(self.waits.begin(waiting))

    def _show_wait(self, waiting: Waiting) -> None:
        self.app.push_screen(WaitScreen(waiting), lambda _: self._detached(waiting))

    def _detached(self, waiting: Waiting) -> None:
        if waiting.over:
            return
        name, operation = waiting.domain.name, waiting.operation.label
        if self.waits.leave(waiting):
            said = f"detached from the {operation}, which goes on; its end will be told here"
        else:
            said = f"detached from the {operation}, which goes on; w attaches again"
        self.activity.say(name, said)
        self.notify(f"{name}: {said}", markup=False)

    @on(Dump)
    def _dump(self, event: Dump) -> None:
        self.run_worker(self._open_dump(self.hosts[event.row.uri], event.row), group="open", exclusive=True)

    async def _open_dump(self, host: Host, row: Row) -> None:
        capabilities = host.capabilities
        if capabilities is None:
            return
        try:
            folder = await asyncio.to_thread(dump_choice.suggested_folder, host.uri, capabilities.local)
        except (JournalError, OSError) as error:
            self.post_message(Acted(row.domain.name, "dump", str(error)))
            return
        form = DumpScreen(host, row.domain, capabilities, folder, self.config.dump)
        self.app.push_screen(form, lambda record: self._dump_begun(host, record))

    def _dump_begun(self, host: Host, record: JobRecord | None) -> None:
        if record is None:
            self.waits.look_for_pending(host)
            return
        self.activity.say(record.domain, f"dump started → {record.path}")
        self._show_wait(self.waits.begin(Waiting(host, record.key, record.operation, record)))

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
            backend = self.hosts[row.uri].backend
            await (backend.abort if what == "abort" else backend.resume)(row.domain.key)
        except BackendError as error:
            self.post_message(Acted(row.domain.name, what, error.message))
        else:
            self.post_message(Acted(row.domain.name, what))

    @on(Acted)
    def _acted(self, event: Acted) -> None:
        if event.error:
            self.activity.say(event.domain, f"✗ {event.what} failed: {event.error}", "$error")
            self.notify(f"{event.domain}: {event.error}", severity="error", markup=False)
        else:
            self.activity.say(event.domain, f"{event.what} was asked for and taken")
