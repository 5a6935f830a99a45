"""Start a dump whose call is held by a process of its own, so that no end of the asker can touch it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from backend.errors import (
    BackendError,
    DomainBusy,
    DomainNotRunning,
    FileExists,
    InvalidPath,
    JournalError,
    NotAnswering,
    NotPermitted,
    NotSupported,
    OperationFailed,
)
from backend.log import open_log
from backend.model import DumpFlags, DumpRequest, JobOperation
from backend.records.folder import state_folder
from backend.records.journal import Journal
from backend.records.record import JobRecord, RecordState
from backend.text import clean

if TYPE_CHECKING:
    from backend.base import Backend

logger = logging.getLogger(__name__)

KEEP_PRIVATE = "--private"
"""Tells a runner that its record is not to be shared through the hypervisor."""
PATH_LIMIT = 4095
"""Bytes (PATH_MAX without the NUL at its end)."""
_CONTROL = re.compile("[\x00-\x1f\x7f]")
BEGIN_INTERVAL = 0.03
"""Seconds between two looks for the job: no hypervisor tells that one has begun."""


async def start_dump(
    backend: Backend,
    request: DumpRequest,
    *,
    overwrite: bool = False,
    publish: bool = True,
    journal: Journal | None = None,
) -> JobRecord:
    """Start the dump and return its record once its job is seen, or once it is over already.

    Unless `publish`, its record stays in the journal and is not shared through the hypervisor. `journal` is this
    user's own unless another one is given.

    What can be refused is refused before anything is touched: NotPermitted, NotSupported, DomainNotRunning,
    DomainBusy, and FileExists unless `overwrite`. A dump that failed at once comes back as a failed record.
    """
    await _check(backend, request, overwrite)
    record = JobRecord.of(request, backend.uri)
    journal = journal or Journal()
    await asyncio.to_thread(journal.write, record)
    runner = _spawn(record, publish)
    return await _begun(backend, journal, record, runner)


def refusal(backend: Backend, request: DumpRequest) -> BackendError | None:
    """Why this connection cannot do what is asked, as far as that is known beforehand."""
    capabilities = backend.capabilities
    if capabilities.dump is not None:
        return NotPermitted(capabilities.dump)
    if reason := capabilities.formats.get(request.format_name):
        return NotSupported(f"{request.format_name}: {reason}")
    for flag in DumpFlags:
        if flag & request.flags and (reason := capabilities.flags.get(flag)):
            return NotSupported(f"{', '.join(flag.labels)}: {reason}")
    if objection := path_objection(request.path):
        return InvalidPath(objection)
    return None


def path_objection(path: str) -> str | None:
    """Why no dump goes to that path, whatever is there; None: nothing speaks against it."""
    shown = clean(path) if len(path) <= PATH_LIMIT else f"{clean(path[:40])}..."
    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        return f"{shown} is not valid UTF-8, which the hypervisor needs; choose another name"
    if size > PATH_LIMIT:
        return f"{shown} is too long: {size} bytes, where {PATH_LIMIT} are the most; choose a shorter one"
    if _CONTROL.search(path):
        return f"{shown} has control characters in it; choose another name"
    if not path.startswith("/") or path.endswith("/"):
        return f"{shown} is not the absolute path of a file; name one"
    return None


async def _check(backend: Backend, request: DumpRequest, overwrite: bool) -> None:
    name = request.domain.name
    if refused := refusal(backend, request):
        raise refused
    if request.domain.id is None:
        raise DomainNotRunning(f"{name} is not running: there is no memory to dump")
    job = await backend.job(request.domain)
    if job is not None:
        raise DomainBusy(f"{name} has a job already ({job.operation.label}); attach to it with: virt-jobs wait")
    if backend.capabilities.local and (there := await asyncio.to_thread(_occupied, request.path, overwrite)):
        raise there


def _occupied(path: str, overwrite: bool) -> BackendError | None:
    """Why what is at that path on this machine is in the way."""
    shown = clean(path)
    if os.path.isdir(path):
        return InvalidPath(f"{shown} is a folder; name a file in it")
    if overwrite or not os.path.lexists(path):
        return None
    if os.path.islink(path):
        return FileExists(f"{shown} is a link to {clean(os.path.realpath(path))}; to dump there use --overwrite")
    if not os.path.isfile(path):
        return FileExists(f"{shown} is no regular file; to dump into it all the same use --overwrite")
    return FileExists(f"{shown} exists, and even a failed dump would destroy it; use --overwrite")


def _spawn(record: JobRecord, publish: bool) -> subprocess.Popen[bytes]:
    with _runner_log() as stderr:
        # -P keeps the folder it starts in out of the module path; its own session keeps our signals away.
        runner = subprocess.Popen(
            [sys.executable, "-P", "-m", "backend.running.runner", record.id, *([] if publish else [KEEP_PRIVATE])],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=stderr,
            cwd="/",
            start_new_session=True,
        )
    # A runner may end long after this call; somebody has to reap it while this process lives.
    threading.Thread(target=runner.wait, name=f"reaper of {runner.pid}", daemon=True).start()
    return runner


@contextlib.contextmanager
def _runner_log() -> Iterator[int]:
    """A descriptor for what a runner writes to stderr, such as the traceback of a failed import: the log file's."""
    try:
        descriptor = open_log(state_folder())
    except (OSError, JournalError) as error:
        logger.debug("the stderr of a runner is lost: %s", error)
        yield subprocess.DEVNULL
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)


async def _begun(backend: Backend, journal: Journal, record: JobRecord, runner: subprocess.Popen[bytes]) -> JobRecord:
    while True:
        exited = runner.returncode is not None
        now = await asyncio.to_thread(journal.read, record.id) or record
        if now.over:
            return now
        if exited:
            now = now.finished(RecordState.LOST, f"the runner ended without a result (exit {runner.returncode})")
            await asyncio.to_thread(journal.write, now)
            raise OperationFailed(now.error)
        if now.state is RecordState.RUNNING:
            try:
                job = await backend.job(record.key)
            except NotAnswering:
                return now  # The target is being opened, with the domain locked: the job has begun.
            except BackendError as error:
                logger.debug("whether the dump of %s has begun is unknown: %s", record.domain, error)
                job = None  # Its end will be in the record.
            if job is not None and job.operation is JobOperation.DUMP:
                return now
        await asyncio.sleep(BEGIN_INTERVAL)
