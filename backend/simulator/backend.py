"""The backend of the simulator: ``sim:///NAME``.

It runs the hypervisor's calls in a thread, answers without one what is known already, and delivers events.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Concatenate, ParamSpec, TypeVar

from backend.base import Backend, JobAnswer
from backend.errors import BackendError, NoConnection, NoJob, NotAnswering, OperationFailed
from backend.event_stream import EventHub, EventStream
from backend.files.target import DumpTarget
from backend.log import backend_error, ignored
from backend.model import (
    FORMAT_NAMES,
    Capabilities,
    DiskKey,
    Domain,
    DomainKey,
    DumpFlags,
    DumpRequest,
    JobKey,
    JobStats,
)
from backend.records import codec
from backend.records.codec import InvalidRecord
from backend.records.record import JobRecord
from backend.simulator import options, refusals, snapshot
from backend.simulator.hypervisor import Hypervisor
from backend.simulator.options import Fail
from backend.simulator.patrol import INTERVAL, patrol
from backend.simulator.plan import Stage
from backend.simulator.snapshot import Hanging, Situation
from backend.simulator.watch import Watch
from backend.threads import Worker

logger = logging.getLogger(__name__)

BATCH = 0.02
"""Seconds: stages of jobs that are due within this time are applied together."""

P = ParamSpec("P")
T = TypeVar("T")


class SimulatorBackend(Backend):
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
            dump=refusal,
            abort=refusal,
            resume=refusal,
            shared_records=refusal,
            dump_events=refusal,
        )

    async def domains(self) -> list[Domain]:
        return list(await self._reach(self._domains))

    async def job(self, key: JobKey) -> JobStats | None:
        if isinstance(key, DiskKey):
            return None
        return await self._unless_hanging(key, self._reach(functools.partial(self._job, key)))

    async def jobs(
        self, keys: Iterable[JobKey], on_answer: Callable[[JobKey, JobAnswer], None] | None = None
    ) -> Mapping[JobKey, JobAnswer]:
        keys = list(keys)
        domains = [key for key in keys if isinstance(key, DomainKey)]
        situations, now = await self._reach(functools.partial(self._situations, domains))
        answers: dict[JobKey, JobAnswer] = dict(snapshot.answers(domains, situations, now).items())
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
        self._may_write("virDomainAbortJob")
        if isinstance(key, DiskKey):
            raise NoJob(f"{key.domain.name} has no job on {key.disk}")
        await self._call_on(key, Hypervisor.abort, key)

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

    async def dump_target(self, domain: DomainKey) -> DumpTarget | None:
        path = await self._call_on(domain, Hypervisor.dump_path, domain)
        with ignored(logger, "the dump's file cannot be held", OperationFailed):
            return DumpTarget.open(path) if path else None
        return None

    def events(self) -> EventStream:
        if self._watch is None:
            raise NoConnection(f"{self.uri} is not open")
        stream = self._watch.stream()
        patrol().join(self._visit)
        return stream

    async def define(self, name: str, memory: int) -> Domain:
        """Define a domain of `memory` bytes, shut off (for tests and demonstrations)."""
        machine = await self._call(Hypervisor.define, name, memory)
        return Domain(machine.key, machine.state, machine.reason, machine.memory)

    async def rename(self, domain: DomainKey, name: str) -> DomainKey:
        """Rename a domain that is shut off, as ``virsh domrename`` does."""
        return (await self._call_on(domain, Hypervisor.rename, domain, name)).key

    async def start(self, domain: DomainKey, paused: bool = False) -> DomainKey:
        """Start a domain that is shut off; returns the key of its new run."""
        return (await self._call_on(domain, Hypervisor.start, domain, paused)).key

    async def destroy(self, domain: DomainKey, detail: str = "destroyed") -> None:
        """Destroy a running domain; with ``failed`` as `detail`, its QEMU dies instead."""
        await self._call_on(domain, Hypervisor.destroy, domain, detail)

    async def begin_dump(self, request: DumpRequest) -> None:
        """Begin a dump as another program would: without a record, and without anyone who waits for the result."""
        await self._call_on(request.domain, Hypervisor.begin_dump, request)

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

    async def _job(self, domain: DomainKey) -> JobStats | None:
        situations, now = await self._situations([domain])
        answer = snapshot.answer(domain, situations[domain.uuid], now)
        if isinstance(answer, BackendError):
            raise answer
        return answer

    async def _situations(self, domains: list[DomainKey]) -> tuple[Mapping[str, Situation], float]:
        """How these domains are, and the moment for which that holds."""
        now = self._clock()
        current = self._view.snapshot(now)
        if all(domain.uuid in current.situations for domain in domains):
            return current.situations, now
        situations, now = await self._run(Hypervisor.situations, [domain.uuid for domain in domains])
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
