"""The example's backend: ``example:///path/of/its/socket``."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from typing import Any
from urllib.parse import unquote, urlsplit

from backend import errors
from backend.base import Backend
from backend.capabilities import Capabilities
from backend.dump_request import FORMAT_NAMES, DumpFlags, DumpRequest
from backend.errors import BackendError, InvalidURI, NoConnection, NotPermitted, OperationFailed
from backend.event_stream import EventHub, EventStream
from backend.events import DumpEvent, Event, JobEvent, Lifecycle, LifecycleEvent, RecordEvent
from backend.files.target import DumpTarget
from backend.job_stats import JobStats
from backend.model import Domain, DomainKey, DomainState, JobOperation
from backend.records import codec
from backend.records.codec import InvalidRecord
from backend.records.record import JobRecord
from backend.text import clean

REFUSED = "operation forbidden: read only access prevents it"
LINE_LIMIT = 1 << 20
"""Bytes of a line, at most."""
MISSING_FORMATS = {"win-dmp": "the example has no Windows"}


class ExampleBackend(Backend):
    """One connection. Calls, answers and events are lines of JSON."""

    def __init__(self, uri: str, readonly: bool = False) -> None:
        super().__init__(uri, readonly)
        parts = urlsplit(uri)
        if parts.netloc or not parts.path.strip("/"):
            raise InvalidURI(f"invalid URI {uri}: write it as example:///path/of/the/socket")
        self._path = unquote(parts.path)
        self._hub = EventHub()
        self._numbers = itertools.count()
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None

    async def open(self) -> None:
        try:
            reader, self._writer = await asyncio.open_unix_connection(self._path, limit=LINE_LIMIT)
        except OSError as error:
            raise NoConnection(f"cannot connect to {self.uri}: {error.strerror}; is its daemon running?") from None
        self._reading = asyncio.create_task(self._read(reader))

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reading
        if self._writer is not None:
            self._writer.close()
        self._hub.end()
        self._reading = self._writer = None

    @property
    def capabilities(self) -> Capabilities:
        refusal = REFUSED if self.readonly else None
        return Capabilities(
            hypervisor="example",
            local=True,
            formats={name: MISSING_FORMATS.get(name) for name in FORMAT_NAMES},
            flags=dict.fromkeys(DumpFlags),
            dump=refusal,
            abort=refusal,
            resume=refusal,
            shared_records=refusal,
            dump_events=refusal,
        )

    async def domains(self) -> list[Domain]:
        return [
            Domain(_key(machine), DomainState(machine["state"]), machine["reason"], machine["memory"])
            for machine in await self.call("domains")
        ]

    async def job(self, domain: DomainKey) -> JobStats | None:
        return _stats(await self.call("job", uuid=domain.uuid, run=domain.id))

    async def last_job(self, domain: DomainKey) -> JobStats | None:
        return _stats(await self.call("last_job", uuid=domain.uuid, run=domain.id))

    async def call_dump(self, request: DumpRequest) -> None:
        target = {"path": request.path, "dump_format": int(request.format), "flags": int(request.flags)}
        await self._order("dump", uuid=request.domain.uuid, run=request.domain.id, **target)

    async def abort(self, domain: DomainKey) -> None:
        await self._order("abort", uuid=domain.uuid, run=domain.id)

    async def resume(self, domain: DomainKey) -> None:
        await self._order("resume", uuid=domain.uuid, run=domain.id)

    async def record(self, domain: DomainKey) -> JobRecord | None:
        text = await self.call("record", uuid=domain.uuid, run=domain.id)
        with contextlib.suppress(InvalidRecord):
            return codec.from_xml(text) if text else None
        return None

    async def publish(self, record: JobRecord) -> None:
        await self._order("publish", uuid=record.uuid, run=record.domain_id, text=codec.to_xml(record))

    async def dump_target(self, domain: DomainKey) -> DumpTarget | None:
        path = await self.call("target", uuid=domain.uuid, run=domain.id)
        with contextlib.suppress(OperationFailed):
            return DumpTarget.open(path) if path else None
        return None

    def events(self) -> EventStream:
        return self._hub.stream()

    async def call(self, call: str, **arguments: object) -> Any:
        """The hypervisor's answer to `call`. Raises its error, or NoConnection."""
        if self._writer is None or self._reading is None or self._reading.done():
            raise NoConnection(f"{self.uri} is not open")
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        self._writer.write(json.dumps({"number": number, "call": call, "arguments": arguments}).encode() + b"\n")
        try:
            return await answer
        finally:
            del self._answers[number]

    async def _order(self, call: str, **arguments: object) -> None:
        if self.readonly:
            raise NotPermitted(f"{REFUSED}: {call}", code=29)
        await self.call(call, **arguments)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            message = json.loads(line)
            if "event" in message:
                self._hub.put(_event(message))
            elif (answer := self._answers.get(message["number"])) is not None and not answer.done():
                if "error" in message:
                    answer.set_exception(_error(**message["error"]))
                else:
                    answer.set_result(message["result"])
        lost = NoConnection(f"{self.uri}: the connection was lost")
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(lost)
        self._hub.end(lost)


def _key(machine: dict[str, Any]) -> DomainKey:
    return DomainKey(machine["uuid"], machine["run"], clean(machine["name"]))


def _stats(params: dict[str, Any] | None) -> JobStats | None:
    return None if params is None else JobStats.from_params(params["type"], {**params, "operation": JobOperation.DUMP})


def _error(kind: str, message: str, code: int) -> BackendError:
    error: BackendError = getattr(errors, kind)(clean(message), code=code)
    return error


def _event(message: dict[str, Any]) -> Event:
    domain = _key(message)
    match message["event"]:
        case "lifecycle":
            return LifecycleEvent(domain, Lifecycle[message["kind"]], message["detail"])
        case "job":
            stats = _stats(message["stats"])
            assert stats is not None
            return JobEvent(domain, stats)
        case "dump":
            return DumpEvent(domain, message["completed"], message["error"])
        case _:
            return RecordEvent(domain)
