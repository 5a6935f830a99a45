"""The hypervisors that the console is connected to; they are added and dropped while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from backend.errors import BackendError
from backend.libvirt.connection import conf
from backend.observing.memory import Memory
from backend.text import clean
from backend.threads import in_thread
from backend.uri import open_backend
from tui.config.values import Config
from tui.session.background_tasks import BackgroundTasks
from tui.session.host import Host, HostListener
from tui.words.host_names import host_names


class HostRefused(ValueError):
    """The host that the user named cannot be added; the text says why, in one line."""


class Fleet(Mapping[str, Host]):
    """Hosts by URI, in the order in which they were added. Each has a task of its own."""

    def __init__(
        self,
        uris: Sequence[str],
        readonly: bool,
        config: Config,
        tasks: BackgroundTasks,
        listener: HostListener,
        memory: Memory,
    ) -> None:
        self._readonly = readonly
        self._config = config
        self._tasks = tasks
        self._listener = listener
        self._memory = memory
        self._hosts = {uri: self._make_host(uri) for uri in uris}
        self._aliases = conf.load().names | config.aliases
        self._began_with = tuple(self._hosts)
        self._added: set[str] = set()
        self._others: set[str] = set()
        """The URIs of others whose names were asked for."""
        self._name_hosts()
        self._running: dict[str, asyncio.Task[None]] = {}

    def __getitem__(self, uri: str) -> Host:
        return self._hosts[uri]

    def __iter__(self) -> Iterator[str]:
        return iter(self._hosts)

    def __len__(self) -> int:
        return len(self._hosts)

    def has(self, host: Host) -> bool:
        """Whether the host was not dropped: late news of one that was no longer counts."""
        return self._hosts.get(host.uri) is host

    def attend(self) -> None:
        """Connect to all of them."""
        for host in self._hosts.values():
            if host.uri not in self._running:
                self._running[host.uri] = self._tasks.start(host.name, host.attend())

    def add(self, name: str) -> list[Host]:
        """Connect to the hosts of an alias, a group or a URI that are not connected yet. HostRefused if impossible."""
        uris = [uri for uri in self._resolve(name.strip()) if uri not in self._hosts]
        if not uris:
            raise HostRefused(f"{clean(name.strip())} is already connected")
        try:
            for uri in uris:
                open_backend(uri, self._readonly)
        except BackendError as error:
            raise HostRefused(clean(error.message)) from None
        added = [self._make_host(uri) for uri in uris]
        self._hosts |= {host.uri: host for host in added}
        self._added.update(uris)
        self._name_hosts()
        self.attend()
        return added

    def drop(self, host: Host) -> None:
        """Disconnect; jobs there continue."""
        del self._hosts[host.uri]
        self._added.discard(host.uri)
        self._name_hosts()
        if (task := self._running.pop(host.uri, None)) is not None:
            task.cancel()

    @property
    def unsaved(self) -> list[Host]:
        """Those that were added, and are gone at the next start."""
        return [host for host in self._hosts.values() if host.uri in self._added]

    async def save(self) -> list[Host]:
        """Let the config have those, and connect to them by default; which they were. ConfigError if it cannot."""
        from tui.config.saving import save_hosts  # Few need it, and everyone waits for the start.

        hosts = self.unsaved
        path, names = self._config.source.path, {host.uri: host.name for host in hosts}
        default = [uri for uri in self._began_with if not uri.startswith("sim:")]
        await in_thread(partial(save_hosts, path, names, default), "config")
        self._added.difference_update(names)
        return hosts

    def name(self, uri: str) -> str:
        """What a host is called that may not be connected: not like one that is, nor like another one asked for."""
        if uri in self._hosts:
            return self._hosts[uri].name
        self._others.add(uri)
        return host_names([*self._hosts, *sorted(self._others)], self._aliases)[uri]

    def _name_hosts(self) -> None:
        names = host_names(self._hosts, self._aliases)
        for uri, host in self._hosts.items():
            host.name = names[uri]

    def _make_host(self, uri: str) -> Host:
        return Host(uri, self._readonly, self._config, self._listener, self._memory)

    def _resolve(self, name: str) -> list[str]:
        if not name:
            raise HostRefused("enter a group, an alias or a URI")
        aliases = conf.load()
        uris = [aliases.uri(uri) for uri in self._config.uris([name])]
        if unknown := next((uri for uri in uris if "://" not in uri), None):
            raise HostRefused(f'"{clean(unknown)}" is not a URI, a group or an alias')
        return uris
