"""The footer: the keys that work now."""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

from tui.commands.offering import OfferingScreen
from tui.words.cells import width


class KeyBar(Widget):
    """Shows the active bindings, greyed out if refused; a click presses the key."""

    ALLOW_SELECT = False

    def __init__(self) -> None:
        super().__init__()
        self._keys: list[tuple[str, str, str, bool]] = []
        self._spans: list[tuple[int, int, str]] = []

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._update)

    def _update(self, screen: Screen[object]) -> None:
        keys: dict[str, tuple[str, str, str, bool]] = {}
        for _, binding, _, _ in screen.active_bindings.values():
            if binding.show and binding.action not in keys:
                refused = isinstance(screen, OfferingScreen) and screen.refuses(binding.id)
                display = self.app.get_key_display(binding)
                keys[binding.action] = (binding.key, display, binding.description, not refused)
        shown = list(keys.values())
        if shown != self._keys:
            self._keys = shown
            self.refresh()

    def render(self) -> Content:
        self._spans = []
        parts: list[Content | tuple[str, str]] = []
        at = 0
        keys = self._keys
        # The last one needs no space after it.
        if sum(_cells(display, label) for _, display, label, _ in keys) - 1 > self.size.width:
            keys = [key for key in keys if key[-1]]
        for key, display, label, enabled in keys:
            cells = _cells(display, label)
            if at + cells - 1 > self.size.width:
                break
            self._spans.append((at, at + cells, key))
            at += cells
            parts.append((f" {display}", "bold $accent" if enabled else "$foreground-disabled"))
            parts.append((f" {label} ", "$foreground" if enabled else "$foreground-disabled"))
        return Content.assemble(*parts)

    def on_click(self, event: events.Click) -> None:
        for start, end, key in self._spans:
            if start <= event.x < end:
                self.app.simulate_key(key)


def _cells(display: str, label: str) -> int:
    return width(display) + width(label) + 3
