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
        "show-waits": "W",
        "abort": "a",
        "pivot": "p",
        "migration": "m",
        "resume": "r",
        "filter": "slash",
        "clear-filter": "escape",
        "clear-marks": "escape",
        "sort": "s",
        "reverse-sort": "S",
        "choose-columns": "C",
        "keep-columns": "enter",
        "reset-columns": "r",
        "column.toggle": "space",
        "column.earlier": "K,shift+up",
        "column.later": "J,shift+down",
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
        "show-done": "at",
        "copy-command": "y",
        "copy-virsh": "Y",
        "focus-activity": "A",
        "enlarge": "z",
        "next-pane": "tab",
        "previous-pane": "shift+tab",
        "leave-pane": "escape",
        "open-line": "enter",
        "acknowledge": "x,delete",
        "acknowledge-all": "X",
        "show-log": "l",
        "show-xml": "x",
        "problems-only": "f",
        "busy-only": "b",
        "export": "e",
        "search": "slash",
        "end-search": "escape",
        "next-match": "n",
        "previous-match": "N",
        "copy-text": "y",
        "scroll.down": "j,down",
        "scroll.up": "k,up",
        "scroll.first": "g,home",
        "scroll.last": "G,end",
        "scroll.page-down": "ctrl+d,pagedown",
        "scroll.page-up": "ctrl+u,pageup",
        "scroll.right": "right",
        "scroll.left": "left",
        "read-again": "r",
        "retry-hosts": "ctrl+r",
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
        "columns.right": "right",
        "columns.left": "left",
        "mark": "space",
        "mark-shown": "*",
        "keep-filter": "enter",
        "more": "pagedown",
        "less": "pageup",
        "start": "ctrl+s",
        "write": "ctrl+s",
        "apply": "ctrl+s",
        "start-postcopy": "ctrl+o",
        "back": "escape,q",
        "detach": "escape,q",
        "close": "escape,q",
        "drop-queued": "x",
        "queue-again": "ctrl+s",
        "forget-queued": "delete",
        "later": "escape,q",
        "add-host": "plus",
        "drop-host": "x,delete",
        "save-hosts": "s",
        "retry-host": "r,ctrl+r",
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
    "quit dump wait open show-waits abort pivot migration resume filter clear-filter clear-marks show-job "
    "show-history show-info copy-name copy-path copy-stats show-hosts show-past-jobs retry-hosts "
    "choose-columns show-done focus-activity enlarge next-pane previous-pane leave-pane show-log show-xml "
    f"problems-only busy-only export {_SORTING}"
)
_CURSOR = "cursor.down cursor.up cursor.first cursor.last cursor.page-down cursor.page-up"
_TABLE = f"{_CURSOR} columns.right columns.left mark mark-shown"
_OF_WAITS = "abort pivot resume copy-name copy-path copy-stats export help"
_HISTORY = f"open-entry filter clear-filter copy-entry copy-file export close {_SORTING_JOBS}"
_TEXT = "search end-search next-match previous-match copy-text read-again export help close"
_SCROLL = "scroll.down scroll.up scroll.first scroll.last scroll.page-down scroll.page-up scroll.right scroll.left"
FIXED_KEYS = frozenset({"ctrl+c", "ctrl+l", "ctrl+p", "ctrl+q", "shift+tab", "tab"})
"""Keys that have no id, and the same meaning everywhere."""
LIVE_TOGETHER: tuple[frozenset[str], ...] = tuple(
    frozenset(f"{ids} help open-palette".split())
    for ids in (
        f"{_EVERYWHERE} {_TABLE}",  # the main screen
        f"{_EVERYWHERE} {_TABLE} keep-filter",  # its filter line
        f"{_EVERYWHERE} {_TABLE} open-line acknowledge acknowledge-all",  # its activity
        "start more less back",  # the dump form
        "apply start-postcopy more less back",  # a migration
        f"detach close {_OF_WAITS} more less",  # one wait
        f"detach close {_OF_WAITS} open drop-queued {_CURSOR}",  # several waits
        "queue-again forget-queued later",  # what an earlier console left in its queue
        "add-host drop-host save-hosts retry-host copy-uri close cursor.down cursor.up",  # the hosts
        "keep-columns reset-columns back cursor.down cursor.up column.toggle column.earlier column.later",  # columns
        f"{_HISTORY} {_CURSOR}",  # the history
        f"{_HISTORY} {_CURSOR} keep-filter",  # its filter line
        f"copy-entry copy-file close {_CURSOR}",  # one of its jobs
        f"{_TEXT} {_SCROLL}",  # a log or XML
        f"{_TEXT} keep-filter",  # its search line
        "write back",  # where to export to
        "yes no more less",  # a question
        f"copy-command copy-virsh close {_CURSOR}",  # what was done
        f"close help filter clear-filter {_CURSOR}",  # the help
        f"close help filter clear-filter keep-filter {_CURSOR}",  # its filter line
    )
)
"""Binding ids that are active at the same time, a set for each screen; within one, a key has one meaning.

The first is that of the main screen, where the user's own actions are as well.
"""
YIELDING = frozenset(f"{_SORTING} {_SORTING_JOBS}".split()) - {"sort", "reverse-sort"}
"""Binding ids that lose a default key, rather than have it refused, where a keymap gives the key to another id."""


def action_id(index: int) -> str:
    """The binding id of the user's own action that has that place in the config; no keymap changes its key."""
    return f"action-{index + 1}"


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
