"""The form that dumps several domains: one path template, one format, and a limit per host."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
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
from tui.commands.commands import Back, Command, Start
from tui.commands.offering import OfferingScreen
from tui.config import dump_path
from tui.config.values import Dumps
from tui.dumping import dump_form
from tui.dumping import plan as dump_plan
from tui.dumping.choice import DumpChoice
from tui.dumping.dump_form import DumpForm
from tui.dumping.plan import Part
from tui.dumping.target import Target
from tui.session.host import Host
from tui.widgets.key_bar import KeyBar
from tui.words import hidden


@dataclass(frozen=True)
class SeveralDumps:
    """What to dump, and how many dumps run in parallel on one host."""

    parts: Sequence[tuple[Host, DumpChoice]]
    at_once: int


class DumpSeveralScreen(OfferingScreen[SeveralDumps | None], ModalScreen[SeveralDumps | None]):
    """Ends with what to start; it starts nothing.

    `refused`: names of domains that cannot be dumped, with reasons; `unseen`: names of those that the filter hides.
    """

    OFFERS = dump_form.OFFERS
    BINDINGS: ClassVar[list[BindingType]] = dump_form.BINDINGS

    def __init__(
        self, targets: Sequence[Target], refused: Sequence[tuple[str, str]], unseen: Sequence[str], defaults: Dumps
    ) -> None:
        self._targets = targets
        self._refused = refused
        self._unseen = unseen
        super().__init__()
        least = min(target.host.turns.at_once for target in targets)
        at_once = Input(str(least), id="at-once", type="integer", compact=True, max_length=2, select_on_focus=False)
        at_once.cursor_blink = False
        turns = Horizontal(Static("Parallel dumps per host: "), at_once, id="turns")
        self._form = DumpForm(self, f"{len(targets)} domains", defaults, turns)

    def compose(self) -> ComposeResult:
        yield self._form
        yield KeyBar()

    def on_resize(self, event: Resize) -> None:
        self._form.fit(event.size)

    @property
    def parts(self) -> list[Part]:
        """What the form says about each domain."""
        return [
            Part(self._choice(target), self._form.places.get(path, Place()), target.capabilities)
            for target, path in zip(self._targets, self._paths(), strict=True)
        ]

    def _choice(self, target: Target) -> DumpChoice:
        form, path = self._form, self._path(target)
        return DumpChoice(target.host.uri, target.domain, path, form.format, form.flags, form.overwrite)

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

    def notes(self) -> Iterator[tuple[str, str]]:
        if self._unseen:
            yield "warn", hidden.warning(self._unseen)
        if (wrong := dump_path.objection(self._form.path)) is not None:
            yield "bad", f"the file must be {wrong}"
        else:
            yield from dump_plan.notes(self.parts, self._refused)

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
            return "parallel dumps must be at least 1"
        return dump_plan.objection(self.parts)

    @on(Input.Changed, "#at-once")
    def _turns_changed(self) -> None:
        self._form.show()

    @on(Start)
    def _start(self) -> None:
        hosts = {target.host.uri: target.host for target in self._targets}
        chosen = [(hosts[part.choice.uri], part.choice) for part in self.parts if part.objection is None]
        self.leave(SeveralDumps(chosen, self._at_once))

    @on(Back)
    def _back(self) -> None:
        self.leave(None)
