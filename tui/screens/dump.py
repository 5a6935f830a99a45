"""The form that starts a dump, and says before what it will do."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.message import Message
from textual.widgets import Button, Checkbox, Input, RadioSet, Static

from backend.errors import BackendError
from backend.model import FORMAT_NAMES, Capabilities, Domain, DumpFlags
from backend.record import JobRecord, RecordState
from tui import dump_choice, dump_path
from tui.commands import Back, Command, Start
from tui.config import Dumps
from tui.dump_choice import DumpChoice, Place
from tui.host import Host
from tui.screens.offering import OfferingModal, heading
from tui.widgets.key_bar import KeyBar
from tui.widgets.toggles import Check, Radio

TIGHT = 32
"""Lines below which the form does without empty ones."""
_MARKS = {"ok": ("·", "$foreground-muted"), "warn": ("!", "$warning"), "bad": ("✗", "$error")}


class DumpScreen(OfferingModal[JobRecord | None]):
    """Ends with the record of a dump that has begun, or None."""

    OFFERS = (Start, Back)
    BINDINGS: ClassVar[list[BindingType]] = [command.binding() for command in OFFERS]

    @dataclass
    class Looked(Message):
        """The place was looked at."""

        path: str
        place: Place

    @dataclass
    class Begun(Message):
        record: JobRecord

    @dataclass
    class Refused(Message):
        error: str

    def __init__(self, host: Host, domain: Domain, capabilities: Capabilities, folder: str, defaults: Dumps) -> None:
        super().__init__()
        self._host = host
        self._domain = domain
        self._capabilities = capabilities
        self._defaults = defaults
        wanted = (defaults.format, *FORMAT_NAMES)
        self._format = next(name for name in wanted if capabilities.formats.get(name) is None)
        self._folder = folder
        self._opened = time.time()
        self._place = Place()
        self._starting = False

    @property
    def choice(self) -> DumpChoice:
        """What the form says now."""
        flags = DumpFlags.NONE
        for flag in dump_choice.FLAG_WORDS:
            if self.query_one(f"#{flag.labels[0]}", Checkbox).value:
                flags |= flag
        return DumpChoice(
            self._host.uri,
            self._domain,
            self.query_one("#path", Input).value,
            self._format,
            flags,
            self.query_one("#overwrite", Checkbox).value,
        )

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="form", classes="panel") as form:
            form.border_title = heading("Dump", self._domain.name)
            yield Static("Format", classes="label", id="format-label")
            with RadioSet(id="format", compact=True):
                for name in FORMAT_NAMES:
                    yield self._format_button(name)
            yield Static("File on the hypervisor's host", classes="label")
            path = Input(self._suggested(), id="path", compact=True, select_on_focus=False)
            path.cursor_blink = False
            yield path
            with Horizontal(id="flags"):
                for flag in dump_choice.FLAG_WORDS:
                    yield Check(Content(flag.labels[0]), id=flag.labels[0], compact=True)
                yield Check(Content("overwrite"), id="overwrite", compact=True)
            yield Static(id="notes", markup=False)
            yield Static(id="command", markup=False)
            with Vertical(id="actions"):
                yield Static(id="error", markup=False)
                with Horizontal(id="buttons"):
                    yield Button(Content("Start the dump"), id="start", variant="primary", compact=True)
                    yield Button(Content("Cancel"), id="cancel", compact=True)
        yield KeyBar()

    def _format_button(self, name: str) -> Radio:
        reason = self._capabilities.formats.get(name)
        words = Content.assemble(
            f"{name:<13}", (reason or dump_choice.FORMAT_WORDS[name], "$warning" if reason else "$foreground-muted")
        )
        return Radio(words, value=name == self._format, disabled=reason is not None, name=name, compact=True)

    def _suggested(self) -> str:
        return dump_path.filled(self._defaults.path, self._folder, self._domain.name, self._format, self._opened)

    def on_mount(self) -> None:
        self._update()
        self._look()
        self.query_one("#format").focus()

    def on_resize(self, event: Resize) -> None:
        self.set_class(event.size.height < TIGHT, "-tight")

    def refusal(self, command: type[Command]) -> str | None:
        if command is not Start:
            return None
        if self._starting:
            return "it is being started"
        return dump_choice.objection(self.choice, self._place)

    @on(RadioSet.Changed)
    def _format_chosen(self, event: RadioSet.Changed) -> None:
        path = self.query_one("#path", Input)
        untouched = path.value == self._suggested()
        self._format = event.pressed.name or self._format
        if untouched:
            path.value = self._suggested()
        self._update()

    @on(Checkbox.Changed)
    def _flag_chosen(self) -> None:
        self._update()

    @on(Input.Changed, "#path")
    def _path_changed(self) -> None:
        self._place = Place()  # What was seen was another place.
        self._say("")
        self._update()
        self._look()

    @on(Input.Submitted, "#path")
    def _path_submitted(self) -> None:
        self.query_one("#start").focus()

    def _look(self) -> None:
        if self._capabilities.local:
            self.run_worker(self._look_at(self.query_one("#path", Input).value), group="look", exclusive=True)

    async def _look_at(self, path: str) -> None:
        # A hung file system must not hold up the form; what is said about a path is only used for that path.
        place = await asyncio.to_thread(dump_choice.look_at, path)
        self.post_message(self.Looked(path, place))

    @on(Looked)
    def _looked(self, event: Looked) -> None:
        if event.path == self.query_one("#path", Input).value:
            self._place = event.place
            self._update()

    def _update(self) -> None:
        choice = self.choice
        for flag in dump_choice.FLAG_WORDS:
            box = self.query_one(f"#{flag.labels[0]}", Checkbox)
            reason = self._capabilities.flags.get(flag) or dump_choice.excluded(flag, choice.flags)
            box.disabled = reason is not None
            box.tooltip = Content(reason or dump_choice.FLAG_WORDS[flag])
        lines = [
            Content.assemble(_MARKS[level], " ", text)
            for level, text in dump_choice.notes(choice, self._place, self._capabilities)
        ]
        self.query_one("#notes", Static).update(Content("\n").join(lines))
        self.query_one("#command", Static).update(Content.assemble(("$ ", "$foreground-muted"), choice.command_line))
        self.query_one("#start").disabled = self.refusal(Start) is not None
        self.refresh_bindings()

    def _say(self, error: str) -> None:
        said = self.query_one("#error", Static)
        said.display = bool(error)
        said.update(Content.assemble(("✗ " + error, "$error")))

    @on(Button.Pressed, "#start")
    def _start_pressed(self) -> None:
        self.offer(Start)

    @on(Button.Pressed, "#cancel")
    def _cancel_pressed(self) -> None:
        self.offer(Back)

    @on(Start)
    def _start(self) -> None:
        self._starting = True
        self._say("")
        self.query_one("#start", Button).label = Content("Starting …")
        self._update()
        self.run_worker(self._start_dump(self.choice), group="start")

    async def _start_dump(self, choice: DumpChoice) -> None:
        try:
            record = await self._host.backend.start_dump(
                choice.request, overwrite=choice.overwrite, publish=self._defaults.publish
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
        self._say(event.error)
        self._update()
        self._look()

    @on(Back)
    def _back(self) -> None:
        # A dump that is being started goes on by itself; it is taken up from the journal.
        self.dismiss(None)
