"""The form that starts the dump of one domain, and says before what it will do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from textual import on
from textual.content import Content
from textual.message import Message
from textual.widgets import Button

from backend.errors import BackendError
from backend.model import Capabilities, Domain, DumpFlags
from backend.record import JobRecord, RecordState
from tui.commands import Back, Command, Start
from tui.config.values import Dumps
from tui.dumps import choice as dump_choice
from tui.dumps import path as dump_path
from tui.dumps.choice import DumpChoice, Place
from tui.host import Host
from tui.screens.dump_form import DumpForm


class DumpScreen(DumpForm[JobRecord | None]):
    """Ends with the record of a dump that has begun, or None."""

    @dataclass
    class Begun(Message):
        record: JobRecord

    @dataclass
    class Refused(Message):
        error: str

    def __init__(self, host: Host, domain: Domain, capabilities: Capabilities, folder: str, defaults: Dumps) -> None:
        self._host = host
        self._domain = domain
        self._capabilities = capabilities
        self._folder = folder
        self._starting = False
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
        return dump_choice.notes(self.choice, self._place, self._capabilities)

    def command(self) -> Content:
        return Content(self.choice.command_line)

    @property
    def _place(self) -> Place:
        return self.places.get(self.path, Place())

    def refusal(self, command: type[Command]) -> str | None:
        if command is not Start:
            return None
        if self._starting:
            return "it is being started"
        return dump_choice.objection(self.choice, self._place)

    @on(Start)
    def _start(self) -> None:
        self._starting = True
        self.say("")
        self.query_one("#start", Button).label = Content("Starting …")
        self.show()
        self.run_worker(self._start_dump(self.choice), group="start")

    async def _start_dump(self, choice: DumpChoice) -> None:
        try:
            record = await self._host.backend.start_dump(
                choice.request, overwrite=choice.overwrite, publish=self.defaults.publish
            )
        except BackendError as error:
            self.post_message(self.Refused(error.message))
            return
        if record.state in (RecordState.FAILED, RecordState.CANCELLED):
            self.post_message(self.Refused(record.error))
        else:
            self.post_message(self.Begun(record))

    @on(Begun)
    def _begun(self, event: Begun) -> None:
        self.dismiss(event.record)

    @on(Refused)
    def _refused(self, event: Refused) -> None:
        self._starting = False
        self.query_one("#start", Button).label = Content("Start the dump")
        self.say(event.error)
        self.show()
        self.look()

    @on(Back)
    def _back(self) -> None:
        # A dump that is being started goes on by itself; it is taken up from the journal.
        self.dismiss(None)
