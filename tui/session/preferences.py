"""What the console remembers of its looks from one start to the next: a small file in the state folder.

It is a convenience: one that is missing or damaged, in whole or in part, counts as the defaults.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from backend.errors import JournalError
from backend.records.folder import locked, state_folder
from backend.threads import Worker

logger = logging.getLogger(__name__)

NAME = "preferences.json"
LARGEST = 64 << 10
"""Bytes of a file that may be one of ours."""
DEADLINE = 1.0
"""Seconds that the console waits at its end for a file system that is slow."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """Each field has a default that says nothing was chosen, of the type that a chosen value has."""

    sorted_by: str = ""
    """The id of the column that the domains are sorted by."""
    descending: bool = False
    history_sorted_by: str = ""
    """The same of the history."""
    history_descending: bool = False
    columns: str = ""
    """The ids of the columns that are shown, in their order, with blanks between them."""


def load() -> Preferences:
    """What was saved last, of which only what makes sense counts. Blocks for as long as the file system does."""
    try:
        return _parsed(_path())
    except (OSError, JournalError) as error:
        logger.info("the preferences cannot be read: %s", error)
        return Preferences()


def save(**changes: Any) -> None:
    """Save these fields, and leave the others as another console may have saved them. Blocks likewise.

    The file is replaced as a whole: whoever reads it meanwhile gets the old one or the new one.
    """
    try:
        path = _path()
        with locked(path):
            _write(path, replace(_parsed(path), **changes))
    except (OSError, JournalError) as error:
        logger.warning("the preferences cannot be saved: %s", error)


class Saver:
    """Saves in a thread, in the order of the calls."""

    def __init__(self) -> None:
        self._worker: Worker | None = None
        self._last: asyncio.Future[None] | None = None

    def save(self, **changes: Any) -> None:
        """Save these fields as soon as possible."""
        if self._worker is None:
            self._worker = Worker("preferences")
        self._last = self._worker.call(partial(save, **changes))

    async def close(self) -> None:
        """Wait until everything is saved, but not for ever."""
        if self._worker is not None and self._last is not None:
            self._worker.stop()
            await asyncio.wait([self._last], timeout=DEADLINE)


def _path() -> Path:
    return state_folder() / NAME


def _parsed(path: Path) -> Preferences:
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), encoding="utf-8") as file:
            saved = json.loads(file.read(LARGEST))
    except FileNotFoundError:
        return Preferences()
    except (ValueError, RecursionError) as error:
        logger.warning("the preferences are damaged, and not used: %s", error)
        return Preferences()
    return Preferences(**_usable(saved)) if isinstance(saved, dict) else Preferences()


def _usable(saved: dict[str, Any]) -> dict[str, Any]:
    """The fields that are there and of the right type."""
    values = {field.name: (saved.get(field.name), field.default) for field in fields(Preferences)}
    return {name: value for name, (value, default) in values.items() if type(value) is type(default)}


def _write(path: Path, preferences: Preferences) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{NAME}.")
    try:
        with open(descriptor, "w", encoding="ascii") as file:
            json.dump(asdict(preferences), file)
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise
