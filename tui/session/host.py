"""One hypervisor that the console is connected to, or tries to be."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Set
from dataclasses import dataclass
from enum import Enum

from textual.message import Message

from backend.base import Backend, Traffic
from backend.errors import NoConnection
from backend.log import backend_error
from backend.model import Capabilities
from backend.observing.watcher import Changes, DomainView, Watcher
from backend.uri import open_backend
from tui.config.values import Config
from tui.session.turns import Turns

logger = logging.getLogger(__name__)

FIRST_RETRY, LAST_RETRY = 3.0, 15.0
"""Seconds from a try to connect to the next one; each that fails doubles them, up to the last."""


class Link(Enum):
    CONNECTING = "connecting"
    UP = "connected"
    DOWN = "no connection"


@dataclass
class HostChanged(Message):
    """A connection came up, went down, failed again, or does not get its answers."""

    host: Host
    before: Link


@dataclass
class DomainsChanged(Message):
    """Domains of a host changed; those of the first report of a connection are all that it has."""

    host: Host
    changed: tuple[DomainView, ...]
    removed: tuple[str, ...]
    """uuids"""
    all: bool


class Host:
    """A connection kept up, and watched; it tells by messages."""

    def __init__(self, uri: str, readonly: bool, tell: Callable[[Message], object], config: Config) -> None:
        settings = config.connection(uri)
        self.uri = uri
        self.name = config.alias(uri) or uri
        """For people."""
        self.colour = settings.colour
        self.readonly = readonly or settings.readonly
        self.link = Link.CONNECTING
        self.reason = ""
        """Why there is no connection, or what the hypervisor does not answer on one."""
        self.last_error: tuple[str, float] | None = None
        """The last such reason, also when it holds no more, and when that was in seconds of the epoch."""
        self.traffic = Traffic()
        """What the connection asks of its hypervisor."""
        self.turns = Turns(config.dump.at_once)
        """Of the dumps that this console starts here."""
        self._tell = tell
        # Seconds, at the least, between two messages about changed domains.
        self._fold = 1 / config.refresh
        self._backend: Backend | None = None
        self._watcher: Watcher | None = None
        self._changed: dict[str, DomainView] = {}
        self._removed: set[str] = set()
        self._all = False
        self._told_at = float("-inf")
        self._watched_since = float("inf")
        self._due: asyncio.TimerHandle | None = None

    @property
    def watched(self) -> float:
        """Seconds since this was last connected to anew."""
        return max(0.0, time.monotonic() - self._watched_since)

    @property
    def simulated(self) -> bool:
        return self.uri.startswith("sim:")

    @property
    def backend(self) -> Backend:
        """The open backend. NoConnection while there is none."""
        if self._backend is None:
            raise NoConnection(self.reason or f"not connected to {self.uri} yet")
        return self._backend

    @property
    def capabilities(self) -> Capabilities | None:
        """What the connection can do; None while there is none."""
        return self._backend.capabilities if self._backend is not None and self.link is Link.UP else None

    def watch_closely(self, uuids: Set[str]) -> None:
        """These domains are looked at by the user: how their jobs go is to be known at once."""
        if self._watcher is not None:
            self._watcher.closely = uuids

    async def attend(self) -> None:
        """Connect and watch; where that fails, again after a while. Until cancelled."""
        delay = FIRST_RETRY
        backend: Backend | None = None
        while True:
            try:
                # The same one each time: it takes an attempt up that still hangs, where another would begin one more.
                backend = backend or open_backend(self.uri, self.readonly)
                self.traffic = backend.traffic
                async with backend:
                    delay = FIRST_RETRY
                    self._backend = backend
                    self._all = True
                    self._watched_since = time.monotonic()
                    self._become(Link.UP)
                    self._watcher = Watcher(backend)
                    await self._watcher.run(self._report)
            except Exception as error:
                self._become(Link.DOWN, backend_error(error).message)
            finally:
                self._backend = None
                self._drop()
            await asyncio.sleep(delay)
            delay = min(2 * delay, LAST_RETRY)

    def _become(self, link: Link, reason: str = "") -> None:
        if (link, reason) != (self.link, self.reason):
            before, self.link, self.reason = self.link, link, reason
            if reason:
                self.last_error = reason, time.time()
                logger.warning("%s: %s", self.uri, reason)
            self._tell(HostChanged(self, before))

    def _report(self, changes: Changes) -> None:
        self._become(Link.UP if changes.connected else Link.DOWN, changes.reason)
        for view in changes.changed:
            self._changed[view.domain.key.uuid] = view
            self._removed.discard(view.domain.key.uuid)
        for uuid in changes.removed:
            self._changed.pop(uuid, None)
            self._removed.add(uuid)
        # Where the hypervisor did not answer, that there is nothing does not say that it has nothing.
        told = self._changed or self._removed or (self._all and not changes.reason)
        if told and self._due is None:
            loop = asyncio.get_running_loop()
            self._due = loop.call_at(max(loop.time(), self._told_at + self._fold), self._flush)

    def _flush(self) -> None:
        self._told_at = asyncio.get_running_loop().time()
        self._tell(DomainsChanged(self, tuple(self._changed.values()), tuple(self._removed), self._all))
        self._due = None
        self._changed, self._removed, self._all = {}, set(), False

    def _drop(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
        self._changed, self._removed = {}, set()
