"""Who hears of what happens in a session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from backend.records.command import CommandRecord
from backend.records.entry import JobEntry
from tui.session.job_wait import JobWait
from tui.session.rows import Row, RowKey


class SessionListener(Protocol):
    """Hears what changed."""

    def rows_changed(self, changed: Sequence[Row], removed: Sequence[RowKey]) -> None:
        """The rows have these changes now."""

    def hosts_changed(self) -> None:
        """A host was added or dropped, its connection changed, its domains are known now, or one was renamed or answers
        no more or again."""

    def wait_ended(self, wait: JobWait) -> None:
        """A wait is over: it has an outcome or an error."""

    def commands_changed(self) -> None:
        """Other commands run for domains than before."""

    def command_ended(self, record: CommandRecord) -> None:
        """A command ended that was run for a domain."""

    def remembered(self, entry: JobEntry) -> None:
        """A job was first seen, or its end is known now."""

    def deeds_changed(self) -> None:
        """Something was done here, or it is known what came of it."""

    def action_failed(self, subject: str, error: str) -> None:
        """An action that the user requested failed."""

    def queue_left(self) -> None:
        """Earlier consoles left dumps in the queue that the user was not asked about."""
