"""The form that dumps one domain. It says beforehand what will happen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.events import Resize
from textual.message import Message
from textual.screen import ModalScreen

from backend.dump_request import DumpFlags
from backend.errors import BackendError
from backend.records.record import RecordState
from backend.running.place import Place
from tui.commands.commands import Back, Command
from tui.commands.jobs import Start
from tui.commands.offering import CommandPane, OfferingScreen
from tui.config import dump_path
from tui.config.values import Dumps
from tui.dumping import choice as dump_choice
from tui.dumping import dump_form, ending
from tui.dumping.choice import DumpChoice, Note
from tui.dumping.dump_form import DumpForm
from tui.dumping.target import Target
from tui.session.job_wait import JobWait
from tui.widgets.key_bar import KeyBar


class DumpScreen(OfferingScreen[JobWait | None], ModalScreen[JobWait | None]):
    """Ends with the wait for a dump that was started or queued, or None.

    `begin` puts a dump into the host's queue; `ask` is for one that its guest does not survive.
    """

    AUTO_FOCUS = ""  # The form does that itself, without scrolling.
    OFFERS = dump_form.OFFERS
    BINDINGS: ClassVar[list[BindingType]] = dump_form.BINDINGS

    class Moved(Message):
        """The dump was started, or could not be."""

    def __init__(
        self, target: Target, defaults: Dumps, begin: Callable[[DumpChoice], JobWait], ask: ending.Ask
    ) -> None:
        self._host = target.host
        self._domain = target.domain
        self._capabilities = target.capabilities
        self._folder = target.folder
        self._disk_jobs = target.disk_jobs
        self._begin = begin
        self._ask_first = ask
        self._starting: JobWait | None = None
        self._chosen: DumpChoice
        """What was chosen when the dump was to be started."""
        super().__init__()
        self._form = DumpForm(self, target.domain.name, defaults)

    @property
    def panes(self) -> Sequence[CommandPane]:
        return (self._form.fields,)

    def compose(self) -> ComposeResult:
        yield self._form
        yield KeyBar()

    def on_resize(self, event: Resize) -> None:
        self._form.fit(event.size)

    @property
    def choice(self) -> DumpChoice:
        """What the form says now."""
        form = self._form
        return DumpChoice(
            self._host.uri, self._domain, form.path, form.format, form.flags, form.overwrite, self._disk_jobs
        )

    def format_objection(self, name: str) -> str | None:
        return self._capabilities.formats.get(name)

    def flag_objection(self, flag: DumpFlags) -> str | None:
        return self._capabilities.flags.get(flag)

    def suggested(self) -> str:
        form = self._form
        return dump_path.filled(form.defaults.path, self._folder, self._domain.name, form.format, form.opened)

    def local_paths(self) -> Sequence[str]:
        return [self._form.path] if self._capabilities.local else []

    def notes(self) -> Sequence[Note]:
        choice = self.choice
        place = self._form.places.get(choice.path) if self._capabilities.local else Place()
        notes = dump_choice.notes(choice, place, self._capabilities)
        if self._starting is None and not self._host.turns.free:
            notes.append(("ok", f"will be queued ({self._host.turns.at_once} per host run in parallel)"))
        return notes

    def command(self) -> Content:
        return Content(self.choice.command_line)

    def refusal(self, command: type[Command]) -> str | None:
        if command is not Start:
            return None
        return self._objection(self.choice)

    def _objection(self, choice: DumpChoice) -> str | None:
        if self._starting is not None:
            return "the dump is starting"
        return dump_choice.objection(choice, self._form.places.get(choice.path, Place()), self._capabilities)

    def made(self, command: type[Command]) -> Command:
        if command is Start:
            self._chosen = self.choice  # As it is when the key is pressed, whatever is typed next.
        return super().made(command)

    @on(Start)
    def _start(self) -> None:
        self._form.when_looked(self._ask)

    def _ask(self) -> None:
        """Start the dump, after a question if its guest does not survive it."""
        if reason := self._objection(self._chosen):
            self.refuse(reason)
        elif (question := ending.question([self._chosen])) is not None:
            self._ask_first(self, self._domain.name, question, self._start_chosen)
        else:
            self._start_chosen()

    def _start_chosen(self) -> None:
        self._form.say("")
        try:
            self._starting = self._begin(self._chosen)
        except BackendError as error:
            self._form.say(error.message)
            return
        if self._starting.queued:
            self.leave(self._starting)
            return
        self._starting.on_change = self._changed
        self._form.label_start("Starting …")
        self._form.show()

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
            self._form.label_start("Start dump")
            self._form.say(record.error if record is not None else str(starting.error))
            self._form.show()
            self._form.look()

    @on(Back)
    def _back(self) -> None:
        # A dump that is starting continues by itself.
        self._turn_away()
        self.leave(None)

    def _turn_away(self) -> None:
        if self._starting is not None:
            self._starting.on_change = lambda: None
            self._starting = None
