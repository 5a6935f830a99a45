"""One open connection to a daemon: its thread, and the domains that were looked up on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from backend.errors import DomainNotRunning, NoSuchDomain
from backend.libvirt.convert import running_id
from backend.model import DomainKey

if TYPE_CHECKING:
    from backend.libvirt.connection.batch import Part
    from backend.threads import Worker

T = TypeVar("T")
Subject = DomainKey | str
"""What a call is about: a domain, or something of the hypervisor's in words."""
Call = Callable[["Connection"], T]
"""A blocking call on a connection."""


def name_of(subject: Subject) -> str:
    """What the subject is called in messages."""
    return subject if isinstance(subject, str) else subject.name


class Connection:
    """An open virConnect, and the thread that makes all calls on it, one at a time.

    libvirt's client before 10.2 may overlook a call that is made while another one waits for its answer, until the next
    keepalive message, seconds later, wakes it up.
    """

    def __init__(self, conn: Any, watched: bool, thread: Worker | None = None) -> None:
        """Without a `thread` of its own, it belongs to the calling one."""
        self.conn = conn
        self.watched = watched
        """Whether events come over it, and its loss is reported."""
        self.thread = thread
        self.handles: dict[str, Any] = {}
        """virDomain by uuid, so that no call has to look its domain up first."""
        self.part: Part[Any] | None = None
        """What its thread does now."""

    @property
    def stuck(self) -> Subject | None:
        """The subject of the call that was written off and has not returned yet."""
        return self.part.subject if self.part is not None and self.part.stuck else None

    def handle(self, key: DomainKey) -> Any:
        """The virDomain of that very run. NoSuchDomain once the run is over, DomainNotRunning if nothing followed."""
        domain = self.handles.get(key.uuid)
        if domain is None or running_id(domain) != key.id:
            domain = self.look_up(key)
        return domain

    def look_up(self, key: DomainKey) -> Any:
        """`handle`, always looked up at the daemon."""
        domain = self.conn.lookupByUUIDString(key.uuid)
        present = running_id(domain)
        if present != key.id:
            self.handles.pop(key.uuid, None)
            if present is None:
                raise DomainNotRunning(f"{key.name} is not running any more")
            raise NoSuchDomain(f"{key.name} was started anew (id {present}); the run that was asked for is over")
        self.handles[key.uuid] = domain
        return domain
