"""What there is to read about a domain: its log, with the hypervisor's messages, and its XML."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import ClassVar, Protocol

from backend.errors import BackendError
from backend.model import DomainKey
from backend.running.folder_watch import FolderWatch
from backend.text import clean
from backend.threads import in_thread
from tui.session.host import Host
from tui.session.log_tail import KEPT, LogTail, Tail

logger = logging.getLogger(__name__)

FOLD = 0.25
"""Seconds between two looks at a log that is written to all the time."""
MESSAGES_FOLD = 2.0
"""The same for the hypervisor's messages, which change when the log does."""
READ_DEADLINE = 5.0
"""Seconds after which reading a file is reported to hang."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A text as it was read, and what is to be said of it."""

    lines: Sequence[str] = ()
    """Cleaned."""
    messages: Sequence[str] = ()
    """What the hypervisor reports about the domain."""
    notes: Sequence[str] = ()
    problem: str = ""
    """Why there is no text, or none that is newer."""


class DomainText(Protocol):
    """A text about a domain."""

    name: ClassVar[str]
    """One word."""
    grows: ClassVar[bool]
    """Whether its end is what matters."""
    place: str
    """Where it is, as far as that is known; empty: nowhere that has a name."""

    def readings(self) -> AsyncIterator[Reading]:
        """The text at first, and whenever it has changed or is to be read again; without an end."""

    def read_again(self) -> None:
        """Read it now."""


class XmlText:
    """The XML, read when it is asked for."""

    name: ClassVar[str] = "XML"
    grows: ClassVar[bool] = False

    def __init__(self, host: Host, domain: DomainKey) -> None:
        self.place = ""
        self._host = host
        self._domain = domain
        self._wake = asyncio.Event()

    def read_again(self) -> None:
        self._wake.set()

    async def readings(self) -> AsyncIterator[Reading]:
        lines: Sequence[str] = ()
        while True:
            self._wake.clear()
            problem = ""
            try:
                lines = (await self._host.backend.xml(self._domain)).splitlines()
            except BackendError as error:
                problem = error.message
            yield Reading(lines, problem=problem)
            await self._wake.wait()


class LogText:
    """The end of the log, as it grows, with what the hypervisor reports about the domain as notes."""

    name: ClassVar[str] = "log"
    grows: ClassVar[bool] = True

    def __init__(self, host: Host, domain: DomainKey) -> None:
        self.place = ""
        self._host = host
        self._domain = domain
        self._wake = asyncio.Event()
        self._file: LogTail | None = None
        self._tail = Tail(())
        self._problem = ""
        self._unfollowed = ""
        self._messages: Sequence[str] = ()
        self._unreported = ""
        """Why there are none."""
        self._outdated = True
        """Whether the messages may be others than when they were last asked for."""
        self._asked = float("-inf")
        self._asking: asyncio.Task[None] | None = None

    def read_again(self) -> None:
        self._outdated = True
        self._wake.set()

    async def readings(self) -> AsyncIterator[Reading]:
        before: Reading | None = None
        with ExitStack() as stack:
            stack.callback(self._stop_asking)
            watched = False
            while True:
                self._wake.clear()
                self._ask_for_messages()
                hanging = await self._read()
                self._ask_for_messages()  # What was read may be about something that they tell as well.
                if (reading := self._reading) != before:
                    before = reading
                    yield reading
                if hanging is not None:
                    await asyncio.wait([hanging])
                    self._take(hanging)
                    self._wake.set()
                elif self._file is not None and not watched:
                    watched = True
                    self._follow(self._file, stack)
                await self._wake.wait()
                await asyncio.sleep(FOLD)

    @property
    def _reading(self) -> Reading:
        cut = f"the last {KEPT // 1024} KiB; what is before them is not shown" if self._tail.cut else ""
        notes = [note for note in (self._unreported, cut, self._unfollowed) if note]
        return Reading(self._tail.lines, self._messages, notes, self._problem)

    async def _read(self) -> asyncio.Future[Tail | None] | None:
        """Read the log if it has changed. A reading that takes very long is returned, to be waited for."""
        try:
            if self._file is None:
                self._file = LogTail(await self._host.backend.log_file(self._domain))
                self.place = clean(str(self._file.path))
        except BackendError as error:
            self._problem = error.message
            return None
        reading = in_thread(self._file.read, "domain log")
        await asyncio.wait([reading], timeout=READ_DEADLINE)
        if not reading.done():
            self._problem = f"the file system of {self.place} does not answer"
            return reading
        self._take(reading)
        return None

    def _take(self, reading: asyncio.Future[Tail | None]) -> None:
        try:
            tail = reading.result()
        except BackendError as error:
            self._problem = error.message
            return
        self._problem = ""
        if tail is not None:
            self._tail = tail
            self._outdated = True

    def _follow(self, file: LogTail, stack: ExitStack) -> None:
        """Wake up when files there change from now on, and once now: it may have happened since the first reading."""
        try:
            stack.enter_context(FolderWatch(self._wake.set, file.path.parent))
        except OSError as error:
            logger.warning("the log of %s is not followed: %s", self._domain.name, error)
            self._unfollowed = f"what comes is not shown by itself: {error.strerror}"
        self._wake.set()

    def _ask_for_messages(self) -> None:
        if not self._outdated or (self._asking is not None and not self._asking.done()):
            return
        loop = asyncio.get_running_loop()
        if loop.time() < self._asked + MESSAGES_FOLD:
            loop.call_at(self._asked + MESSAGES_FOLD, self._wake.set)
            return
        self._asked, self._outdated = loop.time(), False
        self._asking = asyncio.create_task(self._read_messages())

    async def _read_messages(self) -> None:
        try:
            self._messages = await self._host.backend.messages(self._domain)
            self._unreported = "" if self._messages else "the hypervisor reports nothing about this domain"
        except BackendError as error:
            self._unreported = f"no messages from the hypervisor: {error.message}"
        self._wake.set()

    def _stop_asking(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
