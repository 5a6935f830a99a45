"""Which domains and jobs a command of the main screen is for, and why it is refused."""

from __future__ import annotations

from collections.abc import Sequence

from tui.commands import refusals
from tui.commands.commands import ClearFilter, Command
from tui.commands.jobs import Abort, Dump, Migration, Pivot, Resume, Wait
from tui.commands.keys import Keys
from tui.commands.texts import ShowLog, ShowXml
from tui.commands.user_actions import UserAction
from tui.session.rows import Row
from tui.session.session import Session
from tui.widgets.details_pane import DetailsPane
from tui.widgets.domain_pane import DomainPane
from tui.words import hidden


class Selection:
    """What is marked in the table or under its cursor, whenever it is asked for."""

    def __init__(self, session: Session, domains: DomainPane, details: DetailsPane, keys: Keys) -> None:
        self._session = session
        self._domains = domains
        self._details = details
        self._keys = keys

    def refusal(self, command: type[Command]) -> str | None:
        """Why the command cannot be done now; None if it can."""
        of_cursor = command in (ShowLog, ShowXml) or issubclass(command, UserAction)
        if of_cursor and self._domains.table.cursor_row is None:
            return refusals.NO_DOMAIN
        if not (command.of_domains or command.of_jobs):
            return None
        rows = self._rows(command)
        if not rows:
            marked = len(self._domains.hidden)
            return hidden.refusal(marked, self._keys[ClearFilter]) if marked else refusals.NO_DOMAIN
        # Of several, some that allow it are enough.
        reasons = [self._refusal_for(command, row) for row in rows]
        return None if None in reasons else reasons[0]

    def split(self, command: Command) -> tuple[list[Row], list[tuple[str, str]]]:
        """The rows that allow `command`, and the names of the others with the reasons."""
        able, refused = [], []
        for row in command.rows:
            reason = self._refusal_for(type(command), row)
            if reason is None:
                able.append(row)
            else:
                refused.append((row.name, reason))
        return able, refused

    def command(self, command: type[Command]) -> Command:
        """The command for what is selected now; the cursor stays there."""
        self._domains.table.hold()
        return command(self._rows(command), self._domains.hidden)

    def _rows(self, command: type[Command]) -> Sequence[Row]:
        """The rows that `command` is for; of the job of a disk, its domain's if it is a command for domains."""
        rows = self._domains.selected
        if not command.names_hidden:
            rows = [row for row in rows if self._domains.table.shows(row.key)]
        if command.of_jobs or not any(row.disk for row in rows):
            return rows
        return [self._session.rows[key] for key in dict.fromkeys(row.key.of_domain for row in rows)]

    def _refusal_for(self, command: type[Command], row: Row) -> str | None:
        capabilities = self._session.hosts[row.uri].capabilities
        if command is Dump:
            return refusals.dump(row, capabilities, self._keys)
        if command is Wait:
            return None if row.key in self._session.waits else refusals.wait(row)
        if command is Abort:
            return refusals.abort(row, capabilities, self._details.running_of(row))
        if command is Pivot:
            return refusals.pivot(row, capabilities)
        if command is Migration:
            return refusals.migration(row, capabilities)
        if command is Resume:
            return refusals.resume(row, capabilities)
        if command.of_jobs and issubclass(command, UserAction):
            return None if row.progress is not None else f"{row.name} has no job"
        return None
