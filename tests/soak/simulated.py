"""Domains of the simulator for the soak. What goes wrong there is asked for with the dump, by its URI."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from backend.base import Backend
from backend.dump_request import FORMAT_NAMES, DumpRequest
from backend.errors import BackendError, OperationCancelled, OperationFailed
from backend.model import DomainKey, DomainState
from backend.outcome import Verdict
from backend.records.record import JobRecord
from backend.simulator import SimulatorBackend
from backend.simulator.options import MIB
from tests.contract.steps import eventually
from tests.soak.machine import PATIENCE, ForeignCall, Machine, Returned

URI = "sim:///soak?domains=0&rate=64"
FAULTS = ("", "destroyed", "crash", "disconnect")
FULL = "disk-full"


class SimulatedMachine(Machine):
    formats = tuple(FORMAT_NAMES) + ("raw",) * 3
    processes = False

    def __init__(
        self,
        name: str,
        folder: Path,
        mib: int,
        backends: dict[str, SimulatorBackend],
        stranger: Backend,
        chance: random.Random,
    ) -> None:
        """`backends` by what goes wrong with the dumps that are asked of them."""
        self.name = name
        self.folder = folder
        self.direct = self._control = backends[""]
        self.stranger = stranger
        self._backends = backends
        self._mib = mib
        self._chance = chance
        self._key: DomainKey | None = None

    async def ready(self, paused: bool) -> DomainKey:
        if self._key is None:
            self._key = (await self._control.define(self.name, self._mib * MIB)).key
        async with asyncio.timeout(PATIENCE):
            while True:
                domain = await self._control.find(self._key.uuid)
                if not domain.active:
                    return await self._control.start(domain.key, paused)
                if (domain.state is DomainState.PAUSED) is paused:
                    return domain.key
                await self._control.destroy(domain.key)

    def target(self, full: bool) -> tuple[Backend, Path]:
        return self._backends[FULL if full else self._chance.choice(FAULTS)], self.folder

    def call(self, request: DumpRequest, full: bool) -> ForeignCall:
        call = asyncio.create_task(self._call(request, self._backends[FULL if full else ""]))
        return ForeignCall(call, call.cancel)

    async def _call(self, request: DumpRequest, backend: Backend) -> Returned:
        try:
            await eventually(partial(self._has_no_job, request.domain))
            await backend.call_dump(request)
        except OperationCancelled as error:
            return Returned(Verdict.CANCELLED, error.message)
        except BackendError as error:
            return Returned(Verdict.FAILED, error.message)
        except asyncio.CancelledError:
            return Returned(None, "killed")
        return Returned(Verdict.COMPLETED)

    async def forge(self, record: JobRecord) -> None:
        with contextlib.suppress(BackendError):
            await eventually(partial(self._has_no_job, record.key))
            await self._control.publish(record)

    async def destroy(self, domain: DomainKey, again: bool) -> None:
        await self._control.destroy(domain)
        if again:
            await self._control.start((await self._control.find(domain.uuid)).key)

    async def crash(self, domain: DomainKey) -> None:
        raise OperationFailed("a simulated domain has no process")

    async def settled(self, domain: DomainKey, path: Path) -> str:
        await eventually(partial(self._has_no_job, domain))
        return ""

    async def _has_no_job(self, domain: DomainKey) -> bool:
        now = await self._control.find(domain.uuid)
        return not now.active or await self._control.job(now.key) is None

    async def begin_anew(self) -> None:
        if self._key is not None and (now := await self._control.find(self._key.uuid)).active:
            await self._control.destroy(now.key)


@asynccontextmanager
async def opened() -> AsyncIterator[tuple[dict[str, SimulatorBackend], SimulatorBackend]]:
    """The user's own backends, by what goes wrong through them, and a stranger's."""
    async with AsyncExitStack() as stack:
        backends = {
            fault: await stack.enter_async_context(SimulatorBackend(URI + (f"&fail={fault}" if fault else "")))
            for fault in (*FAULTS, FULL)
        }
        stranger = SimulatorBackend(URI, readonly=True)
        yield backends, await stack.enter_async_context(stranger)
