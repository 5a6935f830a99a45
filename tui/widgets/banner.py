"""The hosts that have a problem, above everything else."""

from __future__ import annotations

import math
from collections.abc import Collection

from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from tui.session import news
from tui.session.host import Host, Link
from tui.words.cells import shorten, width

MOST_LINES = 3
MOST_NAME = 28
"""Cells of a host's name."""


class Banner(Static):
    """A line for each such host; hidden while there is none.

    `hosts_key` shows all hosts, `retry_key` tries now to connect to them.
    """

    def __init__(self, hosts: Collection[Host], hosts_key: str, retry_key: str) -> None:
        super().__init__(id="banner", markup=False)
        self._hosts = hosts
        self._hosts_key = hosts_key
        self._retry_key = retry_key
        self._seconds: Timer | None = None

    def show_problems(self) -> None:
        """Show the current problems, and for as long as there are any, how long the next attempts are away."""
        cells = self.app.size.width
        lines = [line(host, self._retry_key, cells) for host in self._hosts if host.reason]
        if len(lines) > MOST_LINES:
            more = f" ✗ {len(lines) - MOST_LINES + 1} more hosts: {self._hosts_key} shows them"
            lines = [*lines[: MOST_LINES - 1], more]
        self.display = bool(lines)
        self.update(Content("\n").join(lines))
        if lines and self._seconds is None:
            self._seconds = self.set_interval(1.0, self.show_problems)
        elif not lines and self._seconds is not None:
            self._seconds.stop()
            self._seconds = None

    def on_resize(self) -> None:
        self.call_after_refresh(self.show_problems)


def line(host: Host, retry_key: str, cells: int) -> str:
    """Its problem in one line: when it is tried again is never cut off."""
    start = f" ✗ {shorten(host.name, MOST_NAME)}: "
    end = f" · {next_try(host)}" + (f", {retry_key} now " if host.until_retry is not None else " ")
    room = max(0, cells - width(start) - width(end))
    problem = news.no_connection(host) if host.link is Link.DOWN else host.reason
    if width(problem) > room:
        problem = problem.removeprefix("no connection: ")
    return start + shorten(problem, room) + end


def next_try(host: Host) -> str:
    """When it is tried again."""
    return "trying again" if host.until_retry is None else f"next try in {math.ceil(host.until_retry)} s"
