"""What only the console can say of a config: whether its keymap, and its theme, name what there is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from textual.app import App
from textual.binding import Binding
from textual.keys import KEY_NAME_REPLACEMENTS, KEY_TO_UNICODE_NAME, Keys, _normalize_key_list
from textual.widget import Widget

from tui.app import Console
from tui.config.values import Config
from tui.dumping.dump import DumpScreen
from tui.screens.confirm import ConfirmScreen
from tui.screens.help import HelpScreen
from tui.screens.hosts import HostsScreen
from tui.screens.main import MainScreen
from tui.screens.wait import WaitScreen
from tui.screens.waits import WaitsScreen
from tui.terminal import themes
from tui.widgets.domain_table import DomainTable
from tui.widgets.filter_line import FilterLine
from tui.widgets.host_list import HostList

TOGETHER: tuple[tuple[type[App[None]] | type[Widget], ...], ...] = (
    (Console, MainScreen, DomainTable),
    (Console, MainScreen, FilterLine),
    (DumpScreen,),
    (WaitScreen,),
    (WaitsScreen,),
    (HostsScreen, HostList),
    (ConfirmScreen,),
    (HelpScreen,),
)
"""Whose bindings are live at the same time; a modal screen leaves the keys to nobody below it."""
_MODIFIERS = frozenset({"ctrl", "alt", "shift", "super", "hyper", "meta"})
_NAMES = frozenset({*(key.value for key in Keys), *KEY_NAME_REPLACEMENTS.values(), *KEY_TO_UNICODE_NAME})


def effective(keymap: Mapping[str, str]) -> dict[str, str]:
    """The keys of every binding that can be given others, by id."""
    ids = {binding.id: binding.key for group in TOGETHER for binding in _bindings(group)}
    return {id: keymap.get(id, keys) for id, keys in ids.items() if id is not None}


def objections(keymap: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Ids of the keymap, each with what is wrong with it."""
    known = effective({})
    for id, keys in keymap.items():
        if id not in known:
            yield id, f"unknown; there are {', '.join(sorted(known))}"
        for key in keys.split(","):
            if not _is_key(key):
                yield id, f"there is no key {key!r}; keys are named as in d, D, slash, escape, ctrl+d, f5"
    shared_anyway = _shared({})
    for (first, second), key in _shared(keymap).items():
        if (first, second) not in shared_anyway:
            mine, other = (first, second) if first in keymap else (second, first)
            yield mine, f"{key} is the key of {other} too"


def _shared(keymap: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """Pairs of ids that have a key in common where both are live, with that key."""
    found = {}
    for group in TOGETHER:
        ids: defaultdict[str, set[str]] = defaultdict(set)
        for binding in _bindings(group):
            if binding.id is not None:
                for key in keymap.get(binding.id, binding.key).split(","):
                    ids[_long(key)].add(binding.id)
        for key, sharing in ids.items():
            first, *others = sorted(sharing)
            found.update({(first, other): key for other in others})
    return found


def _bindings(group: Iterable[type[App[None]] | type[Widget]]) -> Iterator[Binding]:
    for kind in group:
        for base in kind.__mro__:
            if base.__module__.startswith("tui."):
                yield from (binding for binding in vars(base).get("BINDINGS", ()) if isinstance(binding, Binding))


def _is_key(key: str) -> bool:
    *modifiers, name = key.split("+") if len(key) > 1 else [key]
    return _MODIFIERS.issuperset(modifiers) and (len(name) == 1 or _long(name) in _NAMES)


def _long(key: str) -> str:
    """The name that Textual gives to a key that may be written as its character."""
    return _normalize_key_list(key)


def check(config: Config) -> None:
    """ConfigError where the config names a theme, a binding or a key that does not exist, or one key twice."""
    if config.theme not in themes.names():
        raise config.source.refusal(("theme",), f"must be one of {', '.join(themes.names())}")
    for id, wrong in objections(config.keymap):
        raise config.source.refusal(("keymap", id), wrong)
