"""The process behind a record: who requests a job, which process holds its result, and whether that is alive."""

from __future__ import annotations

import functools
import getpass
import os
import socket
import time
import uuid
from collections.abc import Callable
from dataclasses import Field, replace
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

from backend.dump_request import DumpRequest
from backend.records.codec import TEXT_LIMIT
from backend.records.entry import EntryState, JobEntry
from backend.records.machine import FIRST_NAMESPACE, Machine, boottime, this_machine
from backend.records.record import JobRecord, RecordState

START_GRACE = 10.0
"""Seconds in which a runner begins its work, even if the process that started it is gone by then."""


class _Holder(Protocol):
    """What names a process on some machine."""

    @property
    def pid(self) -> int: ...
    @property
    def pid_start(self) -> str: ...
    @property
    def machine(self) -> str: ...
    @property
    def namespace(self) -> int: ...
    @property
    def boot(self) -> str: ...
    @property
    def host(self) -> str: ...


class Holding(_Holder, Protocol):
    """A dataclass with fields of these names."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


class Held(Holding, Protocol):
    """A record whose result such a process holds; the fields are those of JobRecord."""

    @property
    def started_uptime(self) -> float | None: ...
    @property
    def state(self) -> RecordState: ...
    @property
    def over(self) -> bool: ...


Record = TypeVar("Record", bound=Held)
Owned = TypeVar("Owned", bound=Holding)


def new_record(request: DumpRequest, uri: str, record_id: str = "") -> JobRecord:
    """The record of a request that this user makes on this host, now. Until its runner works, this process is asked.

    `record_id`: the id that it already has; empty: it gets one.
    """
    record = JobRecord(
        id=record_id or uuid.uuid4().hex,
        uri=uri,
        uuid=request.domain.uuid,
        domain=request.domain.name,
        domain_id=request.domain.id,
        path=request.path,
        format=request.format,
        flags=request.flags,
        user=requester(),
        started=time.time(),
        started_uptime=boottime(),
    )
    return held_here(record)


def requester() -> str:
    """Who requests what this process requests: ``root@hv3``."""
    return f"{user()}@{socket.gethostname()}"


def running(record: Record) -> Record:
    """The record with the calling process as its runner."""
    return replace(held_here(record), state=RecordState.RUNNING)


def held_here(record: Owned) -> Owned:
    """The record with the calling process as the one that holds its result, or owns it."""
    machine, pid = this_machine(), os.getpid()
    return replace(record, pid=pid, pid_start=process_start(pid), machine=machine.id, namespace=machine.namespace)


def finished(
    record: JobRecord, state: RecordState, error: str = "", code: int | None = None, size: int | None = None
) -> JobRecord:
    """The record with its result, as of now. `size` is that of the file, where it can be seen."""
    uptime = boottime() if is_here(record) else None
    return replace(
        record,
        state=state,
        ended=time.time(),
        ended_uptime=uptime,
        error=error[:TEXT_LIMIT],
        code=code,
        bytes=size,
    )


def is_here(record: Held) -> bool:
    """Whether the record was made under this very kernel, so that its uptimes are those of `boottime`."""
    return record.boot == this_machine().boot != ""


def runner_alive(record: Held) -> bool | None:
    """Whether the process that holds the record's result is alive; None where that cannot be told.

    For a record whose runner has not begun, that is its requester, and the runner for some seconds after that.
    """
    alive = _process_alive(record, this_machine())
    if alive is False and record.state is RecordState.STARTING and is_here(record):
        age = boottime() - (record.started_uptime or 0.0)
        return None if 0 <= age < START_GRACE else False
    return alive


def settled(read: Callable[[], list[Record]]) -> list[Record]:
    """The records that `read` returns, read again if the runner of one has ended: it has left its result by now, if it
    ever does."""
    records = read()
    if any(not record.over and runner_alive(record) is False for record in records):
        return read()
    return records


def _process_alive(record: _Holder, here: Machine) -> bool | None:
    if not record.pid:
        return None
    if not (record.machine or record.namespace):
        # It was written by a version that knew hosts by their names only.
        return None if record.host != socket.gethostname() else _has_start(record)
    if record.boot and record.boot == here.boot:
        # Another container's pids are not ours.
        return _has_start(record) if record.namespace == here.namespace else None
    rebooted = record.boot and here.boot and record.machine == here.id != "" and record.host == socket.gethostname()
    # The images of containers bring their machine ids along: the same one may run on two hosts.
    first = record.namespace == here.namespace == FIRST_NAMESPACE
    return False if rebooted and first else None


def _has_start(record: _Holder) -> bool | None:
    start = process_start(record.pid)
    if not start and _is_hidden(record.pid):
        return None
    return record.pid_start == start != ""


def _is_hidden(pid: int) -> bool:
    """Whether there is such a process, of which /proc shows this user nothing (its option hidepid)."""
    if Path(f"/proc/{pid}/stat").exists():
        return False
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def is_watched(entry: JobEntry) -> bool:
    """Whether the observer of a job may still be watching it, as far as this host can tell."""
    return bool(entry.pid) and observer_alive(entry) is not False


def observer_alive(entry: JobEntry) -> bool | None:
    """Whether the process that observes the entry's job is alive; None where that cannot be told."""
    return holder_alive(entry)


def holder_alive(record: _Holder) -> bool | None:
    """Whether the process that the record names is alive; None where that cannot be told."""
    return _process_alive(record, this_machine())


def is_own(entry: JobEntry) -> bool:
    """Whether this very process observes the entry's job."""
    return entry.pid == os.getpid() and entry.pid_start == own_start()


def entry_state(entry: JobEntry) -> EntryState:
    """Where the entry's job stands."""
    if entry.over:
        return EntryState.ENDED
    return EntryState.UNSEEN if observer_alive(entry) is False else EntryState.RUNNING


def current_state(record: Held) -> RecordState:
    """The record's state; LOST if it says "running" but its runner is gone."""
    return RecordState.LOST if not record.over and runner_alive(record) is False else record.state


def own_start() -> str:
    """When this process started, like `process_start`."""
    return _kept_start(os.getpid())


@functools.cache
def _kept_start(pid: int) -> str:
    """Asked for own processes, which stay: a fork has another pid."""
    return process_start(pid)


def process_start(pid: int) -> str:
    """When a process of this host started, as boot id and clock ticks (proc(5)); empty if it is not alive."""
    try:
        # As bytes: its name, which anybody can choose, need not be text.
        status = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return ""
    state, *rest = status.rpartition(b")")[2].split()
    return "" if state in (b"Z", b"X") else f"{this_machine().boot}:{rest[18].decode()}"


def user() -> str:
    """The name of the user whose process this is; their number where it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
