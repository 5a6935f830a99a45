"""The contract over libvirt."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from backend.backoff import RECONNECT, Backoff
from backend.backup import Backup
from backend.base import BlockJobsAnswer, JobAnswer
from backend.capabilities import Capabilities
from backend.credentials import CredentialsNeeded
from backend.dump_request import AutomaticDump, DumpCause, DumpRequest
from backend.errors import BackendError, NoConnection, NotAnswering, NotSupported, OperationFailed
from backend.event_stream import EventHub, EventStream
from backend.events import ConnectionEvent, Event, JobBegan, Lifecycle, LifecycleEvent
from backend.job_origin import JobOrigin
from backend.job_stats import JobStats
from backend.libvirt import (
    automatic_dump,
    backups,
    block_jobs,
    description,
    domain_job,
    identity,
    jobs,
    metadata,
    migration,
)
from backend.libvirt.automatic_dump import Panics
from backend.libvirt.block_jobs import Disks
from backend.libvirt.capabilities import Versions, capabilities
from backend.libvirt.connection.connect import is_local, remember
from backend.libvirt.connection.connection import Connection, Subject
from backend.libvirt.connection.pool import Pool
from backend.libvirt.connection.watch import Watch
from backend.libvirt.core_dump import core_dump
from backend.libvirt.errors import of_query
from backend.libvirt.io_errors import io_errors
from backend.libvirt.known_domains import KnownDomains
from backend.libvirt.local_daemon import LocalDaemon
from backend.libvirt.orders import Orders
from backend.libvirt.status import status
from backend.log import ignored
from backend.model import (
    DiskKey,
    DiskSource,
    Domain,
    DomainKey,
    DomainState,
    JobKey,
    MigrationLimits,
    Operation,
    domain_of,
)
from backend.status import Status, StatusAnswer
from backend.threads import in_thread

if TYPE_CHECKING:
    from backend.files.target import DumpTarget
    from backend.records.entry import JobEntry
    from backend.records.record import JobRecord

logger = logging.getLogger(__name__)

_OPTIONAL_DEADLINE = 1.0

T = TypeVar("T")


class LibvirtBackend(Orders):
    """Any libvirt URI. One connection serves queries and events, one serves commands, and each dump call gets its own.
    More are opened where many domains are polled, or a call hangs."""

    def __init__(self, uri: str, readonly: bool = False) -> None:
        super().__init__(uri, readonly)
        self._hub = EventHub()
        self._disks = Disks()
        self._watch = Watch(
            self._hear,
            partial(self._from_libvirt, self._take_break),
            self._disks.forget,
        )
        self._polling = Pool(uri, readonly, self.traffic, self._watch, self._lost, of_query)
        self._control = Pool(uri, readonly, self.traffic)
        self._capabilities: Capabilities | None = None
        self._daemon_uri = uri
        self._daemon = LocalDaemon(partial(self._from_libvirt, self._take_dump))
        self._domains = KnownDomains(uri, self._polling, self._running)
        self._panics = Panics()
        self._reconnecting: asyncio.Task[None] | None = None
        self._pauses = Backoff(*RECONNECT)
        self._loop: asyncio.AbstractEventLoop | None = None

    async def open(self) -> None:
        self._loop = asyncio.get_running_loop()
        for pool in (self._polling, self._control):
            pool.revive()
        try:
            await self._log_in()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        if self._reconnecting is not None:
            self._reconnecting.cancel()
        self._daemon.close()
        self._hub.end()
        await asyncio.gather(self._polling.close(), self._control.close())

    @property
    def capabilities(self) -> Capabilities:
        if self._capabilities is None:
            raise NoConnection(f"{self.uri} is not open")
        return self._capabilities

    async def domains(self) -> list[Domain]:
        domains = await self._domains.read()
        self._daemon.expect_dumps(domain.key.uuid for domain in domains if domain.state is DomainState.PAUSED)
        return domains

    async def find(self, name: str) -> Domain:
        # libvirt does not know a name that was cleaned for the terminal; the list does.
        return await self._domains.find(name) or await super().find(name)

    async def job(self, key: JobKey) -> JobStats | None:
        return await self._polling.call(domain_of(key), partial(jobs.job, key))

    async def jobs(
        self, keys: Iterable[JobKey], on_answer: Callable[[JobKey, JobAnswer], None] | None = None
    ) -> Mapping[JobKey, JobAnswer]:
        by_domain: dict[Subject, list[JobKey]] = {}
        for key in keys:
            by_domain.setdefault(domain_of(key), []).append(key)
        answers: dict[JobKey, JobAnswer] = {}

        def take(domain: Subject, answer: Mapping[JobKey, JobAnswer] | BackendError) -> None:
            for key in by_domain[domain]:
                answers[key] = answer if isinstance(answer, BackendError) else answer[key]
                if on_answer is not None:
                    on_answer(key, answers[key])

        calls = {domain: partial(jobs.answers, keys) for domain, keys in by_domain.items()}
        try:
            found = await self._polling.sweep(calls, on_answer=take if on_answer else None)
        except BackendError as error:
            found = dict.fromkeys(by_domain, error)
        for domain, answer in found.items():
            if by_domain[domain][0] not in answers:
                take(domain, answer)
        return answers

    async def block_jobs(self, domains: Iterable[DomainKey]) -> Mapping[DomainKey, BlockJobsAnswer]:
        keys = list(domains)
        try:
            found = await self._polling.sweep({key: partial(block_jobs.disk_jobs, self._disks, key) for key in keys})
        except BackendError as error:
            return dict.fromkeys(keys, error)
        return {key: found[key] for key in keys}

    async def statuses(
        self, domains: Iterable[DomainKey], on_answer: Callable[[DomainKey, StatusAnswer], None] | None = None
    ) -> Mapping[DomainKey, StatusAnswer]:
        keys: dict[Subject, DomainKey] = {key: key for key in domains}
        answers: dict[DomainKey, StatusAnswer] = {}

        def take(subject: Subject, answer: StatusAnswer) -> None:
            key = keys[subject]
            if isinstance(answer, Status):
                answer = replace(answer, domain=self._domains.with_memory(answer.domain))
            answers[key] = answer
            if on_answer is not None:
                on_answer(key, answer)

        try:
            await self._polling.sweep({key: partial(status, key) for key in keys.values()}, on_answer=take)
        except BackendError as error:
            for key in keys.keys() - answers.keys():
                take(key, error)
        return answers

    async def disks(self, domain: DomainKey) -> Sequence[str]:
        return await self._polling.call(domain, partial(block_jobs.disk_names, domain))

    async def disk_source(self, key: DiskKey) -> DiskSource | None:
        return await self._polling.call(key.domain, partial(block_jobs.disk_source, key))

    async def backup(self, domain: DomainKey) -> Backup | None:
        return await self._polling.call(domain, partial(backups.running, domain))

    async def last_job(self, domain: DomainKey) -> JobStats | None:
        return await self._polling.call(domain, partial(domain_job.last_job, domain))

    async def dump_target(self, domain: DomainKey) -> DumpTarget | None:
        return await self._daemon.dump_target(domain) if self.capabilities.local else None

    async def last_dump_target(self, domain: DomainKey) -> DumpTarget | None:
        return self._daemon.last_dump_target(domain)

    async def automatic_dump(self, domain: DomainKey) -> AutomaticDump | None:
        cause = await self._polling.call(domain, partial(automatic_dump.cause_by_state, domain))
        if cause is None:
            return None
        await self._daemon.await_dumps()
        if (target := await self.dump_target(domain)) is not None:
            ours = automatic_dump.named_by_libvirt(target.path, domain)
            return AutomaticDump(cause, target.path) if ours else None
        reported = self._panics.last(domain)
        if cause is not DumpCause.PANIC or reported is None:
            return None
        began_by = partial(automatic_dump.began_by, reported, domain)
        return AutomaticDump(cause) if await self._polling.call(domain, began_by) else None

    async def job_origin(self, key: JobKey, operation: Operation) -> JobOrigin:
        return await self._daemon.job_origin(key, operation) if self.capabilities.local else JobOrigin()

    async def io_errors(self, domain: DomainKey) -> Sequence[str]:
        return await self._polling.call(domain, partial(io_errors, domain))

    async def xml(self, domain: DomainKey) -> str:
        return await self._polling.call(domain, partial(description.xml, domain))

    async def messages(self, domain: DomainKey) -> Sequence[str]:
        return await self._polling.call(domain, partial(description.messages, domain))

    async def log_file(self, domain: DomainKey) -> Path:
        try:
            # A domain that does not answer is one whose log is wanted: its name is no call about the domain.
            name = await self._polling.call(f"the name of {domain.name}", partial(description.name, domain))
        except (NoConnection, NotAnswering) as error:
            logger.debug("the name of %s is taken for its own: %s", domain.name, error)
            name = domain.name  # It is, unless it had to be cleaned; and where the daemon died, the log may tell why.
        from backend.libvirt.host.logs import log_file

        return await in_thread(partial(log_file, self._daemon_uri, name, self.capabilities.local), "libvirt log")

    async def call_dump(self, request: DumpRequest) -> None:
        await in_thread(partial(core_dump, self.uri, self.readonly, request), "libvirt dump")

    async def migration_limits(self, domain: DomainKey) -> MigrationLimits:
        return await self._polling.call(domain, partial(migration.limits, self.readonly, domain))

    async def record(self, domain: DomainKey) -> JobRecord | None:
        if domain.id is None:
            return None
        return await self._polling.call(domain, partial(metadata.read, domain))

    async def claims(self, domain: DomainKey) -> Sequence[JobEntry]:
        return await self._polling.call(domain, partial(metadata.read_claims, domain))

    def events(self) -> EventStream:
        if self._capabilities is not None and self._capabilities.local:
            self._daemon.watch_dumps()
        return self._hub.stream()

    async def _running(self) -> Sequence[DomainKey]:
        return await self._daemon.running_domains() if self.capabilities.local else ()

    async def _log_in(self) -> None:
        """Connect; ask the user for credentials if the host requires them and the user can be asked."""
        while True:
            try:
                return await self._connected()
            except CredentialsNeeded as needed:
                if self.ask is None:
                    raise
                remember(self.uri, await self.ask(needed.credentials))

    async def _connected(self) -> None:
        await self._polling.reopen()
        self._disks.forget()  # What happened to them meanwhile was missed.
        driver, daemon, uri = await self._polling.call("the daemon", identity.identity)
        self._daemon_uri = uri
        local = is_local(uri)
        if local:
            self._daemon.identify(uri)
        version = await self._optional("the hypervisor's version", identity.version)
        formats = None
        if local and driver == "QEMU" and not self.readonly:
            emulator = await self._optional("the emulator", identity.emulator)
            formats = await identity.formats(emulator) if emulator else None
        versions = Versions(driver, version, daemon, formats)
        own_rights = local and self._daemon.owner == os.geteuid() != 0
        self._capabilities = capabilities(versions, local, self.readonly, self._watch.monitor_events, own_rights)

    def _take_dump(self, uuid: str) -> None:
        self._hub.put(JobBegan(self._domains.key_of(uuid), block=False))

    async def _optional(self, what: str, call: Callable[[Connection], T]) -> T | None:
        try:
            return await self._polling.call(what, call, _OPTIONAL_DEADLINE)
        except (NotAnswering, OperationFailed, NotSupported) as error:
            logger.debug("%s is unknown: %s", what, error)
            return None  # libvirt may be probing QEMU anew just now, which takes its time.

    def _from_libvirt(self, tell: Callable[..., None], *what: object) -> None:
        """Pass on, in the event loop, what libvirt reported in its own thread."""
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # The event loop is closed: nobody listens any more.
            self._loop.call_soon_threadsafe(tell, *what)

    def _hear(self, event: Event) -> None:
        """Pass on an event, in libvirt's thread."""
        self._daemon.hear(event)
        self._from_libvirt(self._take_event, event)

    def _take_event(self, event: Event) -> None:
        match event:
            case LifecycleEvent(key, Lifecycle.STARTED):
                self._polling.forget(key.uuid)
                self._domains.started(key)
            case LifecycleEvent(key, Lifecycle.STOPPED):
                self._polling.forget(key.uuid)
                self._disks.forget(key.uuid)
                self._panics.forget(key.uuid)
            case LifecycleEvent(key, Lifecycle.CRASHED, "panicked"):
                self._panics.report(key)
            case LifecycleEvent(key, Lifecycle.SUSPENDED):
                self._polling.doubt(key.uuid)  # A dump pauses its guest, and then opens its target, which may hang.
        self._hub.put(event)

    def _take_break(self, conn: object, reason: str) -> None:
        self._polling.lost(conn, reason)

    def _lost(self, reason: str) -> None:
        self._control.drop()
        if self._reconnecting is not None and not self._reconnecting.done():
            return
        logger.warning("lost the connection to %s: %s", self.uri, reason)
        self._hub.put(ConnectionEvent(False, reason))
        self._reconnecting = asyncio.get_running_loop().create_task(self._reconnect())

    @property
    def until_retry(self) -> float | None:
        return self._pauses.left

    def retry(self) -> None:
        self._pauses.hurry()

    async def _reconnect(self) -> None:
        self._pauses.reset()
        while True:
            await self._pauses.pause()
            with ignored(logger, "still no connection", BackendError):
                await self._connected()
                self._polling.check()  # If it was lost again meanwhile, only this attempt can bring it back.
                self._hub.put(ConnectionEvent(True))
                return
