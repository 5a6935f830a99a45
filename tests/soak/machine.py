"""A domain of the soak, whatever it runs on."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from backend.base import Backend
from backend.dump_request import DumpRequest
from backend.model import DomainKey
from backend.outcome import Verdict
from backend.records.journal import Journal
from backend.records.record import JobRecord

PATIENCE = 120.0
"""Seconds after which something that has to happen is taken not to."""
LOOK = 0.1
"""Seconds between two looks at what tells nothing."""


class NeverCame(Exception):
    """The hypervisor did not get where it has to get, whatever virt-jobs does: the machine begins anew."""


@dataclass(frozen=True, slots=True)
class Returned:
    """What a call returned to whoever made it."""

    verdict: Verdict | None
    """None where nobody was left to hear it."""
    said: str = ""
    """The error's own words."""


@dataclass(frozen=True, slots=True)
class ForeignCall:
    """A dump that somebody else asked for."""

    returned: asyncio.Task[Returned]
    kill: Callable[[], object]


class Machine(ABC):
    """One domain, its own folder for dumps, and who looks at it."""

    name: str
    """That of its files; the hypervisor may know it by another one."""
    folder: Path
    direct: Backend
    """Of the user who asks, connected to the hypervisor itself."""
    stranger: Backend
    """Of another user, read-only, over a connection that is cut now and then."""
    strangers_journal: Journal
    """That other user's."""
    formats: tuple[str, ...]
    """Those worth asking for, the common ones more than once."""
    processes: bool
    """Whether QEMU is a process that can be killed."""

    @property
    def called(self) -> str:
        """Its name on the hypervisor, as of now."""
        return self.name

    async def rename(self) -> bool:
        """Shut it off and give it another name; whether that was done."""
        return False

    @contextmanager
    def forged_file(self, path: Path) -> Iterator[None]:
        """Processes of another user that look like a dump of it to `path`, where a whole dump is; or nothing."""
        yield

    @abstractmethod
    async def forge(self, record: JobRecord) -> None:
        """Put `record` into its metadata as anybody could who may change it: while it has a job, at the end of that."""

    @abstractmethod
    async def ready(self, paused: bool) -> DomainKey:
        """Do whatever it takes for it to run, or to be paused, without a job."""

    @abstractmethod
    def target(self, full: bool) -> tuple[Backend, Path]:
        """Whom to ask for a dump, and the folder it goes to; where `full`, it will not fit there."""

    @abstractmethod
    def call(self, request: DumpRequest, full: bool) -> ForeignCall:
        """Ask for a dump as somebody else would. Where the domain has a job, it may wait for the end of that."""

    @abstractmethod
    async def destroy(self, domain: DomainKey, again: bool) -> None:
        """Pull the plug, and start it `again` at once."""

    @abstractmethod
    async def crash(self, domain: DomainKey) -> None:
        """Kill its QEMU."""

    @abstractmethod
    async def settled(self, domain: DomainKey, path: Path) -> str:
        """Return once nobody writes to `path` any more and nothing is left to be done about it: QEMU's status."""

    @abstractmethod
    async def begin_anew(self) -> None:
        """Force it to stop, whatever state it is in."""
