"""The process behind a record: who requests a dump, which process holds its result, and whether that is alive."""

from __future__ import annotations

import getpass
import os
import socket
import time
import uuid
from dataclasses import replace
from pathlib import Path

from backend.model import DumpRequest
from backend.records.codec import TEXT_LIMIT
from backend.records.record import JobRecord, RecordState


def new_record(request: DumpRequest, uri: str) -> JobRecord:
    """The record of a request that this user makes on this host, now."""
    return JobRecord(
        id=uuid.uuid4().hex,
        uri=uri,
        uuid=request.domain.uuid,
        domain=request.domain.name,
        domain_id=request.domain.id,
        path=request.path,
        format=request.format,
        flags=request.flags,
        user=f"{_user()}@{socket.gethostname()}",
        started=time.time(),
    )


def running(record: JobRecord) -> JobRecord:
    """The record with the calling process as its runner."""
    return replace(record, state=RecordState.RUNNING, pid=os.getpid(), pid_start=process_start(os.getpid()))


def finished(record: JobRecord, state: RecordState, error: str = "", code: int | None = None) -> JobRecord:
    """The record with its result, as of now."""
    size = _size(record.path) if state is RecordState.COMPLETED else None
    return replace(record, state=state, ended=time.time(), error=error[:TEXT_LIMIT], code=code, bytes=size)


def runner_alive(record: JobRecord) -> bool | None:
    """Whether the process that makes the call is alive; None where this host cannot tell (another host)."""
    if record.host != socket.gethostname() or not record.pid:
        return None
    return record.pid_start == process_start(record.pid) != ""


def current_state(record: JobRecord) -> RecordState:
    """The record's state; LOST if it says "running" but its runner is gone."""
    return RecordState.LOST if not record.over and runner_alive(record) is False else record.state


def process_start(pid: int) -> str:
    """When a process of this host started, as boot id and clock ticks (proc(5)); empty if it is not alive."""
    try:
        # As bytes: its name, which anybody can choose, need not be text.
        status = Path(f"/proc/{pid}/stat").read_bytes()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
    state, *rest = status.rpartition(b")")[2].split()
    return "" if state in (b"Z", b"X") else f"{boot}:{rest[18].decode()}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _size(path: str) -> int | None:
    try:
        return os.stat(path).st_size
    except OSError:
        return None
