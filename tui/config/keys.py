"""The console's key bindings as plain data, without Textual: `config` prints them, a keymap changes them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

DEFAULT_KEYS: Mapping[str, str] = MappingProxyType(
    {
        "quit": "q",
        "dump": "d",
        "wait": "w",
        "open": "enter",
        "abort": "a",
        "pivot": "p",
        "migration": "m",
        "resume": "r",
        "filter": "slash",
        "clear-filter": "escape",
        "clear-marks": "escape",
        "sort": "s",
        "reverse-sort": "S",
        "sort-by-name": "N",
        "sort-by-state": "T",
        "sort-by-host": "O",
        "sort-by-job": "0",
        "sort-by-progress": "P",
        "sort-by-elapsed": "E",
        "sort-by-done": "D",
        "sort-by-left": "M",
        "sort-by-rate": "R",
        "sort-by-eta": "U",
        "sort-by-began": "0",
        "sort-by-domain": "N",
        "sort-by-kind": "P",
        "sort-by-result": "R",
        "sort-by-took": "T",
        "sort-by-requester": "U",
        "sort-by-details": "D",
        "help": "question_mark",
        "open-palette": ":",
        "show-job": "1",
        "show-history": "2",
        "show-info": "3",
        "copy-name": "y",
        "copy-path": "c",
        "copy-stats": "Y",
        "show-hosts": "H",
        "show-past-jobs": "J",
        "open-entry": "enter",
        "copy-entry": "y",
        "copy-file": "c",
        "copy-uri": "y",
        "cursor.down": "j,down",
        "cursor.up": "k,up",
        "cursor.first": "g,home",
        "cursor.last": "G,end",
        "cursor.page-down": "ctrl+d,pagedown",
        "cursor.page-up": "ctrl+u,pageup",
        "columns.right": "l,right",
        "columns.left": "h,left",
        "mark": "space",
        "mark-shown": "*",
        "keep-filter": "enter",
        "start": "ctrl+s",
        "apply": "ctrl+s",
        "start-postcopy": "ctrl+o",
        "back": "escape,q",
        "detach": "escape,q",
        "close": "escape,q",
        "drop-queued": "x",
        "add-host": "plus",
        "drop-host": "x,delete",
        "yes": "y",
        "no": "n,escape",
    }
)
"""Keys by binding id, under Textual's names, with commas between several."""

_SORTING = (
    "sort reverse-sort sort-by-name sort-by-state sort-by-host sort-by-job sort-by-progress sort-by-elapsed "
    "sort-by-done sort-by-left sort-by-rate sort-by-eta"
)
_SORTING_JOBS = (
    "sort reverse-sort sort-by-began sort-by-host sort-by-domain sort-by-kind sort-by-result sort-by-took "
    "sort-by-requester sort-by-details"
)
_EVERYWHERE = (
    "quit dump wait open abort pivot migration resume filter clear-filter clear-marks show-job "
    f"show-history show-info copy-name copy-path copy-stats show-hosts show-past-jobs {_SORTING}"
)
_CURSOR = "cursor.down cursor.up cursor.first cursor.last cursor.page-down cursor.page-up"
_TABLE = f"{_CURSOR} columns.right columns.left mark mark-shown"
_HISTORY = f"open-entry filter clear-filter copy-entry copy-file close {_SORTING_JOBS}"
LIVE_TOGETHER: tuple[frozenset[str], ...] = tuple(
    frozenset(f"{ids} help open-palette".split())
    for ids in (
        f"{_EVERYWHERE} {_TABLE}",  # the main screen
        f"{_EVERYWHERE} {_TABLE} keep-filter",  # its filter line
        "start back",  # the dump form
        "apply start-postcopy back",  # a migration
        "detach close resume",  # one wait
        "detach close drop-queued resume",  # several waits
        "add-host drop-host copy-uri close cursor.down cursor.up",  # the hosts
        f"{_HISTORY} {_CURSOR}",  # the history
        f"{_HISTORY} {_CURSOR} keep-filter",  # its filter line
        f"copy-entry copy-file close {_CURSOR}",  # one of its jobs
        "yes no",  # a question
        f"close {_CURSOR}",  # the help
    )
)
"""Binding ids that are active at the same time, a set for each screen; within one, a key has one meaning."""
YIELDING = frozenset(f"{_SORTING} {_SORTING_JOBS}".split()) - {"sort", "reverse-sort"}
"""Binding ids that lose a default key, rather than have it refused, where a keymap gives the key to another id."""

_KEY_NAMES = (
    "at backslash backspace circumflex_accent commercial_at delete dollar_sign down end enter equals_sign escape "
    "exclamation_mark full_stop grave_accent greater_than_sign home hyphen_minus insert left left_curly_bracket "
    "left_parenthesis left_square_bracket less_than_sign low_line minus number_sign pagedown pageup percent_sign plus "
    "plus_sign question_mark quotation_mark return reverse_solidus right right_curly_bracket right_parenthesis "
    "right_square_bracket slash space tab underscore up vertical_line"
)
KEY_NAMES = frozenset([*_KEY_NAMES.split(), *(f"f{number}" for number in range(1, 25))])
"""Textual's names of keys; one that types a letter or a digit goes by that."""
MODIFIERS = frozenset({"ctrl", "alt", "shift", "super", "hyper", "meta"})
