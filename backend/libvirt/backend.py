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
from typing import TYPE_CHECKING, Any, TypeVar

from backend.backoff import RECONNECT, Backoff
from backend.backup import Backup
from backend.base import Backend, BlockJobsAnswer, JobAnswer, find_domain
from backend.capabilities import Capabilities
from backend.credentials import CredentialsNeeded
from backend.dump_request import AutomaticDump, DumpCause, DumpRequest
from backend.errors import (
    BackendError,
    DomainBusy,
    DomainNotRunning,
    NoConnection,
    NoJob,
    NoSuchDomain,
    NotAnswering,
    NotSupported,
    OperationFailed,
)
from backend.event_stream import EventHub, EventStream
from backend.events import ConnectionEvent, Event, JobBegan, Lifecycle, LifecycleEvent
from backend.job_origin import JobOrigin
from backend.job_stats import JobStats, Postcopy
from backend.libvirt import (
    automatic_dump,
    backups,
    block_jobs,
    description,
    domain_job,
    identity,
    jobs,
    listing,
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
from backend.libvirt.errors import INVALID, NO_DISK, NOT_READY, of_query
from backend.libvirt.host.daemon import daemon_owner
from backend.libvirt.host.emulators import running_domains
from backend.libvirt.io_errors import io_errors
from backend.libvirt.status import status
from backend.log import ignored
from backend.model import (
    BlockOperation,
    DiskKey,
    DiskSource,
    Domain,
    DomainKey,
    DomainState,
    JobKey,
    JobOperation,
    MigrationLimits,
    Operation,
    domain_of,
)
from backend.status import Status, StatusAnswer
from backend.threads import in_thread

if TYPE_CHECKING:
    from backend.files.target import DumpTarget
    from backend.libvirt.host.dump_watch import DumpWatch
    from backend.records.entry import JobEntry
    from backend.records.record import JobRecord

logger = logging.getLogger(__name__)

_OPTIONAL_DEADLINE = 1.0
_LISTING = "the list of domains"

T = TypeVar("T")


class LibvirtBackend(Backend):
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
        self._daemon_owner = 0
        self._known: dict[str, Domain] | None = None  # None until they were listed
        self._memory: dict[DomainKey, int] = {}
        self._panics = Panics()
        self._dumps: DumpWatch | None = None
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
        if self._dumps is not None:
            self._dumps.stop()
            self._dumps = None
        self._hub.end()
        await asyncio.gather(self._polling.close(), self._control.close())

    @property
    def capabilities(self) -> Capabilities:
        if self._capabilities is None:
            raise NoConnection(f"{self.uri} is not open")
        return self._capabilities

    async def domains(self) -> list[Domain]:
        try:
            domains = await self._polling.call(_LISTING, listing.list_domains)
        except NotAnswering:
            domains = await self._list_one_by_one()
        domains = await self._add_memory(domains)
        self._known = {domain.key.uuid: domain for domain in domains}
        if self._dumps is not None:
            self._dumps.writers.expect(key for key, domain in self._known.items() if domain.state is DomainState.PAUSED)
        self._memory = {domain.key: domain.memory for domain in domains if domain.memory}
        return sorted(domains, key=_virsh_order)

    async def find(self, name: str) -> Domain:
        try:
            domain = await self._polling.call(name, partial(listing.look_for, name))
        except NotAnswering:
            seen = find_domain(name, await self._seen())
            if seen is None:
                raise
            return replace(seen, answering=False)
        # libvirt does not know a name that was cleaned for the terminal; the list does.
        return (await self._add_memory([domain]))[0] if domain else await super().find(name)

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
                domain = answer.domain
                answer = replace(answer, domain=replace(domain, memory=self._memory.get(domain.key, 0)))
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
        if not self.capabilities.local:
            return None
        if (dumps := self._dumps) is not None and ((target := dumps.target(domain.uuid)) or dumps.complete):
            return target  # As soon as one that is being found out is known, JobBegan tells.
        from backend.libvirt.host import iohelper

        return await in_thread(partial(iohelper.dump_target, domain.uuid, self._daemon_owner), "libvirt dump target")

    async def last_dump_target(self, domain: DomainKey) -> DumpTarget | None:
        return self._dumps.target(domain.uuid, over=True) if self._dumps is not None else None

    async def automatic_dump(self, domain: DomainKey) -> AutomaticDump | None:
        cause = await self._polling.call(domain, partial(automatic_dump.cause_by_state, domain))
        if cause is None:
            return None
        if self._dumps is not None and self._dumps.complete:
            await in_thread(self._dumps.await_known, "libvirt dump watch")
        if (target := await self.dump_target(domain)) is not None:
            ours = automatic_dump.named_by_libvirt(target.path, domain)
            return AutomaticDump(cause, target.path) if ours else None
        reported = self._panics.last(domain)
        if cause is not DumpCause.PANIC or reported is None:
            return None
        began_by = partial(automatic_dump.began_by, reported, domain)
        return AutomaticDump(cause) if await self._polling.call(domain, began_by) else None

    async def job_origin(self, key: JobKey, operation: Operation) -> JobOrigin:
        if not self.capabilities.local:
            return JobOrigin()
        from backend.libvirt.host.origin import origin_of

        return await in_thread(partial(origin_of, key, operation, self._daemon_owner), "libvirt job origin")

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

    async def abort(self, key: JobKey, postcopy: bool = False) -> None:
        if isinstance(key, DiskKey):
            await self._end_block_job(key, partial(block_jobs.abort, key.disk))
            return
        try:
            await self._order(key, migration.abort_postcopy if postcopy else domain_job.abort)
        except OperationFailed as error:
            if error.code != INVALID:
                raise
            if await self.job(key) is None:
                raise NoJob(f"{key.name} has no job to abort", code=error.code) from None
            raise NotSupported(error.message, code=error.code) from None

    async def pivot(self, key: DiskKey) -> None:
        await self._end_block_job(key, partial(block_jobs.pivot, key.disk))

    async def migration_limits(self, domain: DomainKey) -> MigrationLimits:
        return await self._polling.call(domain, partial(migration.limits, self.readonly, domain))

    async def limit_migration(self, domain: DomainKey, limits: MigrationLimits) -> None:
        if domain.id is None:  # libvirt would set some of them, for nothing.
            raise DomainNotRunning(f"{domain.name} is not running")
        await self._order(domain, partial(migration.limit, limits))

    async def start_postcopy(self, domain: DomainKey) -> None:
        try:
            await self._order(domain, migration.start_postcopy)
        except OperationFailed as error:
            if error.code != INVALID:
                raise
            job = await self.job(domain)
            if job is None or job.operation != JobOperation.MIGRATION_OUT:
                raise NoJob(f"{domain.name} is not migrating to another host", code=error.code) from None
            raise NotSupported(error.message, code=error.code) from None

    async def resume(self, domain: DomainKey) -> None:
        await self._idle(domain)
        await self._order(domain, lambda handle: handle.resume())

    async def record(self, domain: DomainKey) -> JobRecord | None:
        if domain.id is None:
            return None
        return await self._polling.call(domain, partial(metadata.read, domain))

    async def publish(self, record: JobRecord) -> None:
        await self._idle(record.key)
        await self._order(record.key, lambda handle: metadata.write(handle, record))

    async def claims(self, domain: DomainKey) -> Sequence[JobEntry]:
        return await self._polling.call(domain, partial(metadata.read_claims, domain))

    async def publish_claims(self, domain: DomainKey, claims: Sequence[JobEntry]) -> None:
        if domain.id is not None:
            with contextlib.suppress(DomainNotRunning):
                await self._idle(domain)
        self._polling.check()
        await self._control.call(
            domain, lambda connection: metadata.write_claims(connection.conn.lookupByUUIDString(domain.uuid), claims)
        )

    def events(self) -> EventStream:
        if self._dumps is None and self._capabilities is not None and self._capabilities.local:
            self._watch_dumps()
        return self._hub.stream()

    async def _order(self, domain: DomainKey, order: Callable[[Any], object]) -> None:
        """Call the domain's own handle, on the connection for commands."""
        self._polling.check()
        await self._control.call(domain, lambda connection: order(connection.look_up(domain)))

    async def _end_block_job(self, key: DiskKey, order: Callable[[Any], object]) -> None:
        await self._idle(key.domain, but_for=JobOperation.BACKUP)
        try:
            await self._order(key.domain, order)
        except (NotSupported, OperationFailed) as error:
            if error.code == NO_DISK:
                raise NoJob(f"{key.domain.name} has no job on {key.disk}", code=error.code) from None
            if error.code != NOT_READY:
                raise
            job = await self.job(key)
            if job is None or (isinstance(job.operation, BlockOperation) and job.operation.becomes_ready):
                raise
            raise NotSupported(
                f"{key.disk} has nothing to pivot to: a {job.operation.label} does not mirror", code=error.code
            ) from None

    async def _idle(self, domain: DomainKey, but_for: JobOperation | None = None) -> None:
        # libvirt would queue the call until the job ends, and execute it long after the caller has given up.
        job = await self.job(domain)
        if job is not None and job.postcopy is Postcopy.FAILED:
            raise DomainBusy(
                f"{domain.name}: its post-copy failed, and only a recovery of the migration goes on with it"
            )
        if job is not None and job.operation != but_for:
            raise DomainBusy(f"{domain.name} has a job ({job.operation.label}); this has to wait for its end")

    async def _list_one_by_one(self) -> list[Domain]:
        """The domains already listed, each looked up alone, because one of them blocks the list."""
        known = {domain.key: domain for domain in await self._seen()}
        if not known:
            raise NotAnswering(f"{self.uri} does not answer, and nothing is known of its domains yet")
        found = await self._polling.sweep({key: partial(listing.look_at, key.uuid) for key in known})
        domains = []
        for key, domain in known.items():
            now = found[key]
            if isinstance(now, Domain):
                domains.append(now)
            elif not isinstance(now, NoSuchDomain):
                domains.append(replace(domain, answering=not isinstance(now, NotAnswering)))
        return domains

    async def _seen(self) -> list[Domain]:
        """The domains as they were last listed; before that, those whose QEMU runs on this host."""
        if self._known is not None:
            return list(self._known.values())
        if not self.capabilities.local:
            return []
        running = await in_thread(partial(running_domains, self._daemon_owner), "processes")
        return [Domain(key, DomainState.NOSTATE) for key in running]

    async def _add_memory(self, domains: list[Domain]) -> list[Domain]:
        """The domains with their memory, read once per run of a domain; those that do not answer are marked."""
        missing = [domain.key for domain in domains if domain.key not in self._memory and domain.answering]
        if missing:
            sizes = await self._polling.sweep({key: partial(listing.memory, key) for key in missing})
            self._memory.update({key: size for key in missing if isinstance(size := sizes[key], int)})
        stuck = self._polling.stuck
        return [
            replace(
                domain,
                memory=self._memory.get(domain.key, domain.memory),
                answering=domain.answering and domain.key not in stuck,
            )
            for domain in domains
        ]

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
            with ignored(logger, "the files of dumps cannot be held", OSError):
                self._daemon_owner = daemon_owner(uri)
            if self._dumps is not None:
                self._watch_dumps()  # It may be another daemon now.
        version = await self._optional("the hypervisor's version", identity.version)
        formats = None
        if local and driver == "QEMU" and not self.readonly:
            emulator = await self._optional("the emulator", identity.emulator)
            formats = await identity.formats(emulator) if emulator else None
        versions = Versions(driver, version, daemon, formats)
        own_rights = local and self._daemon_owner == os.geteuid() != 0
        self._capabilities = capabilities(versions, local, self.readonly, self._watch.monitor_events, own_rights)

    def _watch_dumps(self) -> None:
        """Hold the file of each dump from its begin, where the kernel tells of the daemon's children."""
        from backend.libvirt.host.dump_watch import DumpWatch

        if self._dumps is not None:
            self._dumps.stop()
        self._dumps = DumpWatch(self._daemon_owner, partial(self._from_libvirt, self._take_dump))
        in_thread(self._dumps.start, "libvirt dump watch")

    def _take_dump(self, uuid: str) -> None:
        known = (self._known or {}).get(uuid)
        self._hub.put(JobBegan(known.key if known is not None else DomainKey(uuid, None, ""), block=False))

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
        if (dumps := self._dumps) is not None:
            dumps.writers.hear(event)
        self._from_libvirt(self._take_event, event)

    def _take_event(self, event: Event) -> None:
        match event:
            case LifecycleEvent(key, Lifecycle.STARTED):
                self._polling.forget(key.uuid)
                if self._known is not None:
                    self._known.setdefault(key.uuid, Domain(key, DomainState.RUNNING))
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


def _virsh_order(domain: Domain) -> tuple[bool, int, str]:
    return not domain.active, domain.key.id or 0, domain.name
