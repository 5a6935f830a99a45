"""The example's hypervisor: ``python -m example_hypervisor.daemon SOCKET``. It keeps everything in memory."""

from __future__ import annotations

import asyncio
import errno
import itertools
import json
import os
import sys
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

MIB = 1 << 20
RATE = 800 * MIB
"""Bytes per second that a dump writes."""
STEP = 0.01
"""Seconds between two writes."""
CLOSING = 0.05
"""Seconds to close a file."""
RUNNING, PAUSED, SHUTOFF = 1, 3, 5
CRASH, MEMORY_ONLY = 1, 16
BEGIN, END = b"TestGuestMagic_%d", b"TestGuestEnd"
"""The magic numbers of the simulator's dumps: this is not an example of a dump format."""


class Refused(Exception):
    """The name of the error in backend.errors, its text, libvirt's number."""


@dataclass
class Job:
    path: str
    raw: bool
    total: int
    started: float = field(default_factory=time.monotonic)
    processed: int = 0
    type: int = 2
    failure: Refused | None = None
    """Why the job fails, if it was aborted or its domain stopped."""

    def stats(self) -> dict[str, int]:
        left = self.total - self.processed
        params = {"type": self.type, "time_elapsed": int((time.monotonic() - self.started) * 1000) + 1}
        sizes = {"total": self.total, "processed": self.processed, "remaining": left}
        params |= {f"memory_{name}": size for name, size in sizes.items()}
        if self.raw:
            params |= {f"data_{name}": size for name, size in sizes.items()} | {"memory_page_size": 4096}
        return params


