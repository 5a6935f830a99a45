"""The top line: the connections, and the numbers of domains and jobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from textual.color import Color
from textual.content import Content
from textual.widget import Widget

from tui.session.host import Host, Link
from tui.widgets.counts import Counts, phrase
from tui.words.cells import crop

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
        badges = Content.assemble(*(part for badge in self._badges() for part in (" ", badge)))
        title = Content.assemble((" virt-jobs ", "bold $accent"), " ")
        least = LEAST_HOST if len(self._hosts) < 2 else self._counted().cell_length
        room = self.size.width - badges.cell_length - least - 3
        counts = phrase(self._counts, room)
        # What the program is called is the first thing to do without.
        left = title if counts.cell_length <= room - title.cell_length else Content(" ")
        right = counts + badges
        room = self.size.width - left.cell_length - right.cell_length - 2
        left += self._connections(room)
        return left + " " * max(1, self.size.width - left.cell_length - right.cell_length - 1) + right

    def _connections(self, room: int) -> Content:
        parts: list[tuple[str, str]] = []
        for host in self._hosts:
            dot, style = DOTS[host.link]
            text = crop(host.name, max(8, room - 2))
            parts += [(text, f"bold {_flag(host.colour)}"), (f" {dot}", style)]
            parts += [(" read-only", "$secondary")] if host.readonly and not self._all_readonly else []
            parts.append(("  ", ""))
        named = Content.assemble(*parts[:-1])
        return named if named.cell_length <= room or len(self._hosts) < 2 else self._counted()

    def _counted(self) -> Content:
        links = Counter(host.link for host in self._hosts)
        counts = [(f"  {links[link]} {dot}", style) for link, (dot, style) in DOTS.items() if links[link]]
        return Content.assemble((f"{len(self._hosts)} hosts", "bold"), *counts)

    @property
    def _all_readonly(self) -> bool:
        return bool(self._hosts) and all(host.readonly for host in self._hosts)

    def _badges(self) -> list[tuple[str, str]]:
        badges = []
        if self._slow_terminal:
            badges.append((" slow terminal ", "bold reverse $secondary"))
        if any(host.simulated for host in self._hosts):
            badges.append((" SIMULATED ", "bold reverse $warning"))
        if self._all_readonly:
            badges.append((" read-only ", "bold reverse $secondary"))
        return badges


def _flag(colour: str) -> str:
    """The style of a connection with a colour of its own."""
    return f"{Color.parse(colour).get_contrast_text(1).hex} on {colour}" if colour else ""
