"""The form that starts the dump of one domain, and says before what it will do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from textual import on
from textual.content import Content
from textual.message import Message
from textual.widgets import Button

from backend.errors import BackendError
from backend.model import Capabilities, Domain, DumpFlags
from backend.records.record import RecordState
from backend.running.place import Place
from tui.commands.commands import Back, Command, Start
from tui.config import dump_path
from tui.config.values import Dumps
from tui.dumping import choice as dump_choice
from tui.dumping.choice import DumpChoice
from tui.dumping.dump_form import DumpForm
from tui.session.host import Host
from tui.session.planned import QUEUED
from tui.session.waiting import Waiting


class DumpScreen(DumpForm[Waiting | None]):
    """Ends with a dump that has begun, or is queued; None: with none. `begin` takes its place in the host's queue."""

    class Moved(Message):
        """The dump that is being started has begun, or cannot."""

    def __init__(
        self,
        host: Host,
        domain: Domain,
        capabilities: Capabilities,
        folder: str,
        defaults: Dumps,
        begin: Callable[[DumpChoice], Waiting],
    ) -> None:
        self._host = host
        self._domain = domain
        self._capabilities = capabilities
        self._folder = folder
        self._begin = begin
        self._starting: Waiting | None = None
        super().__init__(domain.name, defaults)

    @property
    def choice(self) -> DumpChoice:
        """What the form says now."""
        return DumpChoice(self._host.uri, self._domain, self.path, self.format, self.flags, self.overwrite)

    def format_objection(self, name: str) -> str | None:
        return self._capabilities.formats.get(name)

    def flag_objection(self, flag: DumpFlags) -> str | None:
        return self._capabilities.flags.get(flag)

    def suggested(self) -> str:
        return dump_path.filled(self.defaults.path, self._folder, self._domain.name, self.format, self.opened)

    def local_paths(self) -> Sequence[str]:
        return [self.path] if self._capabilities.local else []

    def notes(self) -> Iterator[tuple[str, str]]:
        yield from dump_choice.notes(self.choice, self._place, self._capabilities)
        if self._starting is None and not self._host.turns.free:
            yield "warn", f"it will be queued: {self._host.turns.at_once} at a time run on this host"

    def command(self) -> Content:
        return Content(self.choice.command_line)

    @property
    def _place(self) -> Place:
        return self.places.get(self.path, Place())

    def refusal(self, command: type[Command]) -> str | None:
        if command is not Start:
            return None
        if self._starting is not None:
            return "it is being started"
        return dump_choice.objection(self.choice, self._place, self._capabilities)

    @on(Start)
    def _start(self) -> None:
        self.say("")
        try:
            self._starting = self._begin(self.choice)
        except BackendError as error:
            self.say(error.message)
            return
        if self._starting.stage == QUEUED:
            self.leave(self._starting)
            return
        self._starting.on_change = self._changed
        self.query_one("#start", Button).label = Content("Starting …")
        self.show()

    def _changed(self) -> None:
        self.post_message(self.Moved())

    @on(Moved)
    def _moved(self) -> None:
        starting = self._starting
        if starting is None:
            return
        record = starting.record
        if record is not None and record.state not in (RecordState.FAILED, RecordState.CANCELLED):
            self._turn_away()
            self.leave(starting)
        elif record is not None or starting.error is not None:
            self._turn_away()
            self.query_one("#start", Button).label = Content("Start the dump")
            self.say(record.error if record is not None else str(starting.error))
            self.show()
            self.look()

    @on(Back)
    def _back(self) -> None:
        # A dump that is being started goes on by itself.
        self._turn_away()
        self.leave(None)

    def _turn_away(self) -> None:
        if self._starting is not None:
            self._starting.on_change = lambda: None
            self._starting = None
