"""The witness as a service: it remembers the jobs of this host's hypervisors in the host's history until it is stopped.

It never ends because a hypervisor is away: a daemon may start after it, restart, or be replaced by another version.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field

from backend.backoff import CONNECT, Backoff
from backend.base import Backend
from backend.errors import JournalError, JournalTooNew, NotSupported
from backend.log import backend_error
from backend.observing.claims import ClaimPublisher
from backend.observing.memory import Memory
from backend.observing.views import Changes
from backend.observing.witness import Witness, watch_and_witness
from backend.records.entry import JobEntry
from backend.records.history import History
from backend.records.host import claim_folder, host_folder
from backend.records.journal import Journal
from backend.sd_notify import notify, watchdog_interval
from backend.threads import in_thread
from backend.uri import open_backend

logger = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds that the end of the service waits for a history or a hypervisor that is slow."""


async def serve(uris: Sequence[str], version: str, readonly: bool = False, publish: bool = True) -> None:
    """Remember what happens on these hypervisors until SIGTERM or SIGINT.

    `version`: of the program. `publish`: others are told of it in the domains' metadata. WitnessRuns if this host has
    a witness, NotPermitted or JournalError where this user cannot write the host's history, JournalTooNew where a newer
    version wrote it, InvalidURI and NotSupported for a hypervisor that is none, or not on this host.
    """
    backends = [open_backend(uri, readonly) for uri in uris]
    claim = claim_folder(version, tuple(uris))
    try:
        history = History.of_host()
        try:
            async with asyncio.timeout(PATIENCE):
                await in_thread(history.open, "history")
        except JournalTooNew:
            raise
        except JournalError as error:  # Its disk may be full now, and have room later.
            logger.warning("%s", error.message)
        except TimeoutError:
            logger.warning("the disk of %s does not answer", history.path)
        told = backends if publish and not readonly else []
        publishers = {backend.uri: ClaimPublisher(backend, history) for backend in told}

        def tell(entry: JobEntry) -> None:
            if entry.uri in publishers:
                publishers[entry.uri].tell(entry)

        with contextlib.closing(Memory(history, "witness", tell, alone=True)) as memory:
            async with _stopping() as stopped:
                journal = await in_thread(_own_journal, "journal")
                await _attend(backends, memory, journal, publishers, stopped)
            await memory.settle(PATIENCE)
            if memory.trouble:
                logger.error("what was not stored is lost: %s", memory.trouble)
    finally:
        os.close(claim)


def _own_journal() -> Journal:
    """This user's own, whose results prove what became of dumps; an empty one, where that cannot be used."""
    try:
        journal = Journal()
        journal.count()
    except JournalError as error:
        logger.info(
            "dumps requested by this user are witnessed like those of others: %s", error.message.partition(";")[0]
        )
        return Journal(host_folder() / "journal.db")
    return journal


@contextlib.asynccontextmanager
async def _stopping() -> AsyncIterator[asyncio.Event]:
    """What is set when somebody stops the service."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, stopped.set)
    try:
        yield stopped
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


async def _attend(
    backends: Sequence[Backend],
    memory: Memory,
    journal: Journal,
    publishers: Mapping[str, ClaimPublisher],
    stopped: asyncio.Event,
) -> None:
    """Keep all of them up until `stopped`, or until one turns out to be none of this host."""
    status = _Status(memory)
    hosts = [_Host(backend, status, publishers.get(backend.uri)) for backend in backends]
    status.hosts = hosts
    tasks = [asyncio.create_task(host.attend(memory, journal)) for host in hosts]
    ending = asyncio.create_task(stopped.wait())
    alive = asyncio.create_task(_stay_alive())
    try:
        await asyncio.wait([*tasks, ending], return_when=asyncio.FIRST_COMPLETED)
    finally:
        notify("STOPPING=1")
        for task in (*tasks, ending, alive):
            task.cancel()
        # A hypervisor that does not answer must not delay the end.
        await asyncio.wait(tasks, timeout=PATIENCE)
    for task in tasks:
        if task.done() and not task.cancelled() and (error := task.exception()) is not None:
            raise error


async def _stay_alive() -> None:
    """Give systemd its signs of life."""
    if (interval := watchdog_interval()) is not None:
        while True:
            notify("WATCHDOG=1")
            await asyncio.sleep(interval)


@dataclass
class _Status:
    """What systemd shows of the service."""

    memory: Memory
    hosts: Sequence[_Host] = ()
    _told: str = ""

    def tell(self) -> None:
        """Tell what is new. The service is ready once every hypervisor was connected to, or found to be away."""
        if not all(host.state for host in self.hosts):
            return
        following = sum(host.following for host in self.hosts)
        parts = [f"{following} job{'' if following == 1 else 's'} followed", *(host.state for host in self.hosts)]
        if self.memory.trouble:
            parts.append(self.memory.trouble)
        told = "; ".join(parts)
        if told != self._told:
            notify("READY=1", f"STATUS={told}")
            self._told = told


@dataclass
class _Host:
    """One hypervisor that is attended to."""

    backend: Backend
    status: _Status
    publisher: ClaimPublisher | None
    state: str = ""
    """How it is, in words; empty until that is known."""
    following: int = 0
    _connected: bool = field(default=False, init=False)

    async def attend(self, memory: Memory, journal: Journal) -> None:
        """Connect and remember; after a failure, again after a while. NotSupported for one that is on another host."""
        backoff = Backoff(*CONNECT)
        while True:
            try:
                # The same backend each time: it resumes an attempt that still hangs.
                async with self.backend as backend:
                    if not backend.capabilities.local:
                        raise NotSupported(
                            f"{backend.uri} is not on this host: a witness sees files and processes; run it there"
                        )
                    backoff.reset()
                    await watch_and_witness(backend, memory, self._report, journal, self.publisher)
            except NotSupported:
                raise
            except Exception as error:
                reason = backend_error(error).message
                if self.state != f"{self.backend.uri}: {reason}":
                    logger.warning("%s: %s", self.backend.uri, reason)
                self._become(False, reason)
            await backoff.pause()

    def _report(self, witness: Witness, changes: Changes) -> None:
        self.following = witness.following
        self._become(changes.connected, changes.reason)

    def _become(self, connected: bool, reason: str) -> None:
        uri = self.backend.uri
        if connected and not self._connected:
            logger.info("%s: connected to %s", uri, self.backend.capabilities.hypervisor)
        if not connected:
            self.following = 0
        self._connected, self.state = connected, f"{uri}: {reason or 'connected'}"
        self.status.tell()
