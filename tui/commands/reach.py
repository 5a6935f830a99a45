"""Keys of a screen's list that work wherever the focus is, and what a key means where it has no effect."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from textual.binding import Binding, BindingType
from textual.dom import DOMNode

from tui.config.console import effective_keymap, key_name


def everywhere(kind: type[DOMNode]) -> list[BindingType]:
    """The keys of a widget of that class, for the screen whose `main_list` it is. What has the focus comes first."""
    return [
        replace(binding, action=f"of_list({binding.action!r})")
        for binding in kind.BINDINGS
        if isinstance(binding, Binding)
    ]


def scrolling() -> list[BindingType]:
    """Keys that scroll the screen's `main_list`, which has no cursor, as those of a table move the cursor."""
    keys = (
        ("j,down", "scroll_down", "cursor.down", "Scroll down"),
        ("k,up", "scroll_up", "cursor.up", "Scroll up"),
        ("g,home", "scroll_home", "cursor.first", "Scroll to the beginning"),
        ("G,end", "scroll_end", "cursor.last", "Scroll to the end"),
        ("ctrl+d,pagedown", "page_down", "cursor.page-down", "Scroll a page down"),
        ("ctrl+u,pageup", "page_up", "cursor.page-up", "Scroll a page up"),
    )
    return [
        Binding(key, f"of_list({action!r})", words, show=False, id=binding_id, tooltip=words)
        for key, action, binding_id, words in keys
    ]


def meant(key: str, bindings: Iterable[BindingType], keymap: Mapping[str, str]) -> Binding | None:
    """The binding of that key, where it has an effect; None if it never has one, or only moves a cursor."""
    keys = effective_keymap(keymap)
    for binding in bindings:
        if not isinstance(binding, Binding) or (binding.id or "").startswith(("cursor.", "columns.")):
            continue
        its = keys.get(binding.id, "") if binding.id else binding.key
        if key in map(key_name, its.split(",")):
            return binding
    return None
