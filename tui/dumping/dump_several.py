"""The form that dumps several domains: one path template, one format, and a limit per host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.events import Resize
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from backend.dump_request import DumpFlags
from backend.running.place import Place
from tui.commands.commands import Back, Command
from tui.commands.jobs import Start
from tui.commands.offering import CommandPane, OfferingScreen
from tui.config import dump_path
from tui.config.values import Dumps
from tui.dumping import dump_form, ending
from tui.dumping import plan as dump_plan
from tui.dumping.choice import DumpChoice, Note
from tui.dumping.dump_form import DumpForm
from tui.dumping.plan import Part
from tui.dumping.target import Target
from tui.session.host import Host
from tui.widgets.fields import TextField
from tui.widgets.key_bar import KeyBar
from tui.words import hidden

AT_ONCE = "parallel dumps must be at least 1"


@dataclass(frozen=True)
class SeveralDumps:
    """What to dump, and how many dumps run in parallel on one host."""

    parts: Sequence[tuple[Host, DumpChoice]]
    at_once: int


class DumpSeveralScreen(OfferingScreen[SeveralDumps | None], ModalScreen[SeveralDumps | None]):
    """Ends with what to start; it starts nothing. `refused`: names of domains that cannot be dumped, with reasons.

    `ask` is for dumps that their guests do not survive.
    """

    AUTO_FOCUS = ""  # The form does that itself, without scrolling.
    OFFERS = dump_form.OFFERS
    BINDINGS: ClassVar[list[BindingType]] = dump_form.BINDINGS

    def __init__(
        self,
        targets: Sequence[Target],
        refused: Sequence[tuple[str, str]],
        unseen: Sequence[str],
        defaults: Dumps,
        ask: ending.Ask,
    ) -> None:
        self._targets = targets
        self._ask_first = ask
        self._chosen = SeveralDumps((), 0)
        """What was chosen when the dumps were to be started."""
        self._refused = refused
        self._unseen = unseen
        super().__init__()
        least = min(target.host.turns.at_once for target in targets)
        at_once = TextField(str(least), id="at-once", type="integer", compact=True, max_length=2, select_on_focus=False)
        at_once.cursor_blink = False
        turns = Horizontal(Static("Parallel dumps per host: "), at_once, id="turns")
        self._form = DumpForm(self, f"{len(targets)} domains", defaults, turns)

    @property
    def panes(self) -> Sequence[CommandPane]:
        return (self._form.fields,)

    def compose(self) -> ComposeResult:
        yield self._form
        yield KeyBar()

    def on_resize(self, event: Resize) -> None:
        self._form.fit(event.size)

    @property
    def parts(self) -> list[Part]:
        """What the form says about each domain."""
        return [
            Part(self._choice(target), self._place(target, path), target.capabilities)
            for target, path in zip(self._targets, self._paths(), strict=True)
        ]

    def _place(self, target: Target, path: str) -> Place | None:
        return self._form.places.get(path) if target.capabilities.local else Place()

    def _choice(self, target: Target) -> DumpChoice:
        form, path = self._form, self._path(target)
        return DumpChoice(
            target.host.uri, target.domain, path, form.format, form.flags, form.overwrite, target.disk_jobs
        )

    def _path(self, target: Target) -> str:
        form = self._form
        return dump_path.filled(form.path, target.folder, target.domain.name, form.format, form.opened)

    def _paths(self) -> list[str]:
        return [self._path(target) for target in self._targets]

    def format_objection(self, name: str) -> str | None:
        reasons = [target.capabilities.formats.get(name) for target in self._targets]
        return reasons[0] if all(reasons) else None

    def flag_objection(self, flag: DumpFlags) -> str | None:
        reasons = [target.capabilities.flags.get(flag) for target in self._targets]
        return reasons[0] if all(reasons) else None

    def suggested(self) -> str:
        return self._form.defaults.path

    def local_paths(self) -> Sequence[str]:
        if dump_path.objection(self._form.path):
            return []
        return [path for target, path in zip(self._targets, self._paths(), strict=True) if target.capabilities.local]

    def notes(self) -> Sequence[Note]:
        if (wrong := dump_path.objection(self._form.path)) is not None:
            return [("bad", f"the file must be {wrong}")]
        notes = [*dump_plan.notes(self.parts, self._refused)]
        if self._unseen:
            notes.append(("warn", hidden.warning(self._unseen)))
        return notes if self._at_once >= 1 else [("bad", AT_ONCE), *notes]

    def command(self) -> Content:
        if dump_path.objection(self._form.path) is not None or not self._targets:
            return Content("")
        first, *others = self._targets
        more = f"   … and {len(others)} more" if others else ""
        return Content.assemble(self._choice(first).command_line, (more, "$foreground-muted"))

    @property
    def _at_once(self) -> int:
        text = self.query_one("#at-once", Input).value
        return int(text) if text.isdecimal() else 0

    def refusal(self, command: type[Command]) -> str | None:
        if command is not Start:
            return None
        if (wrong := dump_path.objection(self._form.path)) is not None:
            return f"the file must be {wrong}"
        if self._at_once < 1:
            return AT_ONCE
        return dump_plan.objection(self.parts)

    @on(Input.Changed, "#at-once")
    def _turns_changed(self) -> None:
        self._form.show()

    def made(self, command: type[Command]) -> Command:
        if command is Start:  # As it is when the key is pressed, whatever is typed next.
            parts = [(target.host, self._choice(target)) for target in self._targets]
            self._chosen = SeveralDumps(parts, self._at_once)
        return super().made(command)

    @on(Start)
    def _start(self) -> None:
        self._form.when_looked(self._ask)

    def _ask(self) -> None:
        """Leave with the dumps that can be started, after a question if their guests do not survive them."""
        if reason := self.refusal(Start):
            self.refuse(reason)
            return
        able = {part.choice for part in self.parts if part.objection is None}
        several = replace(self._chosen, parts=[part for part in self._chosen.parts if part[1] in able])
        choices = [choice for _, choice in several.parts]
        question = ending.question(choices)
        if question is None:
            self.leave(several)
            return
        self._ask_first(self, f"{len(choices)} domains", question, lambda: self.leave(several))

    @on(Back)
    def _back(self) -> None:
        self.leave(None)
