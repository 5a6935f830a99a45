"""The screen of the hosts: their status and load; hosts are added and dropped here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from backend.text import clean
from tui.commands.commands import Close, Command
from tui.commands.hosts import AddHost, CopyUri, DropHost, RetryHost, SaveHosts
from tui.commands.keys import Keys
from tui.commands.offering import OfferingScreen, heading
from tui.config.toml_source import ConfigError
from tui.session.fleet import HostRefused
from tui.session.host import Host, Link
from tui.session.session import Session
from tui.widgets.banner import next_try
from tui.widgets.clipboard import copy
from tui.widgets.host_list import HostList, Load, headings
from tui.widgets.key_bar import KeyBar
from tui.words import units

INTERVAL = 1.0
"""Seconds between two measurements of the load."""


class HostsScreen(OfferingScreen[None], ModalScreen[None]):
    """Adds hosts, and saves those that were added. `drop` disconnects from one, and may ask first."""

    OFFERS = (AddHost, DropHost, SaveHosts, RetryHost, CopyUri, Close)
    BINDINGS: ClassVar[list[BindingType]] = [command.binding() for command in OFFERS]
    PARTS = (HostList,)

    def __init__(self, session: Session, drop: Callable[[Host], None], keys: Keys) -> None:
        super().__init__()
        self._key_names = keys
        self._session = session
        self._hosts = session.hosts
        self._drop = drop
        self._list = HostList(session.hosts, id="list")
        self._seen: dict[str, tuple[float, int]] = {}
        """By URI: when its calls were counted last, and their number then."""
        self._rates: dict[str, float] = {}

    def compose(self) -> ComposeResult:
        with Vertical(classes="panel", id="hosts"):
            yield Static(id="headings", markup=False)
            yield self._list
            yield Static(id="host", markup=False)
            yield Input(placeholder="a group, an alias or a URI; Enter adds it", id="name", compact=True)
            yield Static(id="refused", markup=False)
        yield KeyBar()

    def on_mount(self) -> None:
        self.query_one("#name", Input).cursor_blink = False
        self._list.focus()
        self._measure()
        self.set_interval(INTERVAL, self._measure)

    def on_resize(self) -> None:
        self.call_after_refresh(self.show)

    def refusal(self, command: type[Command]) -> str | None:
        host = self._list.chosen
        if command is DropHost and host is None:
            return "no host to disconnect from"
        if command is SaveHosts and not self._hosts.unsaved:
            return "no host was added that is not saved"
        if command is RetryHost and (host is None or host.until_retry is None):
            down = host is not None and host.link is Link.DOWN
            return "it is tried already" if down else "it is not down"
        return None

    def has_key(self, command: type[Command]) -> bool:
        # While someone types a name, the keys of these are characters like any other.
        return command not in (AddHost, DropHost, SaveHosts, RetryHost, CopyUri) or not self._typing

    @property
    def _typing(self) -> bool:
        return isinstance(self.focused, Input)

    def _measure(self) -> None:
        now = time.monotonic()
        for host in self._hosts.values():
            calls = host.traffic.calls
            at, before = self._seen.get(host.uri, (now, calls))
            if now > at:
                self._rates[host.uri] = max(0, calls - before) / (now - at)
            self._seen[host.uri] = now, calls
        self.show()

    def show(self) -> None:
        """Show the hosts as they are now."""
        if not self._list.is_attached:
            return  # What changed before is shown when it is.
        counts, number = self._session.rows.counts(), len(self._hosts)
        self.query_one("#hosts").border_title = heading("Hosts", str(number))
        self._list.styles.height = max(1, number)
        self.query_one("#headings", Static).update(headings(self._list.scrollable_content_region.width))
        self._list.show({uri: Load(*counts.get(uri, (0, 0)), calls=self._rates.get(uri)) for uri in self._hosts})
        host = self._list.chosen
        self.query_one("#host", Static).update(
            Content("\n").join(self._facts(host)) if host is not None else Content("no host")
        )
        self.refresh_bindings()

    @on(HostList.Moved)
    def _moved(self) -> None:
        self.show()

    @on(AddHost)
    def _begin_to_add(self) -> None:
        name = self.query_one("#name", Input)
        name.display = True
        name.focus()
        self.refresh_bindings()

    @on(Input.Changed)
    def _name_changed(self) -> None:
        self._refuse("")

    @on(Input.Submitted)
    def _add(self, event: Input.Submitted) -> None:
        try:
            added = self._session.add_host(event.value)
        except HostRefused as refused:
            self._refuse(str(refused))
            return
        self._end_typing()
        self._list.go_to(added[0])
        self.show()
        if self._hosts.unsaved:
            names = added[0].name if len(added) == 1 else f"{len(added)} hosts"
            lasts = "lasts" if len(added) == 1 else "last"
            self.notify(f"{names} added: {lasts} for this session; {self._key_names[SaveHosts]} saves", markup=False)

    def _refuse(self, why: str) -> None:
        refused = self.query_one("#refused", Static)
        refused.update(Content.styled(why, "bold $error"))
        refused.display = bool(why)

    def _end_typing(self) -> None:
        name = self.query_one("#name", Input)
        name.value = ""
        name.display = False
        self._refuse("")
        self._list.focus()
        self.refresh_bindings()

    @on(DropHost)
    def _drop_chosen(self) -> None:
        if self.is_active and (host := self._list.chosen) is not None:  # Pressed twice, it would ask twice.
            self._drop(host)

    @on(SaveHosts)
    async def _save(self) -> None:
        try:
            saved = await self._hosts.save()
        except ConfigError as error:
            self.notify(error.message, severity="error", markup=False)
            return
        names = ", ".join(host.name for host in saved)
        path = clean(str(self._session.config.source.path))
        self.notify(f"{names} saved: a start without -c connects there, too ({path})", markup=False)
        self.show()

    @on(RetryHost)
    def _retry(self) -> None:
        if (host := self._list.chosen) is not None:
            host.retry()
            self.call_after_refresh(self.show)

    @on(CopyUri)
    def _copy_uri(self) -> None:
        host = self._list.chosen
        copy(self, host.uri if host is not None else "", "the URI", "host")

    @on(Close)
    def _close(self) -> None:
        if self._typing:
            self._end_typing()
        else:
            self.leave(None)

    def _facts(self, host: Host) -> Iterator[Content]:
        """What does not fit into its line."""
        yield Content("")
        yield _fact("uri", host.uri + (" (read-only)" if host.readonly else ""))
        if host in self._hosts.unsaved:
            yield _fact("added", f"for this session; {self._key_names[SaveHosts]} saves it")
        if host.capabilities is not None:
            yield _fact("runs", host.capabilities.hypervisor)
        if host.link is Link.UP:
            yield _fact("connected", f"for {units.duration(host.watched)}")
        if host.link is Link.DOWN:
            yield _fact("down", f"{next_try(host)}; {self._key_names[RetryHost]} tries now")
        if host.last_error is not None:
            reason, at = host.last_error
            yield _fact("error", f"{units.clock(at)} {reason}", "$error" if host.reason else "")


def _fact(label: str, value: str, style: str = "") -> Content:
    return Content.assemble((f"{label:<10} ", "$foreground-muted"), (value, style))
