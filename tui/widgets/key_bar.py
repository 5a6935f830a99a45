"""The footer: keys and what they do. An entry keeps its place, whether or not it can be done now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from textual import events
from textual.app import ComposeResult
from textual.binding import ActiveBinding
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

from tui.commands.commands import Help
from tui.commands.offering import OfferingScreen
from tui.widgets.flash_line import FlashLine
from tui.words.cells import width


class Place(Enum):
    """Where an entry stands."""

    SCREEN = "what the screen offers"
    PANE = "what the widget with the focus offers"
    BACK = "how to leave"
    APP = "what the application offers"
    HELP = "help"


LASTING = (Place.SCREEN, Place.APP, Place.HELP)
"""What stays, dimmed, while it cannot be done."""
ON_THE_RIGHT = (Place.PANE, Place.BACK, Place.APP, Place.HELP)
MOST_ON_THE_RIGHT = 0.6
"""The part of the line that they may take where there is no room for all."""
FIRST_LEFT_OUT = (Place.APP, Place.PANE, Place.BACK)


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """A key and what it does."""

    id: str
    """That of its binding."""
    key: str
    display: str
    """How the key is called."""
    label: str
    enabled: bool = True
    """Whether it can be done now; if not, the key says why."""

    @property
    def cells(self) -> int:
        return width(self.display) + width(self.label) + 3


class KeyBar(Widget):
    """On the left is what the screen offers, the most important first; it is cut off where there is no room.

    On the right is what the focused pane offers, how to leave, and the help. A click presses the key.
    """

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self._entries: dict[Place, dict[str, KeyEntry]] = {}
        """By place and id."""
        self._spans: list[tuple[int, int, str]] = []
        self._of_panes: set[str] = set()
        """The ids of what some pane has offered; it has one place, though its key may work everywhere."""

    def compose(self) -> ComposeResult:
        yield FlashLine()

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._update)

    def _update(self, screen: Screen[object]) -> None:
        entries: dict[Place, dict[str, KeyEntry]] = {place: {} for place in Place}
        shown: dict[str, ActiveBinding] = {}
        for active in screen.active_bindings.values():
            if active.binding.show:
                shown.setdefault(active.binding.action, active)  # Its first key.
        for active in shown.values():
            binding = active.binding
            entry_id = binding.id or binding.action
            refused = isinstance(screen, OfferingScreen) and screen.refuses(binding.id)
            entry = KeyEntry(entry_id, binding.key, self.app.get_key_display(binding), binding.description, not refused)
            if entry_id == Help.id():
                place = Place.HELP
            elif binding.key == "escape":
                place = Place.BACK
            else:
                place = {screen: Place.SCREEN, self.app: Place.APP}.get(active.node, Place.PANE)
            if place is Place.PANE:
                self._of_panes.add(entry_id)
            if place is not Place.SCREEN or entry_id not in self._of_panes:
                entries[place][entry_id] = entry
        for place in LASTING:
            absent = {
                key: replace(entry, enabled=False)
                for key, entry in self._entries.get(place, {}).items()
                if key not in self._of_panes
            }
            entries[place] = absent | entries[place]
        entries[Place.SCREEN] = _in_order(screen, entries[Place.SCREEN])
        if entries != self._entries:
            self._entries = entries
            self.refresh()

    def render(self) -> Content:
        left, right = list(self._of(Place.SCREEN)), list(self._of(*ON_THE_RIGHT))
        room = self.size.width
        if _cells(left) + _cells(right) > room:
            for place in FIRST_LEFT_OUT:
                if _cells(right) > MOST_ON_THE_RIGHT * room:
                    right = [entry for entry in right if entry not in self._of(place)]
            while left and _cells(left) + _cells(right) > room:
                left.pop()
        self._spans = []
        parts = [self._placed(entry, at) for entry, at in _places(left, 0)]
        # On a screen of many keys, those on the right keep to the edge.
        begin = room - _cells(right) if self._of(Place.HELP) else _cells(left)
        parts.append(Content(" " * (begin - _cells(left))))
        parts += [self._placed(entry, at) for entry, at in _places(right, begin)]
        return Content("").join(parts)

    def _of(self, *places: Place) -> Sequence[KeyEntry]:
        return [entry for place in places for entry in self._entries.get(place, {}).values()]

    def _placed(self, entry: KeyEntry, at: int) -> Content:
        self._spans.append((at, at + entry.cells, entry.key))
        return Content.assemble(
            (f" {entry.display}", "bold $accent" if entry.enabled else "$foreground-disabled"),
            (f" {entry.label} ", "$foreground" if entry.enabled else "$foreground-disabled"),
        )

    def on_click(self, event: events.Click) -> None:
        for start, end, key in self._spans:
            if start <= event.x < end:
                self.app.simulate_key(key)


def _cells(entries: Iterable[KeyEntry]) -> int:
    return sum(entry.cells for entry in entries)


def _places(entries: Iterable[KeyEntry], begin: int) -> Iterator[tuple[KeyEntry, int]]:
    """Each entry with the column where it begins."""
    for entry in entries:
        yield entry, begin
        begin += entry.cells


def _in_order(screen: Screen[object], entries: dict[str, KeyEntry]) -> dict[str, KeyEntry]:
    """The entries in the order in which the screen offers them, whenever they came up."""
    ids = [command.id() for command in screen.OFFERS] if isinstance(screen, OfferingScreen) else []
    return dict(sorted(entries.items(), key=lambda item: ids.index(item[0]) if item[0] in ids else len(ids)))
