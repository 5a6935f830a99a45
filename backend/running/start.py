"""Start a dump in a process of its own, so that it outlives the requesting process."""

from __future__ import annotations

import asyncio
import logging
import shlex
import subprocess
from functools import partial
from typing import TYPE_CHECKING

from backend.dump_request import DumpRequest
from backend.errors import (
    BackendError,
    DomainBusy,
    FileExists,
    InvalidPath,
    NotAnswering,
    OperationFailed,
)
from backend.model import JobOperation
from backend.records import process
from backend.records.journal import Journal
from backend.records.queued_dump import QueuedDump
from backend.records.record import JobRecord, RecordState
from backend.running import detached, objections, scope
from backend.running.place import look
from backend.text import clean, hide_passwords
from backend.threads import in_thread

if TYPE_CHECKING:
    from backend.base import Backend

logger = logging.getLogger(__name__)

KEEP_PRIVATE = "--private"
"""The runner's option not to share its record through the hypervisor."""
BEGIN_INTERVAL = 0.03
"""Seconds between two looks for the job: not every hypervisor reports that one has begun."""


async def start_dump(
    backend: Backend,
    request: DumpRequest,
    *,
    overwrite: bool = False,
    publish: bool = True,
    journal: Journal | None = None,
    queued: QueuedDump | None = None,
) -> JobRecord:
    """Start the dump and return its record once its job is seen, or once it is over already.

    Unless `publish`, its record stays in the journal and is not shared through the hypervisor. `journal` is this
    user's own by default. `queued`: what it is in the queue that is kept there, and leaves as its record is written;
    NotInQueue if it is not there any more.

    What can be refused is refused before anything is touched: NotPermitted, NotSupported, InvalidPath,
    DomainNotRunning, DomainBusy, and FileExists unless `overwrite`. A dump that failed at once comes back as a failed
    record; OperationFailed where its runner ended without a result.
    """
    await _check(backend, request, overwrite)
    record = process.new_record(request, backend.uri, queued.id if queued is not None else "")
    journal = journal or Journal()
    await in_thread(partial(journal.write, record, queued), "journal")
    runner = detached.spawn("backend.running.runner", record.id, *([] if publish else [KEEP_PRIVATE]))
    move = in_thread(partial(_give_scope, runner.pid, record), "scope")
    try:
        return await _begun(backend, journal, record, runner)
    finally:
        # Long done, unless systemd hangs. A user who is back in a shell may log out at once.
        await asyncio.wait([move], timeout=scope.DEADLINE)


async def _check(backend: Backend, request: DumpRequest, overwrite: bool) -> None:
    if objection := objections.to_dump(backend.capabilities, request) or objections.to_domain(request.domain, None):
        raise objection
    job = await backend.job(request.domain)
    if job is not None and (busy := objections.to_domain(request.domain, job.operation)):
        attach = ["wait", "--operation", "any", "--", request.domain.name]
        again = shlex.join(["virt-jobs", "-c", hide_passwords(backend.uri), *attach])
        raise DomainBusy(f"{busy}; attach to it with: {again}")
    if not request.memory_only:
        disks = (await backend.block_jobs([request.domain]))[request.domain]
        if not isinstance(disks, BackendError) and (objection := objections.to_disks(request, disks)):
            raise objection
    if backend.capabilities.local:
        place = await look(request.path)
        match objections.to_place(place, overwrite, clean(request.path)):
            case FileExists() as objection:
                raise FileExists(f"{objection}; use --overwrite to dump there all the same")
            case InvalidPath() as objection:
                raise objection


def _give_scope(pid: int, record: JobRecord) -> None:
    try:
        scope.move(pid, f"virt-jobs-{record.id}")
    except scope.NoScope as reason:
        logger.info("the runner of %s stays in the unit of its requester: %s", record.domain, clean(str(reason)))


async def _begun(backend: Backend, journal: Journal, record: JobRecord, runner: subprocess.Popen[bytes]) -> JobRecord:
    while True:
        exited = runner.returncode is not None
        now = await in_thread(partial(journal.read, record.id), "journal") or record
        if now.over:
            return now
        if exited:
            now = process.finished(
                now, RecordState.LOST, f"the runner ended without a result (exit {runner.returncode})"
            )
            await in_thread(partial(journal.write, now), "journal")
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
