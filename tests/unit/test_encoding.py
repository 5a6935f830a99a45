"""What a terminal can be expected to show, by its name, and the theme for one with few colours."""

from __future__ import annotations

import io

import pytest
from textual.color import Color
from textual.theme import BUILTIN_THEMES

from tui.config.console import THEMES
from tui.terminal import themes
from tui.terminal.encoding import blocks_fit, has_colours, letters_fit

UTF8 = io.TextIOWrapper(io.BytesIO(), "utf-8")
PLAIN = ["linux", "linux-16color", "vt100", "vt220", "vt220-w", "vt320", "vt100-am", "ansi", "dumb", "cons25", "sun"]
OTHERS = ["", "xterm", "xterm-256color", "screen", "screen.linux", "tmux-256color", "vte-256color", "rxvt", "foot"]


@pytest.mark.parametrize("term", PLAIN)
def test_the_linux_console_and_old_terminals_draw_with_ascii(term: str) -> None:
    assert not blocks_fit(UTF8, {"TERM": term})
    assert letters_fit(UTF8, {"TERM": term})


@pytest.mark.parametrize("term", OTHERS)
def test_others_draw_with_blocks_and_colours(term: str) -> None:
    assert blocks_fit(UTF8, {"TERM": term})
    assert has_colours({"TERM": term})


def test_without_a_name_nothing_speaks_against_blocks() -> None:
    assert blocks_fit(UTF8, {})
    assert has_colours({})


def test_of_the_plain_ones_the_linux_console_has_colours() -> None:
    assert [term for term in PLAIN if has_colours({"TERM": term})] == [
        "linux",
        "linux-16color",
        "ansi",
        "cons25",
        "sun",
    ]


def test_the_encoding_and_the_locale_count_as_well() -> None:
    for fit in (blocks_fit, letters_fit):
        assert fit(UTF8, {"LANG": "de_DE.UTF-8"})
        assert not fit(UTF8, {"LC_ALL": "C"})
        assert not fit(io.TextIOWrapper(io.BytesIO(), "latin-1"), {})


def test_with_sixteen_colours_our_themes_give_way_to_ones_that_use_them_as_they_are() -> None:
    for theme in themes.OURS:
        instead = BUILTIN_THEMES[themes.for_colours(theme.name, "standard")]
        assert instead.ansi
        assert instead.name in THEMES
        assert instead.dark == theme.dark
        assert Color.parse(instead.background).ansi is not None
        assert themes.for_colours(theme.name, "truecolor") == themes.for_colours(theme.name, "256") == theme.name
    assert themes.for_colours("nord", "standard") == "nord"
    assert themes.for_colours("virt-jobs", None) == "virt-jobs"
