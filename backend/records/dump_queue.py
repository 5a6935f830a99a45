"""The dumps that wait for their turn in this user's consoles on this machine: a table in the file of the journal."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import replace

from backend.errors import JournalError
from backend.records import process, queued_dump, table
from backend.records.codec import InvalidRecord
from backend.records.journal import KEEP_DAYS, Journal
from backend.records.queued_dump import COLUMNS, UPSERT, QueuedDump


class DumpQueue:
    """All methods raise JournalError where the file cannot be used. Any thread may call."""

    def __init__(self, journal: Journal | None = None) -> None:
        """`journal`: another one than this user's own."""
        self._journal = journal or Journal()

    def add(self, dumps: Sequence[QueuedDump]) -> None:
        """Keep these, behind those that are kept already, in place of what nobody has asked for in KEEP_DAYS."""
        try:
            rows = [queued_dump.to_row(dump) for dump in dumps]
        except InvalidRecord as error:
            raise JournalError(f"cannot keep a queued dump in the journal: its {error}") from None

        def work(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM queued WHERE queued < ?", (time.time() - KEEP_DAYS * 86400,))
            db.executemany(UPSERT, rows)

        self._journal.use(work)

    def remove(self, dumps: Sequence[QueuedDump]) -> list[QueuedDump]:
        """Forget these, except for those that another process has taken over by now; the ones that were removed."""
        return self._journal.use(lambda db: [dump for dump in dumps if queued_dump.remove(db, dump)])

    def take(self, dumps: Sequence[QueuedDump]) -> list[QueuedDump]:
        """Make this process the owner of these; those that no other process took first, with their new owner."""
        owned = [(dump, process.held_here(dump)) for dump in dumps]
        return self._journal.use(lambda db: [mine for dump, mine in owned if queued_dump.hand_over(db, dump, mine)])

    def release(self, dumps: Sequence[QueuedDump]) -> None:
        """Leave these, which are this process's, to whichever console asks for them."""
        free = [(dump, replace(dump, pid=0, pid_start="", machine="", namespace=0)) for dump in dumps]
        self._journal.use(lambda db: [queued_dump.hand_over(db, dump, nobody) for dump, nobody in free])

    def all(self, uris: Sequence[str] = ()) -> list[QueuedDump]:
        """Every dump that is kept, the one that was queued first to the front; of those connections, where named."""
        conditions, values = table.conditions("queued", uris=uris)
        command = f"SELECT {table.names(COLUMNS)} FROM queued WHERE {' AND '.join(conditions)} ORDER BY rowid"
        rows = self._journal.use(lambda db: db.execute(command, values).fetchall())
        return table.intact(rows, queued_dump.from_row, "queued dumps", str(self._journal.path))

    def left(self) -> list[QueuedDump]:
        """Those that nobody is known to wait with any more: their console ended before they began."""
        return [dump for dump in self.all() if process.holder_alive(dump) is not True]
