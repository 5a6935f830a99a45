"""The process that makes the dump call and publishes its result: ``python -m backend.running.runner ID [--private]``.

It has a session and a connection of its own and no terminal, so it outlives the requester of the dump and their
terminal. Only its call's return value says how the dump ended.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import stat
import sys
from functools import partial

from backend.base import Backend
from backend.errors import BackendError, NoConnection, OperationCancelled
from backend.log import logging_to
from backend.records import process
from backend.records.folder import state_folder
from backend.records.journal import Journal
from backend.records.record import JobRecord, RecordState
from backend.running import detached
from backend.running.publisher import Publisher
from backend.running.start import KEEP_PRIVATE
from backend.threads import in_thread
from backend.uri import open_backend

SIZE_PATIENCE = 2.0
"""Seconds that the file of a dump may take to tell its size."""

logger = logging.getLogger(__name__)


async def run(record_id: str, journal: Journal, publish: bool = True) -> None:
    """Make the call that the journal's record `record_id` describes, and write down how it ended.

    Unless `publish`, nothing is written anywhere but to the journal.
    """
    record = journal.read(record_id)
    if record is None or record.over:
        return
    record = process.running(record)
    journal.write(record)
    try:
        backend = open_backend(record.uri)
        await backend.open()
    except BackendError as error:
        await _keep(journal, process.finished(record, RecordState.FAILED, error.message, error.code))
        return
    publisher = Publisher(backend)
    try:
        if publish:
            await publisher.publish(record)
        record = await _call(backend, record)
        kept = detached.is_kept(partial(journal.write, record), record.domain)
        if publish:
            await publisher.publish_result(record)
    finally:
        await backend.close()
    if not kept:
        await _keep(journal, record)


async def _call(backend: Backend, record: JobRecord) -> JobRecord:
    try:
        await backend.call_dump(record.request)
    except OperationCancelled as error:
        return process.finished(record, RecordState.CANCELLED, error.message, error.code)
    except NoConnection as error:
        return process.finished(record, RecordState.LOST, error.message, error.code)
    except BackendError as error:
        return process.finished(record, RecordState.FAILED, error.message, error.code)
    # What is at the path of another host's file on this machine is something else.
    size = await _size(record.path) if backend.capabilities.local else None
    return process.finished(record, RecordState.COMPLETED, size=size)


async def _size(path: str) -> int | None:
    """The size of the file, if its storage tells that soon: the result does not wait for it."""
    try:
        async with asyncio.timeout(SIZE_PATIENCE):
            status = await in_thread(partial(os.stat, path), "dump file")
    except (OSError, TimeoutError):
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None  # A block device's is 0.


async def _keep(journal: Journal, record: JobRecord) -> None:
    await detached.keep(partial(journal.write, record), journal.path.parent, record.domain)


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    record_id, *options = sys.argv[1:]
    with logging_to(state_folder):
        try:
            asyncio.run(run(record_id, Journal(), publish=KEEP_PRIVATE not in options))
        except Exception:
            logger.exception("the runner of %s failed", record_id)
            sys.exit(1)


if __name__ == "__main__":
    main()
