"""Which hosts are watched, and what is said of those that something is wrong with."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.content import Content
from textual.widgets import Static

from tui.commands.commands import ShowHosts
from tui.commands.keys import Keys
from tui.config.values import Config
from tui.screens.confirm import ConfirmScreen
from tui.screens.hosts import HostsScreen
from tui.screens.viewing import ViewingScreen
from tui.session import migrations, news
from tui.session.host import Host, Link
from tui.session.planned import QUEUED
from tui.session.rows import Row, RowKey
from tui.widgets.status_line import StatusLine

MOST_AILING = 3
"""Lines about hosts that something is wrong with."""


class HostingScreen(ViewingScreen):
    """Shows how the hosts are; adds some, and drops some."""

    def __init__(self, uris: list[str], readonly: bool, config: Config, keys: Keys) -> None:
        super().__init__(uris, readonly, config, keys)
        self.loaded: set[str] = set()
        """The URIs of those whose domains are known."""
        self.status = StatusLine(self.hosts.values())
        self.banner = Static(id="banner", markup=False)

    def show_hosts(self) -> None:
        """Show how they are now."""
        self.status.refresh()
        said = [f" ✗ {host.name}: {_ailment(host)}; trying again" for host in self.hosts.values() if host.reason]
        if len(said) > MOST_AILING:
            more = f" ✗ {len(said) - MOST_AILING + 1} more hosts: {self.keys[ShowHosts]} shows them"
            said = [*said[: MOST_AILING - 1], more]
        self.banner.display = bool(said)
        self.banner.set_class(len(said) > 1, "-many")
        self.banner.update(Content("\n").join(said))
        awaited = [host.name for host in self.hosts.values() if host.uri not in self.loaded]
        nothing = "no domains here" if self.hosts else f"no host: {self.keys[ShowHosts]} adds one"
        self.table.show_placeholder(f"waiting for {', '.join(awaited)} …" if awaited else nothing)
        if isinstance(self.app.screen, HostsScreen):
            self.app.screen.show()

    def show_rows(self, changed: Sequence[Row], removed: Sequence[RowKey] = ()) -> None:
        """Show that these domains changed and those are no more, and what that says of migrations."""
        known = self.table.rows
        moving: set[str] = set()
        if len(self.hosts) > 1:
            before = map(known.get, [*(row.key for row in changed), *removed])
            moving = migrations.migrating([*changed, *before])
        self.table.apply(changed, removed)
        if moving and (corrected := migrations.corrected(known, self.hosts, moving)):
            self.table.apply(corrected)

    @on(ShowHosts)
    def _show_screen(self) -> None:
        self.open(HostsScreen(self.hosts, self.table.rows.counts, self._added, self._drop))

    def _added(self, hosts: Sequence[Host]) -> None:
        for host in hosts:
            self.activity.say(host.name, "added")
        self._show_others()

    def _drop(self, host: Host) -> None:
        queued = sum(waiting.stage == QUEUED for waiting in self.waits.of_host(host))
        if not queued:
            self._let_go_of(host)
            return
        dumps = "A dump is queued for it and was" if queued == 1 else f"{queued} dumps are queued for it and were"
        question = f"Drop {host.name}?\n{dumps} not started yet: dropped with it.\nWhat runs there goes on."
        self.app.push_screen(
            ConfirmScreen(f"Drop · {host.name}", question, "Drop"),
            lambda confirmed: self._let_go_of(host) if confirmed else None,
        )

    def _let_go_of(self, host: Host) -> None:
        keys = self.table.rows.of_host(host.uri)
        jobs = sum(self.table.rows[key].progress is not None for key in keys)
        for waiting in self.waits.of_host(host):
            self.waits.drop(waiting)
            self.waits.leave(waiting)
        self.show_rows((), keys)
        self.hosts.drop(host)
        self.loaded.discard(host.uri)
        self.throughputs.forget(keys)
        goes_on = {0: "", 1: "; its job goes on"}.get(jobs, f"; its {jobs} jobs go on")
        self.activity.say(host.name, f"dropped{goes_on}")
        self.notify(f"{host.name} dropped{goes_on}", markup=False)
        self._show_others()

    def _show_others(self) -> None:
        self.table.show_hosts(len(self.hosts) > 1)
        self.show_counts()
        self.show_hosts()


def _ailment(host: Host) -> str:
    return news.no_connection(host) if host.link is Link.DOWN else host.reason
