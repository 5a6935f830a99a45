"""One hypervisor that the console is connected to, or tries to connect to."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Set
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from backend.backoff import CONNECT, Backoff
from backend.base import Backend, Traffic
from backend.capabilities import Capabilities
from backend.errors import BackendError, NoConnection
from backend.log import backend_error, ignored
from backend.model import DomainKey
from backend.observing.memory import Memory
from backend.observing.views import Changes, DomainView
from backend.observing.watcher import Watcher
from backend.observing.witness import Witness
from backend.uri import open_backend
from tui.config.values import Config
from tui.session.happenings import Happenings
from tui.session.turns import Turns

logger = logging.getLogger(__name__)


READ_ONLY, SIMULATED = "read-only", "SIMULATED"
BADGES = {READ_ONLY: "ro", SIMULATED: "sim"}
"""What may have to be known of a host before anything is done there, each with its short form."""


class Link(Enum):
    CONNECTING = "connecting"
    UP = "connected"
    DOWN = "no connection"


@dataclass(frozen=True, slots=True)
class HostChanges:
    """What changed on a host since the last such report."""

    changed: tuple[DomainView, ...]
    removed: tuple[str, ...]
    """uuids"""
    complete: bool
    """Whether `changed` is everything the host has: the first report of a connection."""


class HostListener(Protocol):
    """Hears of a host. Both are called from the host's own task."""

    def link_changed(self, host: Host, before: Link) -> None:
        """The connection came up, went down, failed again, or stopped getting answers."""

    def domains_changed(self, host: Host) -> None:
        """There are changes to take."""


