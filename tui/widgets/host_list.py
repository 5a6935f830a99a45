"""The list of hosts, one per line, with a cursor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message

from tui.session.host import Host, Link
from tui.widgets.lines import Lines
from tui.widgets.status_line import DOTS, badges
from tui.words.cells import fit, shorten, width
from tui.words.units import milliseconds

WIDE = 96
"""Cells from which the hypervisor's version is shown."""
_MARGIN = 2
_NAME, _STATE, _VERSION, _NUMBER = 14, 15, 28, 8
_ROOMY = 32
"""Cells from which a name and badges in words have room."""


@dataclass(frozen=True, slots=True)
class Load:
    """How busy a host is."""

    domains: int = 0
    jobs: int = 0
    calls: float | None = None
    """Per second; None while unknown."""


class HostList(Lines):
    """Shows the state and load of each host."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False, id="cursor.down", tooltip="Next host"),
        Binding("k,up", "move(-1)", "Up", show=False, id="cursor.up", tooltip="Previous host"),
    ]

    class Moved(Message):
        """The cursor moved to another host."""

    def __init__(self, hosts: Mapping[str, Host], id: str | None = None) -> None:  # noqa: A002 - Textual's own name
        super().__init__(id=id)
        self._hosts = hosts
        self._index = 0

    @property
    def chosen(self) -> Host | None:
        """The host under the cursor; None if there is no host."""
        hosts = list(self._hosts.values())
        return hosts[min(self._index, len(hosts) - 1)] if hosts else None

    def show(self, loads: Mapping[str, Load]) -> None:
        """Show all of them; `loads`: by URI."""
        cells, chosen = self.scrollable_content_region.width, self.chosen
        hosts = self._hosts.values()
        self.show_lines([line(host, loads.get(host.uri, Load()), cells, host is chosen) for host in hosts])

    def go_to(self, host: Host) -> None:
        """Put the cursor on that host."""
        self._go(list(self._hosts).index(host.uri))

    def action_move(self, lines: int) -> None:
        self._go(self._index + lines)

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is not None and offset.y + self.scroll_offset.y < len(self._hosts):
            self._go(offset.y + self.scroll_offset.y)

    def _go(self, index: int) -> None:
        self._index = max(0, min(index, len(self._hosts) - 1))
        self.keep_in_sight(self._index)
        self.post_message(self.Moved())


def headings(cells: int) -> Content:
    """The column titles."""
    names, rest = _columns(cells, "Hypervisor", ["Domains", "Jobs", "Latency", "Calls/s"])
    return Content.styled(
        " " * _MARGIN + fit("Host", names) + " " + fit("State", _STATE) + " " + rest, "bold $text-muted"
    )


def line(host: Host, load: Load, cells: int, cursor: bool) -> Content:
    """One host in `cells` cells."""
    up = host.link is Link.UP
    dot, style = DOTS[host.link]
    state = "no answer" if up and host.reason else host.link.value
    has_counts = up or load.domains
    numbers = [
        str(load.domains) if has_counts else "",
        str(load.jobs) if has_counts else "",
        milliseconds(host.traffic.latency) if up else "",
        f"{load.calls:.0f}" if up and load.calls is not None else "",
    ]
    version = host.capabilities.hypervisor if host.capabilities is not None else ""
    names, rest = _columns(cells, version, numbers)
    weight = "bold" if cursor else ""
    head = "▌ " if cursor else "  "
    where = (f" {fit(f'{dot} {state}', _STATE)} ", f"{weight} {style}")
    return Content.assemble((head, "bold $accent"), _name(host, names, weight), where, (rest, weight))


def _name(host: Host, cells: int, style: str) -> Content:
    """The host's name and its badges."""
    badge = badges(host.badges, brief=cells < _ROOMY)
    name = shorten(host.name, max(1, cells - badge.cell_length))
    return Content.assemble((name, style), badge, " " * (cells - width(name) - badge.cell_length))


def _columns(cells: int, version: str, numbers: Sequence[str]) -> tuple[int, str]:
    """The width of the names, and what stands behind the state, in a line of `cells` cells."""
    rest = " ".join(
        [*([fit(version, _VERSION)] if cells >= WIDE else []), *(fit(number, _NUMBER, True) for number in numbers)]
    )
    return max(_NAME, cells - _MARGIN - 1 - _STATE - 1 - width(rest)), rest
