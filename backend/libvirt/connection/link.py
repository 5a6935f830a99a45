"""One connection, with at most one call inside, and the domains that were looked up on it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import libvirt

from backend.errors import BackendError, DomainNotRunning, NoConnection, NoSuchDomain
from backend.libvirt.convert import running_id
from backend.libvirt.errors import typed
from backend.model import DomainKey
from backend.threads import in_thread

T = TypeVar("T")
Subject = DomainKey | str
"""What a call is about: a domain, or something of the hypervisor's in words."""
Call = Callable[["Link"], T]
"""A blocking call on a connection."""


class Link:
    """An open virConnect.

    One thread at a time makes calls on it: libvirt's client before 10.2 may overlook a call that is made while
    another one waits for its answer, until the next keepalive message, seconds later, wakes it up.
    """

    def __init__(self, conn: Any, watched: bool) -> None:
        self.conn = conn
        self.watched = watched
        """Whether events come over it, and its loss is told."""
        self.handles: dict[str, Any] = {}
        """virDomain by uuid, so that no call has to look its domain up first."""
        self.member: Member[Any] | None = None
        """Who makes calls on it now."""

    @property
    def stuck(self) -> Subject | None:
        """What the call is about that was written off and still has not returned."""
        return self.member.subject if self.member is not None and self.member.stuck else None

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
            raise NoSuchDomain(f"{key.name} was started anew (id {id}); the run that was asked for is over")
        self.handles[key.uuid] = domain
        return domain


class Crew(Generic[T]):
    """Calls, and the threads that share them, each with a connection of its own."""

    def __init__(
        self,
        certain: Mapping[Subject, Call[T]],
        doubtful: Mapping[Subject, Call[T]],
        may_try: Callable[[], bool],
    ) -> None:
        """The `doubtful` calls come last, and only while `may_try`, which any thread may ask."""
        self._certain = deque(certain.items())
        self._doubtful = deque(doubtful.items())
        self._may_try = may_try
        self.done: dict[Subject, T | BackendError] = {}
        self.members: list[Member[T]] = []

    @property
    def todo(self) -> bool:
        """Whether there is a call to be made now."""
        return bool(self._certain or (self._doubtful and self._may_try()))

    def next(self) -> tuple[Subject, Call[T]] | None:
        """A call to be made now, for one of its threads."""
        with contextlib.suppress(IndexError):
            return self._certain.popleft()
        with contextlib.suppress(IndexError):
            if self._may_try():
                return self._doubtful.popleft()
        return None

    def put_back(self, subject: Subject, call: Call[T]) -> None:
        """Say that a call was not made after all."""
        self._certain.append((subject, call))

    def stop(self) -> None:
        """Begin no call any more."""
        self._certain.clear()
        self._doubtful.clear()

    def add(self, link: Link) -> Member[T]:
        """Let one more thread take part, on a link that is free."""
        member = Member(self, link)
        link.member = member
        self.members.append(member)
        member.future = in_thread(member.work, "libvirt call")
        return member

    @property
    def active(self) -> list[Member[T]]:
        """Those at work, but for those whose call was written off."""
        return [member for member in self.members if not (member.future.done() or member.stuck)]

    @property
    def lost(self) -> NoConnection | None:
        """Why no call can be made any more, once all their connections broke."""
        reasons = [member.broken for member in self.members]
        return reasons[0] if reasons and all(reasons) else None


class Member(Generic[T]):
    """One thread of a crew."""

    future: asyncio.Future[None]

    def __init__(self, crew: Crew[T], link: Link) -> None:
        self._crew = crew
        self._link = link
        self._current: tuple[Subject, float] | None = None
        self._written_off: tuple[Subject, float] | None = None
        self.broken: NoConnection | None = None
        """Why its connection is of no use any more."""

    def work(self) -> None:
        """Take calls and make them, until none is left or the connection breaks (in the thread)."""
        crew = self._crew
        while self.broken is None and (work := crew.next()) is not None:
            subject, call = work
            self._current = (subject, time.monotonic())
            result = self._made(call)
            if isinstance(result, NoConnection):
                self.broken = result
                crew.put_back(subject, call)
            else:
                crew.done[subject] = result
            self._current = None

    def _made(self, call: Call[T]) -> T | BackendError:
        try:
            return call(self._link)
        except libvirt.libvirtError as error:
            return typed(error)
        except BackendError as error:
            return error

    @property
    def subject(self) -> Subject | None:
        """What its present call is about."""
        current = self._current
        return current[0] if current else None

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
