"""The hosts that have a problem, above everything else."""

from __future__ import annotations

from collections.abc import Collection

from textual.content import Content
from textual.widgets import Static

from tui.session import news
from tui.session.host import Host, Link

MOST_LINES = 3


class Banner(Static):
    """A line for each such host; hidden while there is none."""

    def __init__(self, hosts: Collection[Host], hosts_key: str) -> None:
        super().__init__(id="banner", markup=False)
        self._hosts = hosts
        self._hosts_key = hosts_key

    def show_problems(self) -> None:
        """Show the current problems."""
        lines = [f" ✗ {host.name}: {_problem(host)}; trying again" for host in self._hosts if host.reason]
        if len(lines) > MOST_LINES:
            more = f" ✗ {len(lines) - MOST_LINES + 1} more hosts: {self._hosts_key} shows them"
            lines = [*lines[: MOST_LINES - 1], more]
        self.display = bool(lines)
        self.set_class(len(lines) > 1, "-many")
        self.update(Content("\n").join(lines))


def _problem(host: Host) -> str:
    return news.no_connection(host) if host.link is Link.DOWN else host.reason
