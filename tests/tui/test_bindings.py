"""The plain data in tui.config is true of the console: ids, default keys, which of them are active together, themes."""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator

import pytest
from textual.app import App
from textual.binding import Binding
from textual.keys import KEY_NAME_REPLACEMENTS, KEY_TO_UNICODE_NAME, Keys, _normalize_key_list
from textual.theme import BUILTIN_THEMES
from textual.widget import Widget

from tui.app import Console
from tui.config.console import THEMES, key_name
from tui.config.keys import DEFAULT_KEYS, KEY_NAMES, LIVE_TOGETHER, MODIFIERS
from tui.dumping.dump import DumpScreen
from tui.screens.columns import ColumnsScreen
from tui.screens.confirm import ConfirmScreen
from tui.screens.done import DoneScreen
from tui.screens.export import ExportScreen
from tui.screens.help import HelpScreen
from tui.screens.history import HistoryScreen
from tui.screens.hosts import HostsScreen
from tui.screens.left_queue import LeftQueueScreen
from tui.screens.main import MainScreen
from tui.screens.migration import MigrationScreen
from tui.screens.past_job import PastJobScreen
from tui.screens.text import TextScreen
from tui.screens.wait import WaitScreen
from tui.screens.wait_list import WaitListScreen
from tui.terminal import themes
from tui.widgets.activity_pane import ActivityPane
from tui.widgets.column_list import ColumnList
from tui.widgets.cursor_lines import CursorLines
from tui.widgets.domain_table import DomainTable
from tui.widgets.filter_line import FilterLine
from tui.widgets.help_pane import HelpLines
from tui.widgets.host_list import HostList
from tui.widgets.job_table import JobTable
from tui.widgets.text_view import TextView

ACTIVE_TOGETHER: tuple[tuple[type[App[None]] | type[Widget], ...], ...] = (
    (Console, MainScreen, DomainTable),
    (Console, MainScreen, FilterLine),
    (Console, MainScreen, ActivityPane),
    (DumpScreen,),
    (MigrationScreen,),
    (WaitScreen,),
    (WaitListScreen, CursorLines),
    (LeftQueueScreen,),
    (HostsScreen, HostList),
    (ColumnsScreen, ColumnList),
    (HistoryScreen, JobTable),
    (HistoryScreen, FilterLine),
    (PastJobScreen,),
    (TextScreen, TextView),
    (TextScreen, FilterLine),
    (ExportScreen,),
    (ConfirmScreen,),
    (DoneScreen, CursorLines),
    (HelpScreen, HelpLines),
    (HelpScreen, FilterLine),
)
"""In the order of LIVE_TOGETHER; a modal screen leaves no key to what is below it, and the history
leaves the application none that it has itself."""


def bindings(classes: Iterable[type[App[None]] | type[Widget]]) -> Iterator[Binding]:
    """Our own bindings that a keymap can change."""
    for kind in classes:
        for base in kind.__mro__:
            if base.__module__.startswith("tui."):
                declared = vars(base).get("BINDINGS", ())
                yield from (binding for binding in declared if isinstance(binding, Binding) and binding.id)


def test_every_binding_has_the_keys_that_the_data_gives_it() -> None:
    bound = {binding.id: binding.key for classes in ACTIVE_TOGETHER for binding in bindings(classes)}
    assert bound == dict(DEFAULT_KEYS)


def test_what_is_active_together_is_what_the_data_says() -> None:
    assert [{binding.id for binding in bindings(classes)} for classes in ACTIVE_TOGETHER] == list(LIVE_TOGETHER)


def test_keys_have_textuals_names() -> None:
    plain = {key.value for key in Keys if not MODIFIERS & {*key.value.replace("-", "+").split("+")}}
    usable = {name for name in plain if not name.startswith("<")}
    assert {*usable, *KEY_NAME_REPLACEMENTS.values(), *KEY_TO_UNICODE_NAME} == KEY_NAMES


@pytest.mark.parametrize(
    "character", [*string.punctuation.replace(",", ""), *string.ascii_letters, *string.digits, "é", "€"]
)
def test_a_character_is_called_what_textual_calls_it(character: str) -> None:
    assert key_name(character) == _normalize_key_list(character)


def test_the_themes_are_textuals_and_our_own() -> None:
    assert {*THEMES} == {*BUILTIN_THEMES, *(theme.name for theme in themes.OURS)}
