"""The hosts screen, and the question before a host with queued dumps is dropped."""

from __future__ import annotations

from tui.commands.keys import Keys
from tui.commands.offering import OfferingScreen
from tui.screens.confirm import ConfirmScreen
from tui.screens.hosts import HostsScreen
from tui.session.activity_log import ActivityLog
from tui.session.host import Host, Link
from tui.session.session import Session


class HostFlow:
    """Opens them above `screen`."""

    def __init__(self, screen: OfferingScreen[None], session: Session, log: ActivityLog, keys: Keys) -> None:
        self._keys = keys
        self._screen = screen
        self._session = session
        self._log = log

    def show(self) -> None:
        """Show the hosts."""
        self._screen.open(HostsScreen(self._session, self._drop, self._keys))

    @property
    def nothing_to_retry(self) -> str | None:
        """Why no host can be tried again; None if one can."""
        if any(host.until_retry is not None for host in self._session.hosts.values()):
            return None
        down = any(host.link is Link.DOWN for host in self._session.hosts.values())
        return "trying already" if down else "no host is down"

    def retry(self) -> None:
        """Try now to connect to those that wait for their next attempt."""
        for host in self._session.hosts.values():
            host.retry()

    def refresh(self) -> None:
        """Something about the hosts changed: show that if they are shown."""
        if isinstance(self._screen.app.screen, HostsScreen):
            self._screen.app.screen.show()

    def _drop(self, host: Host) -> None:
        queued = sum(wait.queued for wait in self._session.waits.of_host(host))
        if not queued:
            self._disconnect(host)
            return
        dumps = "A queued dump" if queued == 1 else f"{queued} queued dumps"
        question = f"Disconnect from {host.name}?\n{dumps} will be cancelled. Running jobs continue."
        self._screen.app.push_screen(
            ConfirmScreen(f"Disconnect · {host.name}", question, "Disconnect"),
            lambda confirmed: self._disconnect(host) if confirmed else None,
        )

    def _disconnect(self, host: Host) -> None:
        jobs = self._session.drop_host(host)
        continues = {0: "", 1: "; its job continues"}.get(jobs, f"; its {jobs} jobs continue")
        self._log.say(host.name, f"disconnected{continues}")
        self._screen.notify(f"{host.name} disconnected{continues}", markup=False)
