"""Dumps that others asked for: by whom, and how they ended, as far as a record says so."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from textual.message import Message

from backend.errors import BackendError
from backend.records.journal import Journal
from backend.records.record import JobRecord
from backend.verdicts.verdict import Outcome
from tui.session.host import Host
from tui.session.rows import Row, RowKey
from tui.session.waits import Run

logger = logging.getLogger(__name__)

RESULT_INTERVAL = 0.2
"""Seconds between two looks for the result of a dump that is over."""
RESULT_TRIES = 15
"""After so many of them a record without a result says nothing of how the dump ended."""


@dataclass
class Told(Message):
    """Something to be told of a domain: how a job ended, or else `words`."""

    domain: str
    words: str
    outcome: Outcome | None = None


class ForeignDumps:
    """Tells of them by messages. A record counts for a dump only if it was there, and running, when that was seen."""

    def __init__(self, run: Run, tell: Callable[[Message], object]) -> None:
        self._run = run
        self._tell = tell
        self._ids: dict[RowKey, str] = {}

    def seen(self, host: Host, row: Row, began: bool) -> None:
        """The domain has a dump; `began`: just now."""
        self._run(partial(self._tell_of_begin, host, row, began), group="foreign")

    def gone(self, host: Host, row: Row) -> None:
        """The domain's dump is over."""
        self._run(partial(self._tell_of_end, host, row), group="foreign")

    async def _tell_of_begin(self, host: Host, row: Row, began: bool) -> None:
        record = await _record(host, row)
        words = "dump began"
        if record is not None and not record.over and record.key == row.domain.key:
            if await _is_ours(host, record):
                return  # It is attached to, which is told.
            self._ids[row.key] = record.id
            words += f", asked for by {record.user} → {record.path}"
        if began:
            self._tell(Told(row.domain.name, words))

    async def _tell_of_end(self, host: Host, row: Row) -> None:
        id = self._ids.pop(row.key, None)
        for _ in range(RESULT_TRIES if id is not None else 0):
            record = await _record(host, row)
            if record is None or record.id != id:
                break
            outcome = Outcome.of_record(record, shared=True)
            if outcome is not None:
                self._tell(Told(row.domain.name, "", outcome))
                return
            await asyncio.sleep(RESULT_INTERVAL)
        self._tell(Told(row.domain.name, "dump is over; no record says how it ended"))


async def _record(host: Host, row: Row) -> JobRecord | None:
    try:
        return await host.backend.record(row.domain.key)
    except BackendError as error:
        logger.debug("no shared record of %s: %s", row.domain.name, error)
        return None


async def _is_ours(host: Host, record: JobRecord) -> bool:
    try:
        return await asyncio.to_thread(Journal().read, record.id) is not None
    except BackendError as error:
        logger.debug("the journal cannot be read: %s", error)
        return False
