"""The screen of a text about a domain: its log, or its XML."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from tui.commands.commands import Close, Command, Export, Help
from tui.commands.offering import CommandPane, OfferingScreen, heading
from tui.commands.texts import CopyText, EndSearch, NextMatch, PreviousMatch, ReadAgain, Search
from tui.session.domain_texts import DomainText, Reading
from tui.widgets.key_bar import KeyBar
from tui.widgets.text_pane import TextPane

MOST_NOTES = 6
"""Lines of what is said of the text above it."""


class TextScreen(OfferingScreen[None]):
    """Reads the text while it is open. `domain`: its name."""

    AUTO_FOCUS = "TextView"
    OFFERS = (Search, NextMatch, PreviousMatch, EndSearch, CopyText, ReadAgain, Export, Help, Close)
    BINDINGS: ClassVar[list[BindingType]] = [command.binding() for command in OFFERS]

    @dataclass
    class Read(Message):
        """The text was read."""

        reading: Reading

    def __init__(self, text: DomainText, domain: str) -> None:
        super().__init__()
        self._text = text
        self._domain = domain
        self._pane = TextPane(text.grows)
        self._notes = Static(id="text-notes", markup=False)
        self._reading = Reading()

    def compose(self) -> ComposeResult:
        yield self._notes
        yield self._pane
        yield KeyBar()

    def on_mount(self) -> None:
        self._pane.view.border_title = heading(self._text.name, self._domain)
        self._pane.view.show((), "reading …")
        self._follow()

    def on_resize(self) -> None:
        self._show_notes()

    @property
    def panes(self) -> list[CommandPane]:
        return [self._pane]

    def refusal(self, command: type[Command]) -> str | None:
        unsearched = command in (NextMatch, PreviousMatch) and not self._pane.searching
        return "no match to go to: search for something first" if unsearched else None

    def has_key(self, command: type[Command]) -> bool:
        # While someone types what to search for, the keys of these are characters like any other.
        return not self._pane.typing

    @work
    async def _follow(self) -> None:
        async for reading in self._text.readings():
            self.post_message(self.Read(reading))

    @on(Read)
    def _read(self, event: Read) -> None:
        self._reading = event.reading
        self._pane.view.border_title = heading(self._text.name, self._domain, self._text.place)
        self._pane.view.show(event.reading.lines, "" if event.reading.problem else "empty")
        self._show_notes()
        self.refresh_bindings()

    def _show_notes(self) -> None:
        reading = self._reading
        styled = [(reading.problem, "bold $warning")] if reading.problem else []
        styled += [(message, "$warning") for message in reading.messages]
        styled += [(note, "$foreground-muted") for note in reading.notes]
        cells = max(20, self.size.width - 2)
        lines = [line for text, style in styled for line in Content.styled(text, style).wrap(cells)]
        if len(lines) > MOST_NOTES:
            more = len(lines) - MOST_NOTES + 1
            lines[MOST_NOTES - 1 :] = [Content.styled(f"… {more} more lines: an export has them", "$foreground-muted")]
        self._notes.update(Content("\n").join(lines))
        self._notes.display = bool(lines)

    @on(ReadAgain)
    def _read_again(self) -> None:
        self._text.read_again()

    @on(Export)
    def _export(self) -> None:
        from tui.screens.export import ExportScreen  # Few need it.
        from tui.widgets.exports import of_text

        self.open(ExportScreen(of_text(self._text.name, self._domain, self._reading)))

    @on(Close)
    def _close(self) -> None:
        self.leave(None)
