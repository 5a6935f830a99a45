"""The top line: the connections, and the numbers of domains and jobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from textual.color import Color
from textual.content import Content
from textual.widget import Widget

from tui.session.host import BADGES, READ_ONLY, SIMULATED, Host, Link
from tui.widgets.counts import Counts, phrase
from tui.words.cells import shorten

_COLOURS = {SIMULATED: "$warning", READ_ONLY: "$secondary"}
DOTS = {Link.UP: ("●", "$success"), Link.CONNECTING: ("◌", "$warning"), Link.DOWN: ("✗", "$error")}

LEAST_HOST = 10
"""Cells that stay for a single host."""


class StatusLine(Widget):
    """Shows the current state of the hosts whenever it is painted; refresh it when that changed."""

    def __init__(self, hosts: Collection[Host]) -> None:
        super().__init__()
        self._hosts = hosts
        self._counts = Counts(0, 0, 0, 0, 0)
        self._slow_terminal = False

    def show_slow_terminal(self, slow: bool) -> None:
        """The terminal takes so little that changes are shown less often."""
        self._slow_terminal = slow
        self.refresh()

    def show(self, counts: Counts) -> None:
        """Show these numbers."""
        if counts != self._counts:
            self._counts = counts
            self.refresh()

    def render(self) -> Content:
        marks = self._marks()
        title = Content.assemble((" virt-jobs ", "bold $accent"), " ")
        least = LEAST_HOST if len(self._hosts) < 2 else self._counted().cell_length
        room = self.size.width - marks.cell_length - least - 3
        counts = phrase(self._counts, room)
        # What the program is called is the first thing to do without.
        left = title if counts.cell_length <= room - title.cell_length else Content(" ")
        right = counts + marks
        room = self.size.width - left.cell_length - right.cell_length - 2
        left += self._connections(room)
        return left + " " * max(1, self.size.width - left.cell_length - right.cell_length - 1) + right

    def _marks(self) -> Content:
        marks = Content("")
        if self._slow_terminal:
            marks += Content.assemble(" ", (" slow terminal ", "bold reverse $secondary"))
        if len(self._hosts) == 1:
            marks += badges(next(iter(self._hosts)).badges, "bold reverse")
        return marks

    def _connections(self, room: int) -> Content:
        if len(self._hosts) == 1:
            return _named(next(iter(self._hosts)), room)
        for brief in (False, True):
            parts = [_named(host, room) + badges(host.badges, brief=brief) for host in self._hosts]
            if (named := Content("  ").join(parts)).cell_length <= room:
                return named
        return self._counted()

    def _counted(self) -> Content:
        links = Counter(host.link for host in self._hosts)
        counts = [(f"  {links[link]} {dot}", style) for link, (dot, style) in DOTS.items() if links[link]]
        of_all = [badge for badge in BADGES if all(badge in host.badges for host in self._hosts)]
        return Content.assemble((f"{len(self._hosts)} hosts", "bold"), *counts, " ", badges(of_all))


def badges(words: Iterable[str], style: str = "", brief: bool = False) -> Content:
    """What has to be known of a host before anything is done there, each after a blank; in reverse with another."""
    around = " " if "reverse" in style else ""
    marks = Content("")
    for word in words:
        mark = BADGES[word] if brief else f"{around}{word}{around}"
        marks += Content.assemble(" ", (mark, f"{style} {_COLOURS[word]}"))
    return marks


def _named(host: Host, room: int) -> Content:
    """Its name, and whether it is connected."""
    dot, style = DOTS[host.link]
    return Content.assemble((shorten(host.name, max(8, room - 2)), f"bold {_flag(host.colour)}"), (f" {dot}", style))


def _flag(colour: str) -> str:
    """The style of a connection with a colour of its own."""
    return f"{Color.parse(colour).get_contrast_text(1).hex} on {colour}" if colour else ""
