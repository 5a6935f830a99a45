"""The contract over a simulated hypervisor: ``sim:///NAME``."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

from backend.base import Backend
from backend.errors import BackendError, NoConnection, NotAnswering, OperationFailed
from backend.events import EventHub, EventStream
from backend.files.dumpfile import DumpTarget
from backend.log import ignored
from backend.model import (
    FORMAT_NAMES,
    Capabilities,
    Domain,
    DomainKey,
    DumpFlags,
    DumpRequest,
    JobStats,
)
from backend.records.record import InvalidRecord, JobRecord
from backend.simulator import options, refusals
from backend.simulator.hypervisor import Hanging, Hypervisor
from backend.simulator.options import Fail
from backend.simulator.plan import Stage
from backend.simulator.watch import INTERVAL, Watch

logger = logging.getLogger(__name__)

TOGETHER = 0.02
"""Seconds within which what comes to pass is told together."""

P = ParamSpec("P")
T = TypeVar("T")


class SimulatorBackend(Backend):
    """A hypervisor in one file, shared by all who open the same NAME. `clock` is in seconds since the epoch."""

    deadline = 5.0
    """Seconds after which a call that hangs is written off."""

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
        self._thread: ThreadPoolExecutor | None = None
        self._watch: Watch | None = None
        self._watching: asyncio.Task[None] | None = None
        self._written_off: set[DomainKey] = set()

    async def open(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"simulator {self._options.name}")
        loop = asyncio.get_running_loop()
        try:
            self._hypervisor = await loop.run_in_executor(self._thread, Hypervisor, self._options, self._clock)
            self._watch = Watch(self._options.name, self._hub, self.readonly)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
        self._hub.end()
        if self._watch is not None:
            self._watch.close()
        if self._thread is not None:
            if self._hypervisor is not None:
                await asyncio.get_running_loop().run_in_executor(self._thread, self._hypervisor.close)
            self._thread.shutdown(wait=False)
        self._hypervisor = self._thread = self._watch = self._watching = None

    @property
    def capabilities(self) -> Capabilities:
        refused = f"{refusals.READ_ONLY} it" if self.readonly else None
        return Capabilities(
            hypervisor="simulator",
            local=True,
            formats=dict.fromkeys(FORMAT_NAMES),
            flags=dict.fromkeys(DumpFlags),
            dump=refused,
            abort=refused,
            resume=refused,
            shared_records=refused,
            dump_events=refused,
        )

    async def domains(self) -> list[Domain]:
        return await self._call(Hypervisor.domains)

    async def job(self, domain: DomainKey) -> JobStats | None:
        return await self._call_on(domain, Hypervisor.stats, domain)

    async def jobs(self, domains: Iterable[DomainKey]) -> Mapping[DomainKey, JobStats | BackendError | None]:
        asked = list(domains)
        found = await self._call(Hypervisor.all_stats, asked)
        if hanging := [domain for domain in asked if domain not in found]:
            answers = await asyncio.gather(*map(self.job, hanging), return_exceptions=True)
            for domain, answer in zip(hanging, answers, strict=True):
                if isinstance(answer, BaseException) and not isinstance(answer, BackendError):
                    raise answer
                found[domain] = answer
        return found

    async def last_job(self, domain: DomainKey) -> JobStats | None:
        return await self._call_on(domain, Hypervisor.last_stats, domain)

    async def call_dump(self, request: DumpRequest) -> None:
        self._may_write("virDomainCoreDumpWithFormat")
        id = await self._call_on(request.domain, Hypervisor.begin_dump, request)
        # Another process may change the plan at any time, so its end is not simply slept for.
        while True:
            # This call's own connection is none of those that an outage cuts.
            plan = await self._run(Hypervisor.result, id)
            if plan is None:
                raise OperationFailed("operation failed: domain is not running", code=9)
            if plan.stage is Stage.OVER:
                return
            await asyncio.sleep(max(0.001, min(INTERVAL, plan.end - self._clock())))

    async def abort(self, domain: DomainKey) -> None:
        self._may_write("virDomainAbortJob")
        await self._call_on(domain, Hypervisor.abort, domain)

    async def resume(self, domain: DomainKey) -> None:
        self._may_write("virDomainResume")
        await self._call_on(domain, Hypervisor.resume, domain)

    async def record(self, domain: DomainKey) -> JobRecord | None:
        text = await self._call_on(domain, Hypervisor.record, domain)
        with ignored(logger, "the shared record is not valid", InvalidRecord):
            return JobRecord.from_xml(text) if text else None
        return None

    async def publish(self, record: JobRecord) -> None:
        self._may_write("virDomainSetMetadata")
        await self._call_on(record.key, Hypervisor.publish, record.key, record.to_xml())

    async def dump_target(self, domain: DomainKey) -> DumpTarget | None:
        path = await self._call_on(domain, Hypervisor.dump_path, domain)
        with ignored(logger, "the dump's file cannot be held", OperationFailed):
            return DumpTarget.open(path) if path else None
        return None

    def events(self) -> EventStream:
        if self._watch is None:
            raise NoConnection(f"{self.uri} is not open")
        stream = self._watch.stream()
        if self._watching is None or self._watching.done():
            self._watching = asyncio.get_running_loop().create_task(self._keep_watching(self._watch))
        return stream

    async def define(self, name: str, memory: int) -> Domain:
        """Make a domain of `memory` bytes that is shut off (for tests and demonstrations)."""
        machine = await self._call(Hypervisor.define, name, memory)
        return Domain(machine.key, machine.state, machine.reason, machine.memory)

    async def start(self, domain: DomainKey, paused: bool = False) -> DomainKey:
        """Start a domain that is shut off; the key of its new run."""
        return (await self._call_on(domain, Hypervisor.start, domain, paused)).key

    async def destroy(self, domain: DomainKey, detail: str = "destroyed") -> None:
        """Pull the plug of a running domain, or with ``failed`` as detail, let its process die."""
        await self._call_on(domain, Hypervisor.destroy, domain, detail)

    async def begin_dump(self, request: DumpRequest) -> None:
        """Begin a dump as another program would: no record, and nobody waits for the result."""
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
        """A call for one domain, which may hang: the first one for its whole deadline, later ones are known to."""
        try:
            answer = await self._call(function, *arguments, **named)
        except Hanging:
            if domain not in self._written_off:
                await asyncio.sleep(self.deadline)
                self._written_off.add(domain)
            raise NotAnswering(f"{domain.name}: no answer within {self.deadline:g} s") from None
        self._written_off.discard(domain)
        return answer

    async def _call(
        self, function: Callable[Concatenate[Hypervisor, P], T], *arguments: P.args, **named: P.kwargs
    ) -> T:
        """A call, as late as the URI asks for, unless the connection is lost just now."""
        begun = time.monotonic()
        if self._options.latency:
            await asyncio.sleep(self._options.latency)
        if self._options.fail is Fail.DISCONNECT and await self._run(Hypervisor.outage):
            raise NoConnection(f"{self.uri}: the simulated connection was lost")
        answer = await self._run(function, *arguments, **named)
        self.traffic.answered(1, time.monotonic() - begun)
        return answer

    async def _run(self, function: Callable[Concatenate[Hypervisor, P], T], *arguments: P.args, **named: P.kwargs) -> T:
        if self._hypervisor is None or self._thread is None:
            raise NoConnection(f"{self.uri} is not open")
        call = functools.partial(function, self._hypervisor, *arguments, **named)
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    def _until(self, due: float | None) -> float:
        """Seconds until then; None stands for never."""
        return math.inf if due is None else due - self._clock()

    async def _keep_watching(self, watch: Watch) -> None:
        """Feed the streams for as long as there are any, and see that ends come to pass on time."""
        try:
            while len(self._hub):
                if self._options.fail is Fail.DISCONNECT:
                    watch.connected(not await self._run(Hypervisor.outage))
                if self._until(watch.due) <= 0:
                    await self._run(Hypervisor.settle)
                watch.deliver()
                # Ends that follow each other closely come to pass together.
                await asyncio.sleep(max(TOGETHER, min(INTERVAL, self._until(watch.due))))
        except BackendError as error:
            self._hub.end(error)
