"""The process that makes the dump call and publishes its result: ``python -m backend.running.runner ID [--private]``.

It has a session and a connection of its own and no terminal, so it outlives the requester of the dump and their
terminal. Only its call's return value says how the dump ended.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

from backend.base import Backend
from backend.errors import BackendError, JournalError, NoConnection, OperationCancelled
from backend.log import ignored, logging_to
from backend.records import process
from backend.records.folder import state_folder
from backend.records.journal import Journal
from backend.records.record import JobRecord, RecordState
from backend.running.start import KEEP_PRIVATE
from backend.uri import open_backend

KEEP_INTERVAL = 1.0
"""Seconds between two attempts to write a result into a journal that cannot be written, such as one on a full disk."""
KEEP_TRIES = 3600

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
    try:
        if publish:
            await _publish(backend, record)
        record = await _call(backend, record)
        kept = _kept(journal, record)
        if publish:
            await _publish(backend, record)
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
    return process.finished(record, RecordState.COMPLETED)


async def _keep(journal: Journal, record: JobRecord) -> None:
    """Write the result down as soon as the journal can be written: nobody else has it.

    Unless its folder was removed: nobody will look for it there.
    """
    for _ in range(KEEP_TRIES):
        if _kept(journal, record) or not journal.path.parent.exists():
            return
        await asyncio.sleep(KEEP_INTERVAL)


def _kept(journal: Journal, record: JobRecord) -> bool:
    try:
        journal.write(record)
    except JournalError as error:
        logger.warning("the record of %s is not stored yet: %s", record.domain, error)
        return False
    return True


async def _publish(backend: Backend, record: JobRecord) -> None:
    # Where it is refused (the domain is gone, the user may not write metadata) the journal alone serves.
    with ignored(logger, "the record is in the journal only", BackendError):
        await backend.publish(record)


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
