"""The journal's records of running jobs, read for all waits of this process together.

A runner writes its job's result into the journal. Other processes' changes to a SQLite file are not announced, so the
journal's files are looked at, which costs next to nothing; records are read only when those have changed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from backend.errors import JournalError
from backend.records import process
from backend.records.database import Signature, signature
from backend.records.journal import Journal
from backend.records.record import JobRecord
from backend.threads import Worker

logger = logging.getLogger(__name__)

INTERVAL = 0.03
"""Seconds between two looks at the journal's files."""
RUNNERS_INTERVAL = 0.25
"""Seconds after which records are read even if nothing changed, because a killed runner writes nothing."""

Take = Callable[[JobRecord, bool | None], object]
"""Gets a record, and whether its runner was alive before it was read (None where this host cannot tell)."""


class RecordReader:
    """Reads the records that are followed in one journal, for as long as there are any."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._followers: dict[Take, JobRecord] = {}
        self._worker = Worker("journal")
        self._signature: Signature = ()
        self._task = asyncio.create_task(self._run())

    def follow(self, record: JobRecord, take: Take) -> None:
        """Give `take` the record as it is in the journal, again and again, until `leave`."""
        self._followers[take] = record
        self._signature = ()

    def leave(self, take: Take) -> None:
        """Give it no more."""
        del self._followers[take]
        if not self._followers:
            del _READERS[self._journal.path]
            self._task.cancel()
            self._worker.stop()

    async def _run(self) -> None:
        clock = asyncio.get_running_loop().time
        due = clock()
        while True:
            followers = dict(self._followers)
            try:
                read = await self._worker.call(partial(self._read, list(followers.values()), clock() >= due))
            except Exception:
                logger.exception("reading %s", self._journal.path)
                read = {}
            if read is not None:
                due = clock() + RUNNERS_INTERVAL
                for take, record in followers.items():
                    if take in self._followers and (latest := read.get(record.id)) is not None:
                        self._followers[take] = latest[0]
                        take(*latest)
            await asyncio.sleep(INTERVAL)

    def _read(self, records: list[JobRecord], anyway: bool) -> dict[str, tuple[JobRecord, bool | None]] | None:
        """Each record by its id; None where nothing has changed (in the thread)."""
        latest = signature(self._journal.path)
        if latest == self._signature and not anyway:
            return None
        # A runner that is dead before its record is read has written all that it ever will.
        alive = {record.id: process.runner_alive(record) for record in records}
        try:
            read = self._journal.read_all(list(alive))
        except JournalError as error:
            logger.debug("%s", error.message)
            read = []
        self._signature = latest
        return {record.id: (record, alive[record.id]) for record in read}


_READERS: dict[Path, RecordReader] = {}
"""One for each journal with followed records."""


def reader_of(journal: Journal) -> RecordReader:
    """The reader that all waits on `journal` share."""
    if journal.path not in _READERS:
        _READERS[journal.path] = RecordReader(journal)
    return _READERS[journal.path]
