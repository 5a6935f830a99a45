"""The footer: keys and what they do. An entry keeps its place, whether or not it can be done now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
        self._left: Sequence[KeyEntry] = ()
        self._right: Sequence[KeyEntry] = ()
        """The most important last."""
        self._offered: dict[str, KeyEntry] = {}
        """What the screen has offered so far, by id."""
        self._spans: list[tuple[int, int, str]] = []

    def compose(self) -> ComposeResult:
        yield FlashLine()

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._update)

    def _update(self, screen: Screen[object]) -> None:
        offered, pane, app, back, helps = (dict[str, KeyEntry]() for _ in range(5))
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
                group = helps
            elif binding.key == "escape":
                group = back
            else:
                group = offered if active.node is screen else app if active.node is self.app else pane
            group[entry_id] = entry
        absent = {key: replace(entry, enabled=False) for key, entry in self._offered.items() if key not in offered}
        self._offered = absent | offered
        left = _in_order(screen, self._offered)
        right = [entry for group in (pane, app, back, helps) for entry in group.values()]
        if (left, right) != (self._left, self._right):
            self._left, self._right = left, right
            self.refresh()

    def render(self) -> Content:
        cells, right = self.size.width, list(self._right)
        if sum(entry.cells for entry in (*self._left, *right)) > cells:
            # Half of the line is for what the screen offers.
            while len(right) > 1 and sum(entry.cells for entry in right) > cells / 2:
                del right[0]
        end = cells - sum(entry.cells for entry in right)
        at, self._spans = 0, []
        parts: list[Content] = []
        for entry in self._left:
            if at + entry.cells > end:
                break
            parts.append(self._placed(entry, at))
            at += entry.cells
        if self._has_help:
            parts.append(Content(" " * (end - at)))
            at = max(at, end)
        for entry in right:
            parts.append(self._placed(entry, at))
            at += entry.cells
        return Content("").join(parts)

    @property
    def _has_help(self) -> bool:
        """Whether it is a screen of many keys, where those on the right keep to the edge."""
        return any(entry.id == Help.id() for entry in self._right)

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


def _in_order(screen: Screen[object], entries: dict[str, KeyEntry]) -> list[KeyEntry]:
    """The entries in the order in which the screen offers them, wherever and whenever they came up."""
    ids = [command.id() for command in screen.OFFERS] if isinstance(screen, OfferingScreen) else []
    return sorted(entries.values(), key=lambda entry: ids.index(entry.id) if entry.id in ids else len(ids))
