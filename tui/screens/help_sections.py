"""What the help says: the keys of a screen, what signs mean, and the keys of the other screens."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import chain
from pkgutil import iter_modules
from typing import Any

from textual.app import App
from textual.binding import Binding
from textual.screen import Screen

from tui import dumping, screens
from tui.commands.groups import ORDER, group_of
from tui.commands.offering import OfferingScreen
from tui.terminal.private_textual import keymap_of
from tui.widgets.legend import LEGEND

KEY_STYLE = "bold $accent"
_OPENED_BY = {
    "DumpScreen": "dump",
    "WaitScreen": "wait",
    "MigrationScreen": "migration",
    "HostsScreen": "show-hosts",
    "HistoryScreen": "show-past-jobs",
    "PastJobScreen": "open-entry",
    "ColumnsScreen": "choose-columns",
    "DoneScreen": "show-done",
    "TextScreen": "show-log",
    "ExportScreen": "export",
}
"""The commands that open screens, by the names of their classes."""
_NAMES = {"MainScreen": "Domains", "ConfirmScreen": "Questions", "TextScreen": "Log and XML"}
"""What screens are called that are not called like their classes."""


@dataclass(frozen=True, slots=True)
class Section:
    """Lines of the help with a title: each has keys or a sign, what that means, and the style of the former."""

    title: str
    lines: tuple[tuple[str, str, str], ...]

    def matching(self, text: str) -> Section:
        """Those of its lines that have `text` in them; all, if the title has it."""
        wanted = text.casefold()
        if wanted in self.title.casefold():
            return self
        return Section(self.title, tuple(line for line in self.lines if wanted in f"{line[0]} {line[1]}".casefold()))


def sections(screen: Screen[Any]) -> list[Section]:
    """All of them; `screen` is the one whose keys come first."""
    return [*_live(screen), Section("Signs and colours", LEGEND), *_others(screen)]


def _live(screen: Screen[Any]) -> Iterator[Section]:
    """The keys that work on the screen now, by what they are about."""
    groups: dict[str, dict[str, tuple[list[str], str]]] = {group: {} for group in ORDER}
    # What the screen does comes first, then what its widgets and the application do.
    for _, binding, _, tooltip in sorted(screen.active_bindings.values(), key=lambda active: active.node is not screen):
        if tooltip and not binding.system:
            display, _ = groups[group_of(binding.id)].setdefault(binding.action, ([], tooltip))
            display.append(screen.app.get_key_display(binding))
    for group, actions in groups.items():
        if actions:
            lines = ((" ".join(sorted(keys, key=_plain_first)), words, KEY_STYLE) for keys, words in actions.values())
            yield Section(group, tuple(lines))


def _others(screen: Screen[Any]) -> Iterator[Section]:
    """The keys of the other screens; screens with the same keys share a section."""
    titles: dict[tuple[tuple[str, str, str], ...], list[str]] = {}
    app, keymap = screen.app, keymap_of(screen.app)
    for kind in _screens():
        if kind.__name__ != "HelpScreen" and not isinstance(screen, kind):
            lines = tuple(_declared(kind, app, keymap))
            titles.setdefault(lines, []).append(_title(kind, app, keymap))
    yield from (Section("On other screens: " + " · ".join(names), lines) for lines, names in titles.items() if lines)


def _screens() -> list[type[OfferingScreen[Any]]]:
    """Every screen that offers commands, by name."""
    found = {
        value
        for package in (screens, dumping)
        for module in iter_modules(package.__path__, f"{package.__name__}.")
        for value in vars(import_module(module.name)).values()
        if isinstance(value, type) and issubclass(value, OfferingScreen) and value.OFFERS
    }
    return sorted(found, key=lambda kind: kind.__name__)


def _declared(
    kind: type[OfferingScreen[Any]], app: App[Any], keymap: Mapping[str, str]
) -> Iterator[tuple[str, str, str]]:
    for binding in chain(kind.BINDINGS, *(part.BINDINGS for part in kind.PARTS)):
        if isinstance(binding, Binding) and binding.tooltip:
            keys = keymap.get(binding.id or "", binding.key).split(",")
            yield " ".join(sorted((_display(app, key) for key in keys), key=_plain_first)), binding.tooltip, KEY_STYLE


def _title(kind: type[OfferingScreen[Any]], app: App[Any], keymap: Mapping[str, str]) -> str:
    """``Past job (enter)``."""
    words = re.sub(r"(?<!^)([A-Z])", r" \1", kind.__name__.removesuffix("Screen")).capitalize()
    name = _NAMES.get(kind.__name__, words)
    opener = next((offer for offer in _commands() if offer.id() == _OPENED_BY.get(kind.__name__)), None)
    if opener is None:
        return name
    return f"{name} ({_display(app, keymap.get(opener.id(), opener.binding().key).split(',')[0])})"


def _commands() -> Sequence[Any]:
    return list(dict.fromkeys(chain.from_iterable(kind.OFFERS for kind in _screens())))


def _plain_first(key: str) -> tuple[int, bool]:
    return len(key), not key.isascii()


def _display(app: App[Any], key: str) -> str:
    return key if len(key) == 1 else app.get_key_display(Binding(key, "", ""))