class Host:
    """A connection that is kept up and watched. Changes of its domains wait here until someone takes them.

    Every job that is seen here is followed to its end, and remembered in `memory`.
    """

    def __init__(self, uri: str, readonly: bool, config: Config, listener: HostListener, memory: Memory) -> None:
        settings = config.connection(uri)
        self.uri = uri
        self.name = uri
        """For people; it depends on which other hosts there are (see Fleet)."""
        self.colour = settings.colour
        self.readonly = readonly or settings.readonly
        self.link = Link.CONNECTING
        self.reason = ""
        """Why there is no connection, or what the hypervisor does not answer."""
        self.last_error: tuple[str, float] | None = None
        """The last such reason, even if it no longer holds, and when that was (seconds since the epoch)."""
        self.traffic = Traffic()
        """The load that the connection causes on its hypervisor."""
        self.happenings = Happenings()
        """What its domains were reported to have done while it was listened to."""
        self.turns = Turns(config.dump.at_once)
        """For the dumps that this console starts here."""
        self.memory = memory
        self._listener = listener
        self._pauses = Backoff(*CONNECT)
        self._backend: Backend | None = None
        self._watcher: Watcher | None = None
        self._witness: Witness | None = None
        self._names: dict[str, str] = {}
        """The names of its domains, by uuid."""
        self._silent: dict[str, float] = {}
        """Since when those do not answer that do not, by uuid."""
        self._changed: dict[str, DomainView] = {}
        self._removed: set[str] = set()
        self._complete = False
        self.news = False
        """Whether changes that wait here are more than how far jobs are."""
        self._watched_since = float("inf")

    @property
    def watched(self) -> float:
        """Seconds since the current connection was made."""
        return max(0.0, time.monotonic() - self._watched_since)

    @property
    def badges(self) -> tuple[str, ...]:
        """What has to be known of it before anything is done there."""
        return (READ_ONLY,) * self.readonly + (SIMULATED,) * self.uri.startswith("sim:")

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

    @property
    def until_retry(self) -> float | None:
        """Seconds until the next attempt to connect; None while it is made, and while there is no need for one."""
        if self.link is not Link.DOWN:
            return None
        return self._pauses.left if self._backend is None else self._backend.until_retry

    def retry(self) -> None:
        """Make that attempt now."""
        self._pauses.hurry()
        if self._backend is not None:
            self._backend.retry()

    def name_of(self, domain: DomainKey) -> str:
        """What the domain is called now, as far as that is known: it may have been renamed since `domain` was read."""
        return self._names.get(domain.uuid, domain.name)

    def silent_since(self, domain: DomainKey) -> float | None:
        """Since when it is known not to answer (seconds since the epoch); None: it does, as far as is known."""
        return self._silent.get(domain.uuid)

    def watch_closely(self, uuids: Set[str], crowded: bool) -> None:
        """The user is looking at these domains. `crowded`: all hosts together have many jobs."""
        if self._watcher is not None:
            self._watcher.watch_closely(uuids, crowded)

    async def attend(self) -> None:
        """Connect and watch; after a failure, again after a while. Until cancelled."""
        backend: Backend | None = None
        while True:
            try:
                # The same backend each time: it resumes an attempt that still hangs, where a new one would add another.
                backend = backend or open_backend(self.uri, self.readonly)
                self.traffic = backend.traffic
                async with backend:
                    self._pauses.reset()
                    self._backend = backend
                    self._complete = True
                    self._watched_since = time.monotonic()
                    self._become(Link.UP)
                    self._witness = Witness(backend, self.memory)
                    self._watcher = Watcher(backend, found=self._witness.see)
                    listening = [
                        asyncio.create_task(self._listen(backend)),
                        asyncio.create_task(self._follow_jobs(self._witness)),
                    ]
                    try:
                        await self._watcher.run(self._report)
                    finally:
                        self._witness = None
                        for task in listening:
                            task.cancel()
                        await asyncio.gather(*listening, return_exceptions=True)
            except Exception as error:
                self._become(Link.DOWN, backend_error(error).message)
            finally:
                self._backend = None
                self._changed, self._removed = {}, set()
                self.happenings.clear()
            await self._pauses.pause()

    async def _listen(self, backend: Backend) -> None:
        with ignored(logger, "what domains do is not reported", BackendError):
            async with backend.events() as events:
                async for event in events:
                    self.happenings.take(event)

    async def _follow_jobs(self, witness: Witness) -> None:
        try:
            await witness.run()
        except Exception:
            logger.exception("the jobs of %s are not followed", self.uri)

    def take_changes(self) -> HostChanges | None:
        """The changes since the last call; None if there are none."""
        if not self._has_changes:
            return None
        changes = HostChanges(tuple(self._changed.values()), tuple(self._removed), self._complete)
        self._changed, self._removed, self._complete = {}, set(), False
        self.news = False
        return changes

    @property
    def _has_changes(self) -> bool:
        # An empty list from a hypervisor that does not answer does not mean that it has no domains.
        return bool(self._changed or self._removed or (self._complete and self._backend and not self.reason))

    def _become(self, link: Link, reason: str = "") -> None:
        if (link, reason) != (self.link, self.reason):
            before, self.link, self.reason = self.link, link, reason
            if reason:
                self.last_error = reason, time.time()
                logger.warning("%s: %s", self.uri, reason)
            self._listener.link_changed(self, before)

    def _report(self, changes: Changes) -> None:
        self._become(Link.UP if changes.connected else Link.DOWN, changes.reason)
        if self._witness is not None:
            self._witness.take(changes)
        for view in changes.changed:
            self._names[view.domain.key.uuid] = view.domain.name
            self._changed[view.domain.key.uuid] = view
            self._removed.discard(view.domain.key.uuid)
            self._silent.pop(view.domain.key.uuid, None)
            if view.silent_since is not None:
                self._silent[view.domain.key.uuid] = view.silent_since
        for uuid in changes.removed:
            self._changed.pop(uuid, None)
            self._names.pop(uuid, None)
            self._silent.pop(uuid, None)
            self.happenings.forget(uuid)
            self._removed.add(uuid)
        self.news |= changes.news
        if self._has_changes:
            self._listener.domains_changed(self)
