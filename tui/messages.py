"""What workers tell the screens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from backend.watcher import DomainView

if TYPE_CHECKING:
    from backend.record import JobRecord
    from backend.verdict import Outcome
    from tui.host import Host, Link
    from tui.waiting import Waiting


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


@dataclass
class WaitEnded(Message):
    """A wait is over: it has an outcome, or an error."""

    waiting: Waiting


@dataclass
class PendingFound(Message):
    """The journal has dumps of this user on a host that have no result yet."""

    host: Host
    records: list[JobRecord]


@dataclass
class Acted(Message):
    """Something that the user asked for was done (`error` empty), or could not be."""

    domain: str
    what: str
    error: str = ""


@dataclass
class Told(Message):
    """Something to be told of a domain: how a job ended, or else `words`."""

    domain: str
    words: str
    outcome: Outcome | None = None
