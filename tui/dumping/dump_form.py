"""The fields that all dump screens share: the format, the file, the flags, and notes on what will happen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Button, Checkbox, Input, RadioSet, Static

from backend.dump_request import FORMAT_NAMES, DumpFlags
from backend.running.place import DEADLINE, Place, look_at, silent
from backend.threads import in_thread
from tui.commands.commands import Back, Command, Less, More
from tui.commands.jobs import Start
from tui.commands.offering import heading
from tui.config.values import Dumps
from tui.dumping import choice as dump_choice
from tui.dumping.choice import Note
from tui.widgets.fields import TextField
from tui.widgets.scrolled import Below, Scrolled
from tui.widgets.toggles import Check, Choice, Radio

TIGHT = 32
"""Terminal height below which the form has no blank lines."""
SLIM = 76
"""Terminal width below which the flags take two lines."""
_MARKS = {"ok": ("·", "$foreground-muted"), "warn": ("!", "$warning"), "bad": ("✗", "$error")}


OFFERS = (Start, More, Less, Back)
BINDINGS: list[BindingType] = [
    *(command.binding() for command in OFFERS),
    Binding("tab", "app.focus_next", "Next field", tooltip="Next field"),
]
"""The commands and keys of a screen around a form."""


class DumpSubject(Protocol):
    """What is dumped, and what can be said about it. The screen around a form is one."""

    def format_objection(self, name: str) -> str | None:
        """Why that format cannot be chosen."""

    def flag_objection(self, flag: DumpFlags) -> str | None:
        """Why the hypervisor refuses that flag."""

    def suggested(self) -> str:
        """The content of the file line until the user edits it."""

    def local_paths(self) -> Sequence[str]:
        """The paths in the form that this machine can examine."""

    def notes(self) -> Sequence[Note]:
        """What is refused, what to beware of, and what will happen, in this order."""

    def command(self) -> Content:
        """The same dumps as shell commands."""

    def refusal(self, command: type[Command]) -> str | None:
        """Why `command` cannot be done now; None if it can."""

    def offer(self, command: type[Command]) -> None:
        """Do `command`, or say why not."""


class DumpForm(Vertical):
    """Shows and reads the fields. `more`: further fields."""

    @dataclass
    class Looked(Message):
        """The destinations of the dumps were examined."""

        places: dict[str, Place]

    def __init__(self, subject: DumpSubject, about: str, defaults: Dumps, *more: Widget) -> None:
        super().__init__(id="form", classes="panel")
        self.border_title = heading("Dump", about)
        self.defaults = defaults
        self.opened = time.time()
        self.places: dict[str, Place] = {}
        """By path."""
        self._subject = subject
        self._more = more
        self._unchecked: Sequence[str] = ()
        self._checking = False
        self._then: Callable[[], None] | None = None
        """What is to be done once the destinations are known."""
        preferred = (defaults.format, *FORMAT_NAMES)
        self._default = next((name for name in preferred if subject.format_objection(name) is None), preferred[0])
        self._suggested = ""
        """What was suggested last."""
        self.fields = Scrolled(id="fields")

    # What these say is what a dump that is started now gets: they do not wait for any message.

    @property
    def format(self) -> str:
        """The highlighted one."""
        choice = self.query(Choice)
        button = choice.first().highlighted if choice else None
        return button.name or self._default if button is not None else self._default

    @property
    def path(self) -> str:
        """The content of the file line; the suggestion for the present format unless the user has edited it."""
        typed = self.query_one("#path", Input).value
        return self._subject.suggested() if typed == self._suggested else typed

    @property
    def flags(self) -> DumpFlags:
        chosen = DumpFlags.NONE
        for flag in dump_choice.FLAG_WORDS:
            if self.query_one(f"#{flag.labels[0]}", Checkbox).value:
                chosen |= flag
        return chosen

    @property
    def overwrite(self) -> bool:
        return self.query_one("#overwrite", Checkbox).value

    def compose(self) -> ComposeResult:
        self._suggested = self._subject.suggested()
        with self.fields:
            yield Static("Format", classes="label", id="format-label")
            with Choice(id="format", compact=True):
                for name in FORMAT_NAMES:
                    yield self._format_button(name)
            yield Static("File on the host", classes="label")
            path = TextField(self._suggested, id="path", compact=True, select_on_focus=False)
            path.cursor_blink = False
            yield path
            yield Static(id="notes", markup=False)
            with Horizontal(id="flags"):
                for flag in dump_choice.FLAG_WORDS:
                    yield Check(Content(flag.labels[0]), id=flag.labels[0], compact=True)
                yield Check(Content("overwrite"), id="overwrite", compact=True)
            yield Static(dump_choice.EXPLAINED, id="explained", markup=False)
            yield from self._more
            yield Static(id="command", markup=False)
        with Below():
            yield Static(id="error", markup=False)
            with Horizontal(id="buttons"):
                yield Button(Content("Start dump"), id="start", variant="primary", compact=True)
                yield Button(Content("Cancel"), id="cancel", compact=True)

    def _format_button(self, name: str) -> Radio:
        reason = self._subject.format_objection(name)
        words = Content.assemble(
            f"{name:<13}", (reason or dump_choice.FORMAT_WORDS[name], "$warning" if reason else "$foreground-muted")
        )
        return Radio(words, value=name == self._default, disabled=reason is not None, name=name, compact=True)

    def on_mount(self) -> None:
        choice = self.query_one(Choice)
        choice.begin_at_chosen()
        choice.focus(scroll_visible=False)
        self.show()
        self.look()

    def fit(self, screen: Size) -> None:
        """Follow a new size of the screen."""
        self.set_class(screen.height < TIGHT, "-tight")
        self.set_class(screen.width < SLIM, "-slim")
        self.call_after_refresh(self._leave_room)

    def _leave_room(self) -> None:
        """Let the fields scroll if they do not fit; the buttons and the field with the focus stay visible."""
        self.fields.leave_room()
        focused = self.screen.focused if self.is_attached else None
        if focused is not None:
            focused.scroll_visible(animate=False)

    @on(RadioSet.Changed)
    def _format_chosen(self) -> None:
        path = self.query_one("#path", Input)
        if path.value == self._suggested:
            path.value = self._suggested = self._subject.suggested()
        self.show()
        self.look()

    @on(Checkbox.Changed)
    def _flag_chosen(self) -> None:
        self.show()

    @on(Input.Changed, "#path")
    def _path_changed(self) -> None:
        self._then = None
        self.say("")
        self.show()
        self.look()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.query_one("#start").focus()

    def look(self) -> None:
        """Examine the destinations again; the form shows the result as soon as it is known."""
        self._unchecked = self._subject.local_paths()
        if self._unchecked and not self._checking:
            self._check_places()

    @work(group="look")
    async def _check_places(self) -> None:
        # A hung file system must block neither the form nor more than one thread, however much is typed.
        self._checking = True
        try:
            while paths := self._unchecked:
                self._unchecked = ()
                looking = in_thread(partial(_look_at_all, paths), "dump path")
                await asyncio.wait({looking}, timeout=DEADLINE)
                if not looking.done():
                    self.post_message(self.Looked({path: silent(path) for path in paths}))
                self.post_message(self.Looked(await looking))
        finally:
            self._checking = False

    @on(Looked)
    def _looked(self, event: Looked) -> None:
        self.places = event.places
        self.show()
        self._go_on()

    def when_looked(self, then: Callable[[], None]) -> None:
        """Do it once the destinations are known, unless the path is edited before that."""
        self._then = then
        self._go_on()

    def _go_on(self) -> None:
        if self._then is not None and self.places.keys() >= set(self._subject.local_paths()):
            then, self._then = self._then, None
            then()

    def label_start(self, text: str) -> None:
        """Label the button that starts the dump."""
        self.query_one("#start", Button).label = Content(text)

    def show(self) -> None:
        """Show what follows from the current choices."""
        for flag in dump_choice.FLAG_WORDS:
            box = self.query_one(f"#{flag.labels[0]}", Checkbox)
            reason = self._subject.flag_objection(flag) or dump_choice.excluded(flag, self.flags)
            box.disabled = reason is not None
            box.tooltip = Content(reason or dump_choice.FLAG_WORDS[flag])
        lines = [Content.assemble(_MARKS[level], " ", text) for level, text in self._subject.notes()]
        self.query_one("#notes", Static).update(Content("\n").join(lines))
        self.query_one("#command", Static).update(
            Content.assemble(("$ ", "$foreground-muted"), self._subject.command())
        )
        self.query_one("#start").disabled = self._subject.refusal(Start) is not None
        self.refresh_bindings()

    def say(self, error: str) -> None:
        """Show why the dump could not be started; empty: clear that."""
        line = self.query_one("#error", Static)
        line.display = bool(error)
        line.update(Content.assemble(("✗ " + error, "$error")))

    @on(Button.Pressed, "#start")
    def _start_pressed(self) -> None:
        self._subject.offer(Start)

    @on(Button.Pressed, "#cancel")
    def _cancel_pressed(self) -> None:
        self._subject.offer(Back)


def _look_at_all(paths: Sequence[str]) -> dict[str, Place]:
    return {path: look_at(path) for path in paths}
