"""The settings that only the console uses, its theme and its keymap: which values are allowed. No Textual in here."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from tui.config.keys import DEFAULT_KEYS, FIXED_KEYS, KEY_NAMES, LIVE_TOGETHER, MODIFIERS, action_id
from tui.config.values import Config

THEMES = (
    "ansi-dark",
    "ansi-light",
    "atom-one-dark",
    "atom-one-light",
    "catppuccin-frappe",
    "catppuccin-latte",
    "catppuccin-macchiato",
    "catppuccin-mocha",
    "dracula",
    "flexoki",
    "gruvbox",
    "monokai",
    "nord",
    "rose-pine",
    "rose-pine-dawn",
    "rose-pine-moon",
    "solarized-dark",
    "solarized-light",
    "textual-dark",
    "textual-light",
    "tokyo-night",
    "virt-jobs",
    "virt-jobs-light",
)
"""Textual's themes and our own."""
_UNICODE_NAMES = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}
"""Characters that Textual does not call by their Unicode name."""


def check(config: Config) -> None:
    """ConfigError if the theme, a binding id or a key does not exist, or if one key would have two meanings."""
    if config.theme not in THEMES:
        raise config.source.refusal(("theme",), f"must be one of {', '.join(THEMES)}")
    actions = {action_id(index): index for index in range(len(config.actions))}
    for index, action in enumerate(config.actions):
        if action.key in FIXED_KEYS:
            raise config.source.refusal(("actions", index, "key"), f"{action.key} has one meaning on every screen")
        if "," in action.key:
            raise config.source.refusal(("actions", index, "key"), "must be a single key")
    for binding_id, objection in _objections(config.custom_keys, actions):
        place = ("actions", actions[binding_id], "key") if binding_id in actions else ("keymap", binding_id)
        raise config.source.refusal(place, objection)


def effective_keymap(keymap: Mapping[str, str]) -> dict[str, str]:
    """The keys of every binding, by id: those of `keymap`, else the defaults."""
    return {**DEFAULT_KEYS, **keymap}


def _objections(keymap: Mapping[str, str], actions: Collection[str]) -> Iterator[tuple[str, str]]:
    """The ids in `keymap` that cannot be used, each with the reason. `actions`: those of the user's own actions."""
    for binding_id, keys in keymap.items():
        if binding_id not in DEFAULT_KEYS and binding_id not in actions:
            yield binding_id, f"unknown; the ids are {', '.join(sorted(DEFAULT_KEYS))}"
        for key in keys.split(","):
            if not _is_key(key):
                yield binding_id, f"there is no key {key!r}; keys are named as in d, D, slash, escape, ctrl+d, f5"
    shared_by_default = _shared_keys({}, ())
    for (first, second), key in _shared_keys(keymap, actions).items():
        if (first, second) not in shared_by_default:
            changed, other = (second, first) if first not in keymap or second in actions else (first, second)
            yield changed, f"{key} is already the key of {'another action' if other in actions else other}"


def _shared_keys(keymap: Mapping[str, str], actions: Collection[str]) -> dict[tuple[str, str], str]:
    """Pairs of binding ids that share a key while both are active, with that key."""
    shared = {}
    keys = effective_keymap(keymap)
    main, *others_live = LIVE_TOGETHER
    for active in (main.union(actions), *others_live):
        ids_by_key: defaultdict[str, set[str]] = defaultdict(set)
        for binding_id in active:
            for key in keys[binding_id].split(","):
                ids_by_key[key_name(key)].add(binding_id)
        for key, ids in ids_by_key.items():
            first, *others = sorted(ids)
            shared.update({(first, other): key for other in others})
    return shared


def _is_key(key: str) -> bool:
    *modifiers, name = key.split("+") if len(key) > 1 else [key]
    return MODIFIERS.issuperset(modifiers) and (len(name) == 1 or name in KEY_NAMES)


def key_name(key: str) -> str:
    """Textual's name of a key that may be given as the character it types."""
    if len(key) != 1 or key.isalnum():
        return key
    name = unicodedata.name(key, key).lower().replace("-", "_").replace(" ", "_")
    return _UNICODE_NAMES.get(name, name)
