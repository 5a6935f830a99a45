"""The backend of the simulator: ``sim:///NAME``.

It runs the hypervisor's calls in a thread, answers without one what is known already, and delivers events.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from backend.backup import Backup
from backend.base import BlockJobsAnswer, JobAnswer
from backend.capabilities import Capabilities
from backend.dump_request import FORMAT_NAMES, AutomaticDump, DumpCause, DumpFlags, DumpRequest
from backend.errors import BackendError, NoConnection, NotAnswering, NotSupported, OperationFailed
from backend.event_stream import EventHub, EventStream
from backend.files.target import DumpTarget
from backend.job_origin import JobOrigin
from backend.job_stats import JobStats
from backend.log import backend_error, ignored
from backend.model import DiskKey, DiskSource, Domain, DomainKey, JobKey, MigrationLimits, Operation, domain_of
from backend.records import codec, entry_xml
from backend.records.codec import InvalidRecord
from backend.records.entry import JobEntry
from backend.records.record import JobRecord
from backend.simulator import backup_calls, description, disk_calls, migration_calls, options, refusals, snapshot
from backend.simulator.controls import Controls
from backend.simulator.hypervisor import Hypervisor
from backend.simulator.options import Fail
from backend.simulator.patrol import INTERVAL, patrol
from backend.simulator.plans.plan import Stage
from backend.simulator.snapshot import Hanging, Situation
from backend.simulator.watch import Watch
from backend.status import StatusAnswer
from backend.threads import Worker

logger = logging.getLogger(__name__)

BATCH = 0.02
"""Seconds: stages of jobs that are due within this time are applied together."""

P = ParamSpec("P")
T = TypeVar("T")


class SimulatorBackend(Controls):
    """A hypervisor in one file that all users of the same NAME share. `clock` gives seconds since the epoch."""

    deadline = 5.0
    """Seconds after which a hanging call is abandoned."""

    def __init__(
        self,
        uri: str,
        readonly: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(uri, readonly)
        self._options = options.parse(uri)
        self._clock = clock
        self._hub = EventHub()
        self._hypervisor: Hypervisor | None = None
        self._thread: Worker | None = None
        self._watch: Watch | None = None
        self._catching_up: asyncio.Task[None] | None = None
        self._hanging: set[DomainKey] = set()

    async def open(self) -> None:
        self._thread = Worker(f"simulator {self._options.name}")
        try:
            await self._thread.call(self._make_hypervisor)
            outages = self._options.fail is Fail.DISCONNECT
            self._watch = Watch(self._options.name, self._hub, self.readonly, outages, self._clock)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        patrol().leave(self._visit)
        if self._catching_up is not None:
            self._catching_up.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._catching_up
        self._hub.end()
        if self._watch is not None:
            self._watch.close()
        if self._thread is not None:
            await self._thread.call(self._close_hypervisor)
            self._thread.stop()
        self._hypervisor = self._thread = self._watch = self._catching_up = None

    def _make_hypervisor(self) -> None:
        # Stored in this thread: the task that opens it may be cancelled meanwhile.
        self._hypervisor = Hypervisor(self._options, self._clock)

    def _close_hypervisor(self) -> None:
        if self._hypervisor is not None:
            self._hypervisor.close()

    @property
    def capabilities(self) -> Capabilities:
        refusal = f"{refusals.READ_ONLY} it" if self.readonly else None
        return Capabilities(
            hypervisor="simulator",
            local=True,
            formats=dict.fromkeys(FORMAT_NAMES),
            flags=dict.fromkeys(DumpFlags),
            own_rights=True,
            dump=refusal,
            abort=refusal,
            resume=refusal,
            migration=refusal,
            shared_records=refusal,
            dump_events=refusal,
            begins=refusal,
        )

    async def domains(self) -> list[Domain]:
        return list(await self._reach(self._domains))

    async def job(self, key: JobKey) -> JobStats | None:
        return await self._unless_hanging(domain_of(key), self._reach(functools.partial(self._job, key)))

    async def jobs(
        self, keys: Iterable[JobKey], on_answer: Callable[[JobKey, JobAnswer], None] | None = None
    ) -> Mapping[JobKey, JobAnswer]:
        keys = list(keys)
        situations, now = await self._reach(functools.partial(self._situations, keys))
        answers: dict[JobKey, JobAnswer] = dict(snapshot.answers(keys, situations, now))
        if on_answer is not None:
            for key, answer in answers.items():
                on_answer(key, answer)

        async def ask(key: JobKey) -> None:
            try:
                answers[key] = await self.job(key)
            except BackendError as error:
                answers[key] = error
            if on_answer is not None:
                on_answer(key, answers[key])

        if len(answers) < len(keys):
            await asyncio.gather(*(ask(key) for key in keys if key not in answers))
        return answers

    async def block_jobs(self, domains: Iterable[DomainKey]) -> Mapping[DomainKey, BlockJobsAnswer]:
        domains = list(domains)
        situations, now = await self._reach(functools.partial(self._situations, domains))
        answers: dict[DomainKey, BlockJobsAnswer] = {}

        async def ask(domain: DomainKey) -> None:
            try:
                await self.job(domain)
            except BackendError as error:
                answers[domain] = error
            else:
                answers[domain] = ()

        hanging = []
        for domain in domains:
            try:
                answers[domain] = snapshot.disk_answers(domain, situations[domain.uuid], now)
            except Hanging:
                hanging.append(domain)
        await asyncio.gather(*(ask(domain) for domain in hanging))
        return answers

    async def statuses(
        self, domains: Iterable[DomainKey], on_answer: Callable[[DomainKey, StatusAnswer], None] | None = None
    ) -> Mapping[DomainKey, StatusAnswer]:
        keys = list(domains)
        known = await self._call(Hypervisor.statuses, [key.uuid for key in keys])
        self._view.deliver()
        answers: dict[DomainKey, StatusAnswer] = {}

        async def ask(key: DomainKey) -> None:
            answer = snapshot.status(key.uuid, known)
            if answer is None:
                try:
                    await self.job(key)  # Which takes as long as any call for it.
                    [answer] = (await self.statuses([key])).values()
                except BackendError as error:
                    answer = error
            answers[key] = answer
            if on_answer is not None:
                on_answer(key, answer)

        await asyncio.gather(*map(ask, keys))
        return answers

    async def disks(self, domain: DomainKey) -> Sequence[str]:
        return await self._call_on(domain, disk_calls.names, domain)

    async def disk_source(self, key: DiskKey) -> DiskSource | None:
        return await self._call_on(key.domain, disk_calls.source, key)

    async def backup(self, domain: DomainKey) -> Backup | None:
        return await self._call_on(domain, backup_calls.running, domain)

    async def last_job(self, domain: DomainKey) -> JobStats | None:
        return await self._call_on(domain, Hypervisor.last_stats, domain)

    async def call_dump(self, request: DumpRequest) -> None:
        self._may_write("virDomainCoreDumpWithFormat")
        number = await self._call_on(request.domain, Hypervisor.begin_dump, request)
        # Another process may change the plan at any time, so a single sleep until its end would not do.
        while True:
            # An outage does not cut the connection of this call.
            plan = await self._run(Hypervisor.result, number)
            if plan is None:
                raise OperationFailed("operation failed: domain is not running", code=9)
            if plan.stage is Stage.OVER:
                return
            await asyncio.sleep(max(0.001, min(INTERVAL, plan.end - self._clock())))

    async def abort(self, key: JobKey, postcopy: bool = False) -> None:
        if isinstance(key, DiskKey):
            self._may_write("virDomainBlockJobAbort")
            await self._call_on(key.domain, disk_calls.abort, key)
        else:
            self._may_write("virDomainAbortJob")
            await self._call_on(key, Hypervisor.abort, key, postcopy)

    async def pivot(self, key: DiskKey) -> None:
        self._may_write("virDomainBlockJobAbort")
        await self._call_on(key.domain, disk_calls.pivot, key)

    async def migration_limits(self, domain: DomainKey) -> MigrationLimits:
        return await self._call_on(domain, migration_calls.limits, domain)

    async def limit_migration(self, domain: DomainKey, limits: MigrationLimits) -> None:
        self._may_write("virDomainMigrateSetMaxDowntime" if limits.bandwidth is None else "virDomainMigrateSetMaxSpeed")
        await self._call_on(domain, migration_calls.limit, domain, limits)

    async def start_postcopy(self, domain: DomainKey) -> None:
        self._may_write("virDomainMigrateStartPostCopy")
        await self._call_on(domain, migration_calls.start_postcopy, domain)

    async def resume(self, domain: DomainKey) -> None:
        self._may_write("virDomainResume")
        await self._call_on(domain, Hypervisor.resume, domain)

    async def record(self, domain: DomainKey) -> JobRecord | None:
        text = await self._call_on(domain, Hypervisor.record, domain)
        with ignored(logger, "the shared record is not valid", InvalidRecord):
            return codec.from_xml(text) if text else None
        return None

    async def publish(self, record: JobRecord) -> None:
        self._may_write("virDomainSetMetadata")
        await self._call_on(record.key, Hypervisor.publish, record.key, codec.to_xml(record))

    async def claims(self, domain: DomainKey) -> Sequence[JobEntry]:
        text = await self._call_on(domain, Hypervisor.claims, domain)
        with ignored(logger, "what is claimed of the domain's jobs is not valid", InvalidRecord):
            return entry_xml.from_xml(text) if text else ()
        return ()

    async def publish_claims(self, domain: DomainKey, claims: Sequence[JobEntry]) -> None:
        self._may_write("virDomainSetMetadata")
        await self._call_on(domain, Hypervisor.publish_claims, domain, entry_xml.to_xml(claims))

    async def dump_target(self, domain: DomainKey) -> DumpTarget | None:
        path = await self._call_on(domain, Hypervisor.dump_path, domain)
        with ignored(logger, "the dump's file cannot be held", OperationFailed):
            return DumpTarget.open(path) if path else None
        return None

    async def automatic_dump(self, domain: DomainKey) -> AutomaticDump | None:
        path = await self._call_on(domain, Hypervisor.automatic_dump_path, domain)
        return None if path is None else AutomaticDump(DumpCause.PANIC, path or None)

    async def job_origin(self, key: JobKey, operation: Operation) -> JobOrigin:
        return JobOrigin(await self._call_on(domain_of(key), Hypervisor.dump_path, domain_of(key)))

    async def io_errors(self, domain: DomainKey) -> Sequence[str]:
        return await self._call_on(domain, disk_calls.io_errors, domain)

    async def xml(self, domain: DomainKey) -> str:
        return await self._call_on(domain, description.xml, domain)

    async def messages(self, domain: DomainKey) -> Sequence[str]:
        return await self._call_on(domain, description.messages, domain)

    async def log_file(self, domain: DomainKey) -> Path:
        raise NotSupported("a simulated domain has no QEMU that could log anything")

    def events(self) -> EventStream:
        if self._watch is None:
            raise NoConnection(f"{self.uri} is not open")
        stream = self._watch.stream()
        patrol().join(self._visit)
        return stream

    def _may_write(self, call: str) -> None:
        if self.readonly:
            raise refusals.read_only(call)

    async def _call_on(
        self,
        domain: DomainKey,
        function: Callable[Concatenate[Hypervisor, P], T],
        *arguments: P.args,
        **named: P.kwargs,
    ) -> T:
        """A call for one domain."""
        return await self._unless_hanging(domain, self._call(function, *arguments, **named))

    async def _unless_hanging(self, domain: DomainKey, call: Awaitable[T]) -> T:
        """A call for one domain. If it hangs, the first call takes the whole deadline; later ones fail at once."""
        try:
            answer = await call
        except Hanging:
            if domain not in self._hanging:
                await asyncio.sleep(self.deadline)
                self._hanging.add(domain)
            raise NotAnswering(f"{domain.name}: no answer within {self.deadline:g} s") from None
        self._hanging.discard(domain)
        return answer

    async def _call(
        self, function: Callable[Concatenate[Hypervisor, P], T], *arguments: P.args, **named: P.kwargs
    ) -> T:
        """A call that the hypervisor answers itself."""
        return await self._reach(lambda: self._run(function, *arguments, **named))

    async def _reach(self, call: Callable[[], Awaitable[T]]) -> T:
        """A call, with the latency of the URI. NoConnection during a simulated outage."""
        called_at = time.monotonic()
        if self._options.latency:
            await asyncio.sleep(self._options.latency)
        if not self._view.connected:
            raise NoConnection(f"{self.uri}: the simulated connection was lost")
        answer = await call()
        self.traffic.answered(1, time.monotonic() - called_at)
        return answer

    async def _run(self, function: Callable[Concatenate[Hypervisor, P], T], *arguments: P.args, **named: P.kwargs) -> T:
        if self._hypervisor is None or self._thread is None:
            raise NoConnection(f"{self.uri} is not open")
        return await self._thread.call(functools.partial(function, self._hypervisor, *arguments, **named))

    @property
    def _view(self) -> Watch:
        if self._watch is None:
            raise NoConnection(f"{self.uri} is not open")
        return self._watch

    async def _domains(self) -> list[Domain]:
        current = self._view.snapshot(self._clock())
        if current.domains is None:
            current.domains = await self._run(Hypervisor.domains)
        return current.domains

    async def _job(self, key: JobKey) -> JobStats | None:
        situations, now = await self._situations([key])
        answer = snapshot.answer(key, situations[domain_of(key).uuid], now)
        if isinstance(answer, BackendError):
            raise answer
        return answer

    async def _situations(self, keys: Sequence[JobKey]) -> tuple[Mapping[str, Situation], float]:
        """How the domains of these jobs are, and the moment for which that holds."""
        now = self._clock()
        current = self._view.snapshot(now)
        uuids = [domain_of(key).uuid for key in keys]
        if all(uuid in current.situations for uuid in uuids):
            return current.situations, now
        situations, now = await self._run(Hypervisor.situations, uuids)
        current.situations.update(situations)
        # What the call itself brought about is reported before its answer.
        self._view.deliver()
        return situations, now

    def _visit(self) -> None:
        """Deliver events, and see to it that stages are applied when they are due."""
        if self._watch is None or not len(self._hub):
            patrol().leave(self._visit)
            return
        try:
            self._watch.deliver()
        except Exception as error:
            self._hub.end(backend_error(error))
        if self._watch.until_due < INTERVAL and (self._catching_up is None or self._catching_up.done()):
            self._catching_up = asyncio.create_task(self._catch_up(self._watch))

    async def _catch_up(self, watch: Watch) -> None:
        """Apply the stages that are due soon, each on time."""
        try:
            while (left := watch.until_due) < INTERVAL:
                await asyncio.sleep(max(0.0, left))
                await self._run(Hypervisor.apply_due)
                watch.deliver()
                await asyncio.sleep(BATCH)
        except Exception as error:
            self._hub.end(backend_error(error))
