"""The hypervisors that the console is connected to; they come and go while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from textual.message import Message
from textual.worker import Worker

from backend.errors import BackendError
from backend.libvirt.connection import conf
from backend.text import clean
from backend.uri import open_backend
from tui.config.values import Config
from tui.session.host import Host
from tui.session.waits import Run


class HostRefused(ValueError):
    """What a user named cannot be added; the text says why, in one line."""


class Hosts(Mapping[str, Host]):
    """By URI, in the order in which they came. Each is attended to by a worker of its own."""

    def __init__(
        self, uris: Sequence[str], readonly: bool, config: Config, run: Run, tell: Callable[[Message], object]
    ) -> None:
        self._readonly = readonly
        self._config = config
        self._run = run
        self._tell = tell
        self._hosts = {uri: self._made(uri) for uri in uris}
        self._workers: dict[str, Worker[None]] = {}

    def __getitem__(self, uri: str) -> Host:
        return self._hosts[uri]

    def __iter__(self) -> Iterator[str]:
        return iter(self._hosts)

    def __len__(self) -> int:
        return len(self._hosts)

    def has(self, host: Host) -> bool:
        """Whether it is one of these still: what is heard of one that was dropped counts no more."""
        return self._hosts.get(host.uri) is host

    def attend(self) -> None:
        """Begin to connect to all of them."""
        for host in self._hosts.values():
            if host.uri not in self._workers:
                self._workers[host.uri] = self._run(host.attend(), group="hosts")

    def add(self, name: str) -> list[Host]:
        """Connect to what an alias, a group or a URI names, as far as it is not here. HostRefused if that cannot be."""
        wanted = [uri for uri in self._named(name.strip()) if uri not in self._hosts]
        if not wanted:
            raise HostRefused(f"{clean(name.strip())} is here already")
        try:
            for uri in wanted:
                open_backend(uri, self._readonly)
        except BackendError as error:
            raise HostRefused(clean(error.message)) from None
        added = [self._made(uri) for uri in wanted]
        self._hosts |= {host.uri: host for host in added}
        self.attend()
        return added

    def drop(self, host: Host) -> None:
        """Let go of it; what runs there goes on."""
        del self._hosts[host.uri]
        if (worker := self._workers.pop(host.uri, None)) is not None:
            worker.cancel()

    def _made(self, uri: str) -> Host:
        return Host(uri, self._readonly, self._tell, self._config)

    def _named(self, name: str) -> list[str]:
        if not name:
            raise HostRefused("name a group, an alias or a URI")
        aliases = conf.load()
        uris = [aliases.uri(uri) for uri in self._config.uris([name])]
        if unknown := next((uri for uri in uris if "://" not in uri), None):
            raise HostRefused(f"{clean(unknown)} is no URI, no group, and no alias of the config or of libvirt.conf")
        return uris
