"""One connection, the threads that are inside its calls, and the domains that were looked up on it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import libvirt

from backend.errors import BackendError, DomainNotRunning, NoSuchDomain
from backend.libvirt.convert import running_id
from backend.libvirt.errors import typed
from backend.libvirt.threads import in_thread
from backend.model import DomainKey

SLOTS = 4
"""Calls at once on one connection; the daemon serves five, and lets what comes on top wait behind them."""

T = TypeVar("T")
Subject = DomainKey | str
"""What a call is about: a domain, or something of the hypervisor's in words."""
Call = Callable[["Link"], T]
"""A blocking call on a connection."""


class Link:
    """An open virConnect. The handles may be used by any thread, the rest by the event loop's alone."""

    def __init__(self, conn: Any) -> None:
        self.conn = conn
        self.handles: dict[str, Any] = {}
        """virDomain by uuid, so that no call has to look its domain up first."""
        self.slots = asyncio.Semaphore(SLOTS)
        self.members: set[Member[Any]] = set()

    @property
    def stuck(self) -> list[Subject]:
        """What the calls that were written off and still have not returned are about."""
        return [member.subject for member in self.members if member.stuck]

    def handle(self, key: DomainKey) -> Any:
        """The virDomain of that very run. NoSuchDomain once the run is over, DomainNotRunning if nothing followed."""
        domain = self.handles.get(key.uuid)
        if domain is None or running_id(domain) != key.id:
            domain = self.look_up(key)
        return domain

    def look_up(self, key: DomainKey) -> Any:
        """`handle`, asked of the daemon."""
        domain = self.conn.lookupByUUIDString(key.uuid)
        id = running_id(domain)
        if id != key.id:
            self.handles.pop(key.uuid, None)
            if id is None:
                raise DomainNotRunning(f"{key.name} is not running any more")
            raise NoSuchDomain(f"{key.name} was started anew: this run (id {key.id}) is over, now it is id {id}")
        self.handles[key.uuid] = domain
        return domain


class Crew(Generic[T]):
    """Calls on one link, and the threads that share them."""

    def __init__(self, link: Link, calls: Mapping[Subject, Call[T]]) -> None:
        self.link = link
        self.todo = deque(calls.items())
        self.done: dict[Subject, T | BackendError] = {}
        self.members: list[Member[T]] = []

    def add_member(self) -> None:
        """Let one more thread take part; the caller has acquired a slot of the link's for it."""
        member = Member(self)
        self.members.append(member)
        self.link.members.add(member)
        member.future = in_thread(member.work, "libvirt call")
        member.future.add_done_callback(lambda _: self._left(member))

    def _left(self, member: Member[T]) -> None:
        self.link.members.discard(member)
        self.link.slots.release()


class Member(Generic[T]):
    """One thread of a crew."""

    future: asyncio.Future[None]

    def __init__(self, crew: Crew[T]) -> None:
        self._crew = crew
        self._current: tuple[Subject, float] | None = None
        self._written_off: tuple[Subject, float] | None = None

    def work(self) -> None:
        """Take calls and make them, until none is left (in the thread)."""
        crew = self._crew
        while True:
            try:
                subject, call = crew.todo.popleft()
            except IndexError:
                return
            self._current = (subject, time.monotonic())
            try:
                crew.done[subject] = call(crew.link)
            except libvirt.libvirtError as error:
                crew.done[subject] = typed(error)
            except BackendError as error:
                crew.done[subject] = error
            self._current = None

    @property
    def subject(self) -> Subject:
        """What its present call is about."""
        current = self._current
        return current[0] if current else ""

    def age(self, now: float) -> float:
        """For how many seconds its present call has not returned."""
        current = self._current
        return now - current[1] if current else 0.0

    def write_off(self, age: float, now: float) -> None:
        """Give its present call up, if it is that old. Should it return after all, the member is as good as before."""
        current = self._current
        if current and now - current[1] >= age:
            self._written_off = current

    @property
    def stuck(self) -> bool:
        return self._written_off is not None and self._written_off is self._current