@dataclass
class Machine:
    name: str
    memory: int
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))
    run: int | None = None
    state: int = SHUTOFF
    reason: str = ""
    record: str = ""
    job: Job | None = None
    last: dict[str, int] | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Hypervisor:
    """Each public method is a call of the protocol."""

    def __init__(self) -> None:
        self._machines: dict[str, Machine] = {}
        self._runs = itertools.count(1)
        self._limits: dict[str, int] = {}
        self._held: dict[str, bool] = {}
        self.listeners: set[asyncio.StreamWriter] = set()

    async def define(self, name: str, memory: int) -> dict[str, Any]:
        machine = Machine(name, memory)
        self._machines[machine.uuid] = machine
        return _describe(machine)

    async def start(self, uuid: str, paused: bool) -> dict[str, Any]:
        machine = self._machines[uuid]
        machine.run, machine.state = next(self._runs), PAUSED if paused else RUNNING
        self._tell(machine, "lifecycle", kind="STARTED", detail="booted")
        return _describe(machine)

    async def destroy(self, uuid: str, run: int, detail: str) -> None:
        self._stop(self._running(uuid, run), detail)

    async def limit(self, folder: str, size: int) -> None:
        """From now on a file in that folder can have `size` bytes at most."""
        self._limits[folder] = size

    async def hold(self, path: str, closing: bool) -> None:
        """From now on a dump there gets no further than its first write, or than the closing of its file."""
        self._held[path] = closing

    async def release(self, path: str) -> None:
        self._held.pop(path, None)

    async def domains(self) -> list[dict[str, Any]]:
        return [_describe(machine) for machine in self._machines.values()]

    async def job(self, uuid: str, run: int | None) -> dict[str, int] | None:
        job = self._running(uuid, run).job
        return job.stats() if job is not None else None

    async def last_job(self, uuid: str, run: int | None) -> dict[str, int] | None:
        return self._running(uuid, run).last

    async def target(self, uuid: str, run: int | None) -> str | None:
        job = self._running(uuid, run).job
        return job.path if job is not None else None

    async def record(self, uuid: str, run: int | None) -> str:
        return self._running(uuid, run).record

    async def publish(self, uuid: str, run: int | None, text: str) -> None:
        machine = self._running(uuid, run)
        machine.record = text
        self._tell(machine, "record")

    async def resume(self, uuid: str, run: int | None) -> None:
        machine = self._running(uuid, run)
        if machine.state != PAUSED:
            raise Refused("OperationFailed", "domain is already running", 55)
        machine.state = RUNNING
        self._tell(machine, "lifecycle", kind="RESUMED", detail="unpaused")

    async def abort(self, uuid: str, run: int | None) -> None:
        job = self._running(uuid, run).job
        if job is None:
            raise Refused("NoJob", "no job is active on the domain", 55)
        if not job.raw:
            raise Refused("NotSupported", "cannot abort memory-only dump", 55)
        job.type, job.failure = 5, Refused("OperationCancelled", "operation aborted: canceled by client", 78)

    async def dump(self, uuid: str, run: int | None, path: str, dump_format: int, flags: int) -> None:
        """Make the dump; returns when it is over."""
        machine = self._running(uuid, run)
        async with machine.lock:
            self._running(uuid, run)
            was_running = machine.state == RUNNING
            job = machine.job = Job(path, not flags & MEMORY_ONLY, machine.memory)
            machine.state, machine.reason = PAUSED, "dumping"
            if was_running:
                self._tell(machine, "lifecycle", kind="SUSPENDED", detail="paused")
            try:
                await self._written(machine, job, BEGIN % dump_format)
            finally:
                machine.job, machine.reason = None, ""
                if machine.run == run and was_running:
                    machine.state = RUNNING
                    self._tell(machine, "lifecycle", kind="RESUMED", detail="unpaused")
            if flags & CRASH:
                self._stop(machine, "crashed")

    async def _written(self, machine: Machine, job: Job, begin: bytes) -> None:
        created = not os.access(job.path, os.F_OK)
        try:
            file = os.open(job.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        except OSError as error:
            raise Refused("OperationFailed", f"Failed to create file '{job.path}': {error.strerror}", 38) from None
        try:
            os.write(file, begin)
            while job.processed < job.total:
                await asyncio.sleep(STEP)
                if job.failure is not None:
                    raise job.failure
                if job.processed and self._held.get(job.path) is False:
                    continue
                job.processed = min(job.total, job.processed + int(RATE * STEP))
                self._grow(file, job, len(begin))
            os.pwrite(file, END, len(begin) + job.total - len(END))
        except Refused as refused:
            if created:
                os.unlink(job.path)
            if not job.raw and refused.args[2] == 9 and machine.run is not None:
                self._tell(machine, "dump", completed=False, error=refused.args[1])
            raise
        finally:
            os.close(file)
        job.type = 3
        if job.raw:
            machine.last = job.stats()
            self._tell(machine, "job", stats=machine.last)
        else:
            self._tell(machine, "dump", completed=True, error="")
        await asyncio.sleep(CLOSING)
        while job.path in self._held:  # noqa: ASYNC110 - nothing tells that it was let go
            await asyncio.sleep(STEP)

    def _grow(self, file: int, job: Job, begin: int) -> None:
        room = self._limits.get(os.path.dirname(job.path))
        if room is not None and job.processed > room:
            full = f"failure with {job.path}: {os.strerror(errno.ENOSPC)}"
            raise Refused("OperationFailed", full, 9)
        os.truncate(file, begin + job.processed)

    def _stop(self, machine: Machine, detail: str) -> None:
        if machine.job is not None:
            machine.job.failure = Refused("OperationFailed", "domain is not running", 9)
        machine.run, machine.state, machine.job = None, SHUTOFF, None
        self._tell(machine, "lifecycle", kind="STOPPED", detail=detail)

    def _running(self, uuid: str, run: int | None) -> Machine:
        machine = self._machines.get(uuid)
        if machine is None or (run is not None and machine.run not in (None, run)):
            raise Refused("NoSuchDomain", f"no domain with matching uuid '{uuid}'", 42)
        if machine.run is None:
            raise Refused("DomainNotRunning", "domain is not running", 55)
        return machine

    def _tell(self, machine: Machine, event: str, **values: object) -> None:
        line = json.dumps({"event": event, **_describe(machine), **values}).encode() + b"\n"
        for listener in self.listeners:
            listener.write(line)


def _describe(machine: Machine) -> dict[str, Any]:
    return {name: getattr(machine, name) for name in ("uuid", "name", "run", "state", "reason", "memory")}


async def serve(path: str) -> None:
    """Serve all clients of the socket at `path`, forever."""
    hypervisor = Hypervisor()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hypervisor.listeners.add(writer)
        try:
            while line := await reader.readline():
                calls.add(call := asyncio.create_task(answer(writer, **json.loads(line))))
                call.add_done_callback(calls.discard)
        finally:
            hypervisor.listeners.discard(writer)
            writer.close()

    async def answer(writer: asyncio.StreamWriter, number: int, call: str, arguments: dict[str, Any]) -> None:
        message: dict[str, Any] = {"number": number}
        try:
            message["result"] = await getattr(hypervisor, call)(**arguments)
        except Refused as refused:
            message["error"] = dict(zip(("kind", "message", "code"), refused.args, strict=True))
        if not writer.is_closing():
            writer.write(json.dumps(message).encode() + b"\n")

    calls: set[asyncio.Task[None]] = set()
    server = await asyncio.start_unix_server(talk, path, limit=1 << 20)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
