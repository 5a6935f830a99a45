"""Only what differs is sent, and the terminal shows what it should all the same."""

from __future__ import annotations

import struct
from itertools import islice
from typing import Any

import pyte
from hypothesis import given
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style

from tui.terminal.canvas import Canvas

WIDTH, HEIGHT = 24, 5
STYLES = [
    None,
    Style(color="#ff8000"),
    Style(color="#ff8000", bgcolor="#102030"),
    Style(color="red", bold=True),
    Style(bgcolor="#102030"),
    Style(reverse=True, underline=True),
    Style(color="bright_blue", bgcolor="color(17)", italic=True),
]
LETTERS = "ab 12│█░日本é"
Put = tuple[int, int, list[Segment]]
_PUT = struct.Struct("<BBB" + "BB9s" * 4)
"""A put: its place, how many segments it has, and of each of four the style, the length, and the letters."""


def put(numbers: tuple[Any, ...]) -> Put:
    x, y, count, *rest = numbers
    segments = [
        Segment(
            "".join(LETTERS[letter % len(LETTERS)] for letter in letters[: 1 + length % 9]), STYLES[style % len(STYLES)]
        )
        for style, length, letters in zip(rest[::3], rest[1::3], rest[2::3], strict=True)
    ]
    # Most begin so far left that they fit.
    return x % (WIDTH if y < 64 else 2), y % HEIGHT, segments[: 1 + count % 4]


@st.composite
def frames_of_puts(draw: st.DrawFn) -> list[list[Put]]:
    counts = draw(st.lists(st.integers(0, 12), min_size=1, max_size=5))
    # Drawn at once: each letter on its own would take longer than what is tested.
    size = _PUT.size * sum(counts)
    puts = map(put, _PUT.iter_unpack(draw(st.binary(min_size=size, max_size=size))))
    return [list(islice(puts, count)) for count in counts]


class Terminal:
    """What an emulator shows of what is sent."""

    def __init__(self) -> None:
        self._screen = pyte.Screen(WIDTH, HEIGHT)
        self._screen.reset_mode(7, private=True)
        self._stream = pyte.Stream(self._screen)

    def feed(self, text: str) -> None:
        self._stream.feed(text)

    def cells(self) -> list[list[tuple[object, ...]]]:
        """Of each line; how a blank would be written to makes no difference, unless it shows."""
        return [[tuple(self._screen.buffer[y][x]) for x in range(WIDTH)] for y in range(HEIGHT)]


def canvas() -> Canvas:
    return Canvas(WIDTH, HEIGHT, ColorSystem.TRUECOLOR)


def whole(content: list[Put]) -> Terminal:
    """What a terminal shows that was sent everything at once."""
    terminal, fresh = Terminal(), canvas()
    for put in content:
        fresh.put(*put)
    terminal.feed(fresh.changes())
    return terminal


def fitting(content: list[Put]) -> list[Put]:
    """Without what would cut a wide character in two, which no layout does."""
    lines: dict[int, Put] = {}
    for x, y, its in content:
        length = sum(segment.cell_length for segment in its)
        if x + length <= WIDTH:
            lines[y] = (0, y, [Segment(" " * x), *its, Segment(" " * (WIDTH - x - length))])
    return list(lines.values())


@given(frames_of_puts(), st.floats(1, 400))
def test_the_terminal_shows_what_it_should_whatever_was_shown_before(frames: list[list[Put]], limit: float) -> None:
    terminal, ours = Terminal(), canvas()
    content: dict[int, Put] = {}
    for frame in map(fitting, frames):
        for put in frame:
            content[put[1]] = put
            ours.put(*put)
        terminal.feed(ours.changes(limit))
    while ours.differs:
        before = ours.changes(limit)
        terminal.feed(before)
    assert terminal.cells() == whole(list(content.values())).cells()
    assert ours.changes() == ""


def test_one_digit_takes_one_digit() -> None:
    ours = canvas()
    ours.put(0, 1, [Segment("done 45.1 % of it", STYLES[1])])
    ours.changes()
    ours.put(0, 1, [Segment("done 45.2 % of it", STYLES[1])])
    assert ours.changes() == "\x1b[2;9H\x1b[38;2;255;128;0m2"
    ours.put(0, 1, [Segment("done 45.3 % of it", STYLES[1])])
    assert ours.changes() == "\x1b[2;9H3"


def test_what_has_not_changed_is_not_sent() -> None:
    ours = canvas()
    for _ in range(2):
        ours.put(3, 2, [Segment("web-01", STYLES[3])])
        sent = ours.changes()
    assert sent == ""


def test_only_the_part_of_a_style_that_differs_is_sent() -> None:
    ours = canvas()
    ours.changes()
    two = Style(color="#010101", bgcolor="#020202"), Style(color="#030303", bgcolor="#020202")
    ours.put(0, 0, [Segment("a", two[0]), Segment("b", two[1])])
    assert ours.changes() == "\x1b[1;1H\x1b[38;2;1;1;1;48;2;2;2;2ma\x1b[38;2;3;3;3mb"


def test_a_line_that_changes_its_look_does_not_wait_for_the_others() -> None:
    ours = canvas()
    for y in range(HEIGHT):
        ours.put(0, y, [Segment("row ".ljust(WIDTH), STYLES[1])])
    ours.changes()
    for y in range(HEIGHT - 1):
        ours.put(0, y, [Segment("ROW ".ljust(WIDTH), STYLES[1])])
    ours.put(0, HEIGHT - 1, [Segment("row ".ljust(WIDTH), STYLES[2])])
    assert ours.changes(1).startswith(f"\x1b[{HEIGHT};1H")
    # The others follow, a line at a time, none before its turn.
    assert [ours.changes(1)[:4] for _ in range(HEIGHT - 1)] == [f"\x1b[{line};" for line in range(1, HEIGHT)]


def test_everything_is_sent_again_when_something_else_wrote_there() -> None:
    terminal, ours = Terminal(), canvas()
    ours.put(0, 0, [Segment("shown", STYLES[3])])
    terminal.feed(ours.changes())
    right = terminal.cells()
    terminal.feed("\x1b[1;1H\x1b[0mBroadcast message from root")
    assert ours.changes() == ""
    ours.forget()
    terminal.feed(ours.changes())
    assert terminal.cells() == right


def test_without_colours_there_are_none() -> None:
    plain = Canvas(WIDTH, HEIGHT, None)
    plain.put(0, 0, [Segment("text", STYLES[2])])
    assert "38;2" not in plain.changes()
