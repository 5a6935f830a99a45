"""Whether this user's state can be kept: without that, no dump is started."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import platformdirs

from backend.errors import BackendError, JournalTooNew
from backend.text import clean
from tui.cli import findings
from tui.cli.findings import Finding, Mark, StateFacts

_ROOM = 1 << 16
"""Bytes below which a disk is full for a journal."""


def stored() -> Iterator[Finding]:
    """The findings about the state folder, the journal and the history. A folder that is missing is not created."""
    try:
        folder = Path(platformdirs.user_state_dir("virt-jobs"))
    except RuntimeError:
        yield Finding("state folder", Mark.ATTENTION, "this user has no home folder", findings.ELSEWHERE)
        return
    state = look(folder)
    yield findings.of_state(state)
    if state.exists and state.own and not state.error:
        yield from _files()


def look(folder: Path) -> StateFacts:
    """What can be seen of the state folder, and whether a file can be written there, or where it would be created."""
    try:
        status = os.stat(folder)
    except FileNotFoundError:
        return StateFacts(str(folder), error=_objection(_nearest(folder)))
    except OSError as error:
        return StateFacts(str(folder), error=error.strerror or str(error))
    own = status.st_uid == os.geteuid()
    return StateFacts(str(folder), True, own, status.st_mode, _objection(folder) if own else "")


def _objection(folder: Path) -> str:
    """Why no file can be written in that folder; empty if it can. The file has no name there, or is removed at once."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(_ROOM))
            file.flush()
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _nearest(folder: Path) -> Path:
    """The first folder above that exists."""
    for above in folder.parents:
        with suppress(OSError):
            if above.exists():
                return above
    return folder.parents[-1]


def _files() -> Iterator[Finding]:
    from backend.records.history import History, Query
    from backend.records.journal import Journal

    try:
        journal = Journal()
        yield from findings.of_journal(journal.count(), journal.pending())
    except BackendError as error:
        yield _unusable("journal", error)
    try:
        History().jobs(Query(limit=1))
    except BackendError as error:
        yield _unusable("history", error)


def _unusable(subject: str, error: BackendError) -> Finding:
    what = "no dump can be started: " if subject == "journal" else ""
    todo = "use the newer version of virt-jobs" if isinstance(error, JournalTooNew) else ""
    return Finding(subject, Mark.ATTENTION, what + clean(error.message), todo)
